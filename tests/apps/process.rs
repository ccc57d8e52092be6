//! An application as a process.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::examples;

/// One that listens, and those that take its place.
#[derive(Debug)]
pub(crate) struct App {
    example: &'static str,
    arguments: Vec<String>,
    process: Mutex<Child>,
    port: u16,
    lines: Arc<Mutex<Vec<String>>>,
}

impl App {
    pub(crate) fn start(example: &'static str, arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|&part| part.to_owned()).collect();
        let lines = Arc::default();
        let port = free_port();
        let process = start(example, &arguments, port, &lines);
        Self {
            example,
            arguments,
            process: Mutex::new(process),
            port,
            lines,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// SIGKILL, and another takes its place.
    pub(crate) fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        *process = start(self.example, &self.arguments, self.port, &self.lines);
    }

    /// SIGTERM; how it ended, and what it had said.
    pub(crate) fn terminate(&self) -> (ExitStatus, Vec<String>) {
        self.command("kill", &["-TERM"], &[]);
        let status = self.process.lock().unwrap().wait().unwrap();
        (status, self.lines.lock().unwrap().clone())
    }

    /// A command about the process, which stands between these arguments.
    pub(crate) fn command(&self, program: &str, before: &[&str], after: &[&str]) {
        let id = self.process.lock().unwrap().id().to_string();
        let mut command = Command::new(program);
        let done = command.args(before).arg(id).args(after).status();
        assert!(done.unwrap().success(), "{program}");
    }

    /// Whether it has said a line that begins so.
    pub(crate) fn has_said(&self, beginning: &str) -> bool {
        let lines = self.lines.lock().unwrap();
        lines.iter().any(|line| line.starts_with(beginning))
    }

    pub(crate) fn open_files(&self) -> usize {
        let id = self.process.lock().unwrap().id();
        std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let process = self.process.get_mut();
        let process = process.unwrap_or_else(PoisonError::into_inner);
        let _ = process.kill();
        let _ = process.wait();
        if std::thread::panicking() {
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            for line in lines.iter().rev().take(20).rev() {
                println!("{}: {line}", self.example);
            }
        }
    }
}

/// Below the range that systems draw from, so that nobody else gets it while the process is down: a sender would hang
/// on whoever that is.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 1000) as u16 * 10;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::SeqCst) % 1000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn start(example: &str, arguments: &[String], port: u16, lines: &Arc<Mutex<Vec<String>>>) -> Child {
    let mut command = command(example, arguments, port);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
    let is_there = said
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.starts_with("listening on "));
    assert!(is_there, "{example} listens");
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        said.map_while(Result::ok)
            .for_each(|line| lines.lock().unwrap().push(line));
    });
    process
}

/// An application that is to listen on a port.
pub(crate) fn command(example: &str, arguments: &[String], port: u16) -> Command {
    let mut command = Command::new(examples::program(example));
    command
        .args(arguments)
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .env("GITHUB_WEBHOOK_SECRET", crate::sender::KEY)
        .stdin(Stdio::null());
    command
}
