//! The servers that the stores are tested on.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The URL of a server: that of `variable`, or a local one where it listens. With the variable set,
/// a server that is missing fails the test.
pub(crate) fn url(variable: &str, default: &str, port: u16) -> Option<String> {
    if let Ok(url) = std::env::var(variable) {
        return Some(url);
    }
    let address = ([127, 0, 0, 1], port).into();
    if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
        return Some(default.to_owned());
    }
    println!("skipped: no server at {default}, and {variable} is not set");
    None
}

pub(crate) fn redis() -> Option<String> {
    url("REDIS_URL", "redis://127.0.0.1:6379", 6379)
}

pub(crate) fn postgres() -> Option<String> {
    let default = "postgres://postgres@127.0.0.1:5432/test";
    url("DATABASE_URL", default, 5432)
}

/// A name that no other run has.
pub(crate) fn unique(name: &str) -> String {
    let nonce = tower_webhook::store::Claimant::unique().get() >> 64;
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{name}_{nonce:x}_{next}")
}

/// A `redis-server` of our own, ended with its owner.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
}

impl Server {
    /// `None`, with a line that says so, where there is no `redis-server` to start.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let started = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .args(arguments)
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            println!("skipped: no redis-server to start");
            return None;
        };
        let server = Self {
            process,
            url: format!("redis://127.0.0.1:{port}"),
        };
        let address = ([127, 0, 0, 1], port).into();
        while TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_err() {
            std::thread::yield_now();
        }
        Some(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
