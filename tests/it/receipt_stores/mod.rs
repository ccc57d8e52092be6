//! Every store of receipts, held to the shared suite, and what is its own.

mod disk;
mod server;
mod stack;
mod url;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use tower_webhook::receipt::conformance::run;
use tower_webhook::receipt::{
    BoxReceipts, MemoryReceipts, ReceiptId, ReceiptStore, SqliteReceipts, State,
};

use crate::store::servers;

/// A directory that is removed with its owner.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(servers::unique("receipts"));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn url(&self, name: &str) -> String {
        format!("sqlite://{}", self.0.join(name).display())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_conforms() {
    let facts = run(async || MemoryReceipts::new()).await;
    println!("{facts} facts on memory");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_boxed_store_conforms() {
    let facts = run(async || BoxReceipts::new(MemoryReceipts::new())).await;
    println!("{facts} facts on a box");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_memory_conforms() {
    let facts = run(async || SqliteReceipts::connect("sqlite::memory:").await.unwrap()).await;
    println!("{facts} facts on SQLite in memory");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_a_file_conforms() {
    let (directory, next) = (Directory::new(), AtomicU32::new(0));
    let facts = run(async || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let url = directory.url(&number.to_string());
        SqliteReceipts::connect(&url).await.unwrap()
    })
    .await;
    println!("{facts} facts on SQLite in a file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms() {
    let Some(own) = server::Own::start().await else {
        return;
    };
    let facts = run(async || own.store().await).await;
    println!("{facts} facts on PostgreSQL");
    own.end().await;
}

/// Two receipts that are open, each in a state of its own.
fn two_open(table: &str) -> String {
    let [one, other] = [ReceiptId::unique(), ReceiptId::unique()];
    format!(
        "INSERT INTO {table} (id, connection, digest, state, received_at, changed_at) VALUES \
         ('{one}', 'primary', '1', 'received', 1, 1), ('{other}', 'primary', '2', 'dispatched', 1, 1)"
    )
}

/// Sweeps a store that has [`two_open`] and refuses to change what was dispatched.
async fn sweep_half(store: impl ReceiptStore) {
    let swept = store.sweep(2, 3).await.unwrap();
    let from: Vec<_> = swept.iter().map(|(_, step)| step.from()).collect();
    assert_eq!(from, [State::Received]);
    // Nothing was swept before it failed, so that there is nothing else to tell.
    assert!(store.sweep(2, 3).await.is_err());
}
