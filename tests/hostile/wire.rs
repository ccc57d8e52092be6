//! Bytes on a socket, and the answers that come back.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for bytes that ought to come: longer than any body may take.
const WAIT: Duration = Duration::from_secs(15);

/// An HTTP/1.1 connection, and what was read of it.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Writes as much as the other side takes: it may have closed already, which the test asks later.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = timeout(WAIT, self.stream.write_all(bytes)).await;
    }

    /// The next answer, `None` where the connection ends without one.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            let end = self.read.windows(4).position(|four| four == b"\r\n\r\n");
            match end {
                Some(end) => break end + 4,
                None if self.more().await => {}
                None => return None,
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_it = name.eq_ignore_ascii_case("content-length");
            is_it.then(|| value.trim().parse::<usize>().unwrap())
        });
        let length = length.unwrap_or(0);
        while self.read.len() < length {
            assert!(self.more().await, "half an answer: {head}");
        }
        self.read.drain(..length);
        Some(Answer { status, head })
    }

    /// Whether the other side closes the connection in time, whatever it still says.
    pub(crate) async fn closes(&mut self, within: Duration) -> bool {
        let all = async { while self.fill().await {} };
        timeout(within, all).await.is_ok()
    }

    /// Ends our half of the connection.
    pub(crate) async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Every byte that comes until the connection ends, or stays silent for a while.
    pub(crate) async fn rest(&mut self, silence: Duration) -> Vec<u8> {
        while timeout(silence, self.fill()).await.unwrap_or(false) {}
        std::mem::take(&mut self.read)
    }

    async fn more(&mut self) -> bool {
        let filled = timeout(WAIT, self.fill()).await;
        filled.expect("neither bytes nor an end")
    }

    /// A connection that is reset has ended too.
    async fn fill(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.read).await, Ok(1..))
    }
}

/// What comes back for these bytes: the statuses of all answers, until the connection ends or falls silent.
pub(crate) async fn statuses(address: SocketAddr, bytes: &[u8]) -> Vec<u16> {
    let mut wire = Wire::open(address).await;
    wire.write(bytes).await;
    let mut statuses = Vec::new();
    loop {
        match timeout(Duration::from_millis(300), wire.answer()).await {
            Ok(Some(answer)) => statuses.push(answer.status),
            Ok(None) | Err(_) => return statuses,
        }
    }
}
