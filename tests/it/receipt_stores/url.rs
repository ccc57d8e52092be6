//! The store of receipts of a URL.

use tower_webhook::receipt::{ReceiptLayer, ReceiptQuery, connect};

use super::stack::{Rig, delivery};
use super::{Directory, server};
use crate::store::servers;

#[tokio::test]
async fn what_names_no_store_is_refused_by_field_and_reason() {
    for (url, says) in [
        ("", "must be `memory`"),
        ("nonsense", "must be `memory`"),
        ("sqlite", "must be `memory`"),
        ("postgres", "must be `memory`"),
        ("mysql://127.0.0.1", "must be `memory`"),
        ("memory://here", "names a place"),
        ("memory://?size=1", "has a parameter"),
        ("memory://?capacity=0", "has a `capacity`"),
        ("memory:?capacity=many", "has a `capacity`"),
        ("sqlite://", "is not the address of an SQLite file"),
        (
            "sqlite:///?mode=rwc",
            "is not the address of an SQLite file",
        ),
        (
            "sqlite://file?mode=any",
            "is not the address of an SQLite file",
        ),
        ("postgres://:hidden@[", "is not the address of a PostgreSQL"),
    ] {
        let err = connect(url).await.unwrap_err();
        let config = err.config().unwrap_or_else(|| panic!("{url}: {err:?}"));
        assert_eq!(config.field(), "receipts");
        let reason = config.to_string();
        assert!(
            reason.starts_with(&format!("`receipts` {says}")),
            "{url}: {reason}"
        );
        assert!(!format!("{err} {err:?}").contains("hidden"));
    }
}

/// How many receipts are in the second store of a URL after the first took one.
async fn shared(url: &str) -> usize {
    let rig = Rig::new(ReceiptLayer::new(connect(url).await.unwrap()));
    assert_eq!(rig.send(delivery("1", "{}")).await, 200);
    let rows = rig.receipts.query(&ReceiptQuery::default()).await;
    assert_eq!(rows.unwrap().len(), 1);
    let again = ReceiptLayer::new(connect(url).await.unwrap());
    again.query(&ReceiptQuery::default()).await.unwrap().len()
}

#[tokio::test]
async fn each_url_has_its_store() {
    let directory = Directory::new();
    for memory in [
        "memory",
        "memory:",
        "memory://",
        "memory://?capacity=9",
        "sqlite::memory:",
    ] {
        assert_eq!(shared(memory).await, 0, "{memory}");
    }
    assert_eq!(shared(&directory.url("a file%20of receipts.db")).await, 1);
    assert!(directory.0.join("a file of receipts.db").exists());
    if let Some(own) = server::Own::start().await {
        let url = servers::postgres().unwrap();
        assert_eq!(shared(&format!("{url}?schema={}", own.schema())).await, 1);
        own.end().await;
    }
}

#[tokio::test]
async fn the_capacity_of_the_memory_is_in_the_url() {
    let receipts = connect("memory://?capacity=2").await.unwrap();
    let rig = Rig::new(ReceiptLayer::new(receipts));
    for id in ["1", "2", "3"] {
        assert_eq!(rig.send(delivery(id, id)).await, 200);
    }
    let rows = rig.receipts.query(&ReceiptQuery::default()).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.delivery_id.as_deref()).collect();
    assert_eq!(ids, [Some("3"), Some("2")]);
}
