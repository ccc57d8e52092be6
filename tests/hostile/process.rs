//! The receiver as a process of its own, so that its memory is nobody else's.

use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use super::receiver::{Host, Receiver, Seen};

/// Such a process. It ends with whoever started it.
pub(crate) struct Process {
    child: Child,
    orders: ChildStdin,
    lines: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

/// What the process counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) calls: usize,
    pub(crate) runs: usize,
    pub(crate) receipts: usize,
    pub(crate) outcomes: String,
}

impl Process {
    pub(crate) fn start(host: Host) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "process::serve", "--ignored", "--nocapture"])
            .env("HOSTILE_HOST", format!("{host:?}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let address = line(&mut lines, "listening on ").parse().unwrap();
        Self {
            child,
            orders,
            lines,
            address,
        }
    }

    pub(crate) fn counts(&mut self) -> Counts {
        self.orders.write_all(b"\n").unwrap();
        let line = line(&mut self.lines, "counted ");
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap();
        let mut number = || word().parse().unwrap();
        Counts {
            calls: number(),
            runs: number(),
            receipts: number(),
            outcomes: word().to_owned(),
        }
    }

    /// Bytes of memory that the process has now.
    pub(crate) fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most that it ever had.
    pub(crate) fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> u64 {
        let file = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(file).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() << 10
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The rest of the next line that begins so: the test harness writes lines of its own.
fn line(lines: &mut impl BufRead, start: &str) -> String {
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the process ended");
        if let Some((_, rest)) = line.split_once(start) {
            return rest.trim_end().to_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "what the other tests start as a process"]
async fn serve() {
    let host = match std::env::var("HOSTILE_HOST").as_deref() {
        Ok("Axum") => Host::Axum,
        Ok("Hyper") => Host::Hyper,
        _ => return,
    };
    let receiver = Arc::new(Receiver::start(host).await);
    println!("listening on {}", receiver.address);
    let handle = tokio::runtime::Handle::current();
    let asked = std::thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            let seen: &Seen = &receiver.seen;
            let receipts = handle.block_on(receiver.receipts());
            println!(
                "counted {} {} {receipts} {:?}",
                seen.calls(),
                seen.runs(),
                seen.outcomes()
            );
        }
        std::process::exit(0);
    });
    tokio::task::spawn_blocking(|| asked.join())
        .await
        .unwrap()
        .unwrap();
}
