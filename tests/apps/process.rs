//! An application as a process.

use std::io::{BufRead as _, BufReader};
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
    port: AtomicU16,
    lines: Arc<Mutex<Vec<String>>>,
}

impl App {
    pub(crate) fn start(example: &'static str, arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|&part| part.to_owned()).collect();
        let lines = Arc::default();
        let (process, port) = start(example, &arguments, &lines);
        Self {
            example,
            arguments,
            process: Mutex::new(process),
            port: AtomicU16::new(port),
            lines,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!(
            "http://127.0.0.1:{}{path}",
            self.port.load(Ordering::SeqCst)
        )
    }

    /// SIGKILL, and another takes its place.
    pub(crate) fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        let (next, port) = start(self.example, &self.arguments, &self.lines);
        *process = next;
        self.port.store(port, Ordering::SeqCst);
    }

    /// SIGTERM; how it ended, and what it had said.
    pub(crate) fn terminate(&self) -> (ExitStatus, Vec<String>) {
        let mut process = self.process.lock().unwrap();
        let id = process.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.unwrap().success());
        let status = process.wait().unwrap();
        (status, self.lines.lock().unwrap().clone())
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

fn start(example: &str, arguments: &[String], lines: &Arc<Mutex<Vec<String>>>) -> (Child, u16) {
    let mut process = command(example, arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
    let port = said.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.strip_prefix("listening on ")?.rsplit_once(':')?;
        port.parse().ok()
    });
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        said.map_while(Result::ok)
            .for_each(|line| lines.lock().unwrap().push(line));
    });
    (process, port.expect("the application listens"))
}

/// An application, to be run to its end.
pub(crate) fn command(example: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(examples::program(example));
    command
        .args(arguments)
        .args(["--listen", "127.0.0.1:0"])
        .env("GITHUB_WEBHOOK_SECRET", crate::sender::KEY)
        .stdin(Stdio::null());
    command
}
