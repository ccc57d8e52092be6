//! The receiver as a process, as its senders see it: what it says, what it counted, what it takes.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;

use super::receiver::MARK;
use super::tally::Counts;

/// Such a process. It ends with whoever started it.
pub(crate) struct Process {
    child: Child,
    orders: Mutex<ChildStdin>,
    told: Mutex<mpsc::Receiver<String>>,
    heard: Arc<Heard>,
    pub(crate) address: SocketAddr,
}

/// What it said of its own accord.
#[derive(Default)]
struct Heard {
    // How often each event was handled.
    handled: Mutex<BTreeMap<u64, u64>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<()>>>,
}

impl Heard {
    fn line(&self, line: &str) {
        if let Some(number) = line.strip_prefix("handled ") {
            let number = number.parse().unwrap();
            *self.handled.lock().unwrap().entry(number).or_default() += 1;
        }
        if let Some(waiting) = self.waiting.lock().unwrap().remove(line) {
            // Who does not wait any more has failed already.
            let _ = waiting.send(());
        }
    }
}

impl Process {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "receiver::serve", "--ignored", "--nocapture"])
            .env("SOAK_RECEIVER", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let line = next(&mut lines).expect("the receiver starts");
            if let Some(address) = line.strip_prefix("listening on ") {
                break address.parse().unwrap();
            }
        };
        let heard = Arc::new(Heard::default());
        let (tell, told) = mpsc::channel();
        let hearing = Arc::clone(&heard);
        std::thread::spawn(move || {
            while let Some(line) = next(&mut lines) {
                match line.strip_prefix("told ") {
                    Some(told) => drop(tell.send(told.to_owned())),
                    None => hearing.line(&line),
                }
            }
        });
        Self {
            child,
            orders: Mutex::new(orders),
            told: Mutex::new(told),
            heard,
            address,
        }
    }

    /// Waits for this line, which must not have come yet.
    pub(crate) fn hear(&self, line: String) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        self.heard.waiting.lock().unwrap().insert(line, tell);
        told
    }

    /// How often the handler ran for this event.
    pub(crate) fn handled(&self, number: u64) -> u64 {
        let handled = self.heard.handled.lock().unwrap();
        handled.get(&number).copied().unwrap_or(0)
    }

    /// What it counted, by metric, once nothing runs there any more.
    pub(crate) fn counts(&self) -> Counts {
        self.order("count");
        let lines = std::iter::from_fn(|| Some(self.answer()).filter(|line| line != "end"));
        let counts = lines.map(|line| {
            let (metric, count) = line.rsplit_once(' ').unwrap();
            (metric.to_owned(), count.parse().unwrap())
        });
        counts.collect()
    }

    /// How much it remembers.
    pub(crate) fn population(&self) -> String {
        self.order("population");
        self.answer()
    }

    fn order(&self, order: &str) {
        writeln!(self.orders.lock().unwrap(), "{order}").unwrap();
    }

    fn answer(&self) -> String {
        let told = self.told.lock().unwrap();
        let line = told.recv_timeout(Duration::from_secs(30));
        line.expect("the receiver answers")
    }

    /// Bytes of memory that it has now.
    pub(crate) fn memory(&self) -> u64 {
        let text = std::fs::read_to_string(self.file("status")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() << 10
    }

    /// Files and sockets that it has open now.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(self.file("fd")).unwrap().count()
    }

    fn file(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next line that is for us.
fn next(lines: &mut BufReader<ChildStdout>) -> Option<String> {
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        if let Some((_, rest)) = line.split_once(MARK) {
            return Some(rest.trim_end().to_owned());
        }
    }
}
