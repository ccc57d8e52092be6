//! Bodies that are sent, whole or in part.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The longest body that the receiver takes, in bytes.
pub(crate) const LONGEST: u32 = 64 << 10;

/// A body of which a part comes, and then perhaps nothing more.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    bytes: Bytes,
    // What the head says; none: in chunks.
    declared: Option<u64>,
    is_whole: bool,
}

impl Part {
    pub(crate) fn whole(bytes: &Bytes) -> Self {
        Self {
            declared: Some(bytes.len() as u64),
            bytes: bytes.clone(),
            is_whole: true,
        }
    }

    /// The first half. The rest never comes.
    pub(crate) fn half(bytes: &Bytes) -> Self {
        Self {
            declared: Some(bytes.len() as u64),
            bytes: bytes.slice(..bytes.len() / 2),
            is_whole: false,
        }
    }

    /// Longer than is taken, as the head says; nothing of it is sent, for the answer comes before.
    pub(crate) fn declared_too_long(_: &Bytes) -> Self {
        Self {
            bytes: Bytes::new(),
            declared: Some(u64::from(LONGEST) + 1),
            is_whole: false,
        }
    }

    /// Longer than is taken, by a byte, which the head does not say.
    pub(crate) fn grows_too_long(_: &Bytes) -> Self {
        Self {
            bytes: vec![b' '; LONGEST as usize + 1].into(),
            declared: None,
            is_whole: false,
        }
    }
}

impl Body for Part {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if self.is_whole {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_whole && self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.declared
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
