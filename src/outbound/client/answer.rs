use std::pin::pin;
use std::time::{Duration, UNIX_EPOCH};

use bytes::{Buf, Bytes, BytesMut};
use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::outbound::failure::Failure;

/// Longest wait that a receiver can ask for: 2³¹ seconds, which RFC 9111, section 1.2.2, calls infinite.
const LONGEST_WAIT: u64 = 1 << 31;

/// How much of an answer is read.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct AnswerLimits {
    kept: usize,
    read: usize,
    within: Duration,
}

impl AnswerLimits {
    /// Keeps the first 4 KiB of a body, reads 64 KiB at most, and 15 s at most.
    pub fn new() -> Self {
        Self {
            kept: 4 * 1024,
            read: 64 * 1024,
            within: Duration::from_secs(15),
        }
    }

    /// Sets how many bytes of the body are kept.
    pub fn with_kept_bytes(mut self, bytes: usize) -> Self {
        self.kept = bytes;
        self
    }

    /// Sets how many bytes of the body are read before the connection is given up.
    pub fn with_read_bytes(mut self, bytes: usize) -> Self {
        self.read = bytes;
        self
    }

    /// Sets the time in which the body must have come: what is left of the time for the attempt, and a day at
    /// most.
    pub fn with_time(mut self, within: Duration) -> Self {
        self.within = within.min(Duration::from_secs(86_400));
        self
    }
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self::new()
    }
}

/// What a receiver answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// How long the receiver asks to wait, by `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The first bytes of the body, whatever they are.
    pub body: Bytes,
    /// Whether `body` is not all of it.
    pub is_cut: bool,
    /// Why the body did not end: [`BodyError`](Failure::BodyError) or [`Timeout`](Failure::Timeout). The
    /// status stands all the same. A body that was longer than is read is no failure.
    pub failure: Option<Failure>,
}

/// Reads an answer as far as `limits` allow, then gives its connection up. `now`, in Unix seconds, is
/// what a date in `Retry-After` is measured from.
pub async fn read_answer<B>(response: Response<B>, limits: AnswerLimits, now: i64) -> Answer
where
    B: Body,
{
    let (head, body) = response.into_parts();
    let deadline = Instant::now() + limits.within;
    let mut body = pin!(body);
    let mut kept = BytesMut::new();
    let mut read = 0;
    let mut failure = None;
    let is_whole = loop {
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(None) => break true,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                failure = Some(Failure::BodyError);
                break false;
            }
            Err(_) => {
                failure = Some(Failure::Timeout);
                break false;
            }
        };
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        read += data.remaining();
        let room = limits.kept - kept.len();
        let taken = data.copy_to_bytes(room.min(data.remaining()));
        kept.extend_from_slice(&taken);
        if read > limits.read {
            break false;
        }
    };
    Answer {
        status: head.status,
        retry_after: retry_after(&head.headers, now),
        is_cut: !is_whole || read > kept.len(),
        body: kept.freeze(),
        failure,
    }
}

/// Seconds or a date (RFC 9110, section 10.2.3). A date that has passed asks for no wait.
fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more than anybody waits.
        text.parse().unwrap_or(u64::MAX)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        let date = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
        date.saturating_sub(u64::try_from(now).unwrap_or(0))
    };
    Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
}
