//! The store of receipts in a file.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tower_webhook::receipt::{ReceiptLayer, ReceiptQuery, ReceiptStore as _, SqliteReceipts};
use tower_webhook::store::ConnectErrorKind;

use super::stack::{NOW, Rig, delivery};
use super::{Directory, sweep_half, two_open};

async fn pool(directory: &Directory) -> SqlitePool {
    let options: SqliteConnectOptions = directory.url("file").parse().unwrap();
    let options = options.create_if_missing(true);
    SqlitePool::connect_with(options).await.unwrap()
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_an_error() {
    let directory = Directory::new();
    let pool = pool(&directory).await;
    let store = SqliteReceipts::with_pool(pool.clone()).await.unwrap();
    let rig = Rig::new(ReceiptLayer::new(store));
    assert_eq!(rig.send(delivery("1", "{}")).await, 200);
    let garble = "UPDATE tower_webhook_receipts SET reason = 'of a later version'";
    sqlx::query(garble).execute(&pool).await.unwrap();
    let read = rig.receipts.query(&ReceiptQuery::default()).await;
    assert!(read.is_err());
}

#[tokio::test]
async fn what_was_swept_before_the_file_failed_is_told() {
    let directory = Directory::new();
    let pool = pool(&directory).await;
    let store = SqliteReceipts::with_pool(pool.clone()).await.unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON tower_webhook_receipts \
                  WHEN OLD.state = 'dispatched' BEGIN SELECT RAISE(ABORT, 'as told'); END";
    for text in [&two_open("tower_webhook_receipts"), refuse] {
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&pool);
        done.await.unwrap();
    }
    sweep_half(store).await;
}

#[tokio::test]
async fn a_file_that_was_closed_is_asked_in_vain() {
    let directory = Directory::new();
    let store = SqliteReceipts::connect(&directory.url("file"))
        .await
        .unwrap();
    assert!(store.query(&ReceiptQuery::default()).await.is_ok());
    store.close().await;
    assert!(store.query(&ReceiptQuery::default()).await.is_err());
}

#[tokio::test]
async fn tables_of_a_later_version_are_refused() {
    let directory = Directory::new();
    let pool = pool(&directory).await;
    SqliteReceipts::with_pool(pool.clone()).await.unwrap();
    let later = "INSERT INTO tower_webhook_receipt_migrations VALUES (99)";
    sqlx::query(later).execute(&pool).await.unwrap();
    let refused = SqliteReceipts::with_pool(pool).await.unwrap_err();
    assert_eq!(refused.config().unwrap().field(), "receipts");
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_or_is_none_of_ours_is_unreachable() {
    let directory = Directory::new();
    std::fs::write(directory.0.join("text"), "not a database. ".repeat(100)).unwrap();
    for name in ["missing/file", "text"] {
        let refused = SqliteReceipts::connect(&directory.url(name)).await;
        assert_eq!(refused.unwrap_err().kind(), ConnectErrorKind::Unreachable);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_stores_on_one_file_are_one() {
    let directory = Directory::new();
    let url = directory.url("file");
    let starts = (0..4).map(|_| SqliteReceipts::connect(&url));
    let stores = futures_util::future::try_join_all(starts).await.unwrap();
    let mut senders = Vec::new();
    for (number, store) in stores.iter().cloned().enumerate() {
        let rig = Rig::new(ReceiptLayer::new(store));
        senders.push(async move {
            for delivery_number in 0..25 {
                let id = format!("{number}-{delivery_number}");
                // Where the disk is busy the others may have the file for longer than a store waits for it.
                let mut status = rig.send(delivery(&id, &id)).await;
                while status == 503 {
                    status = rig.send(delivery(&id, &id)).await;
                }
                assert_eq!(status, 200);
            }
        });
    }
    for sender in senders.into_iter().map(tokio::spawn).collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    for store in stores {
        let done = ReceiptQuery {
            state: Some("acknowledged".into()),
            limit: 1000,
            ..ReceiptQuery::default()
        };
        assert_eq!(store.query(&done).await.unwrap().len(), 100);
    }
}

#[test]
fn what_a_process_left_open_is_abandoned_by_the_next_one() {
    let directory = Directory::new();
    let url = directory.url("file");
    let start = || tokio::runtime::Runtime::new().unwrap();
    let first = start();
    let told = first.block_on(async {
        let store = SqliteReceipts::connect(&url).await.unwrap();
        let (layer, mut events) = ReceiptLayer::new(store).events(64);
        let rig = Rig::new(layer);
        assert_eq!(rig.send(delivery("done", "{}")).await, 200);
        tokio::spawn(rig.send(delivery("hangs", "wait")));
        let mut told = Vec::new();
        while told.len() < 5 {
            let event = events.next().await.unwrap().unwrap();
            told.push((event.id, event.to.to_string()));
        }
        told
    });
    assert_eq!(told[4].1, "dispatched");
    // Every task ends where it is, as in a process that is killed.
    first.shutdown_background();
    start().block_on(async {
        let store = SqliteReceipts::connect(&url).await.unwrap();
        let (layer, mut events) = ReceiptLayer::new(store).events(64);
        let rig = Rig::new(layer);
        let lease = Duration::from_secs(300);
        rig.clock.set(NOW + 300);
        assert_eq!(rig.receipts.sweep(lease).await.unwrap(), 0);
        rig.clock.set(NOW + 301);
        assert_eq!(rig.receipts.sweep(lease).await.unwrap(), 1);
        let event = events.next().await.unwrap().unwrap();
        assert_eq!(event.id, told[4].0);
        assert_eq!(event.from.unwrap().to_string(), "dispatched");
        assert_eq!(event.to.to_string(), "rejected(abandoned)");
        let rows = rig.receipts.query(&ReceiptQuery::default()).await.unwrap();
        let states: Vec<_> = rows.iter().map(|row| row.state.to_string()).collect();
        assert_eq!(states, ["rejected(abandoned)", "acknowledged"]);
    });
}
