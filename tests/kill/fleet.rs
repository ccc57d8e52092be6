//! Workers as processes, and their effects.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::worker::Orders;

/// A worker, and those that take its place.
#[derive(Debug)]
pub(crate) struct Worker {
    orders: Orders,
    process: Mutex<Child>,
    port: AtomicU16,
    /// Held by who sends to it, where at most one delivery may be on its way.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

impl Worker {
    fn start(orders: Orders) -> Self {
        let (process, port) = start(&orders);
        Self {
            orders,
            process: Mutex::new(process),
            port: AtomicU16::new(port),
            turn: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.load(Ordering::SeqCst)
    }

    /// Kills the process, without a warning, and starts another.
    pub(crate) fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        end(&mut process);
        let (next, port) = start(&self.orders);
        *process = next;
        self.port.store(port, Ordering::SeqCst);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let process = self.process.get_mut();
        end(process.unwrap_or_else(PoisonError::into_inner));
    }
}

/// SIGKILL.
pub(crate) fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

fn start(orders: &Orders) -> (Child, u16) {
    let this = std::env::current_exe().unwrap();
    let mut process = Command::new(this)
        .args(["worker::receive", "--exact", "--ignored", "--nocapture"])
        .envs(orders.variables())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let port = line.split_once("listening on ")?.1;
        port.parse().ok()
    });
    // After a minute it says that it takes long, and would end if nobody listened.
    std::thread::spawn(move || lines.for_each(drop));
    (process, port.expect("the worker listens"))
}

pub(crate) fn workers(orders: &Orders, count: usize) -> Vec<Worker> {
    (0..count).map(|_| Worker::start(orders.clone())).collect()
}

/// A file of effects, removed in the end.
#[derive(Debug)]
pub(crate) struct Effects(pub(crate) PathBuf);

impl Effects {
    pub(crate) fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("{name}.effects")))
    }

    /// How often each event took effect.
    pub(crate) fn count(&self) -> HashMap<u64, usize> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        count(text.lines().map(|line| line.parse().unwrap()))
    }
}

impl Drop for Effects {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(crate) fn count(effects: impl Iterator<Item = u64>) -> HashMap<u64, usize> {
    let mut counts = HashMap::new();
    for event in effects {
        *counts.entry(event).or_default() += 1;
    }
    counts
}
