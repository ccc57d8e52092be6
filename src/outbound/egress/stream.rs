use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection to an address that was judged.
#[derive(Debug)]
pub struct EgressStream {
    tcp: TokioIo<TcpStream>,
    answered: Answered,
}

/// Whether a connection has brought an answer. hyper-util hands it out with each answer and each error.
#[derive(Clone, Debug, Default)]
pub(in crate::outbound) struct Answered(Arc<AtomicBool>);

impl Answered {
    pub(in crate::outbound) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(in crate::outbound) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl EgressStream {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp: TokioIo::new(tcp),
            answered: Answered::default(),
        }
    }
}

impl Connection for EgressStream {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.answered.clone())
    }
}

impl Read for EgressStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl Write for EgressStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }
}
