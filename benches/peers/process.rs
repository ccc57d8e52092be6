//! The process of a server: what it takes of a core and of memory.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
}

impl Server {
    /// Starts it; it says its port in the first line.
    pub(crate) fn start(mut command: Command) -> Option<Self> {
        let mut process = command.stdout(Stdio::piped()).spawn().ok()?;
        let stdout = process.stdout.take()?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).ok()?;
        let port = line.trim().parse().ok();
        if port.is_none() {
            let _ = process.kill();
            let _ = process.wait();
        }
        Some(Self {
            port: port?,
            process,
        })
    }

    /// What all its threads have computed for.
    pub(crate) fn cpu_time(&self) -> Duration {
        let tasks = format!("/proc/{}/task", self.process.id());
        let tasks = std::fs::read_dir(tasks).into_iter().flatten().flatten();
        let nanos = tasks.filter_map(|task| {
            let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// A line of its status in KiB: `VmRSS`, `VmHWM`.
    pub(crate) fn memory(&self, name: &str) -> Option<u64> {
        let status = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(status).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let line = line.trim_start_matches(':').trim();
        line.strip_suffix(" kB")?.parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
