//! Connections that are kept, and those that died meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::Notify;
use tower_webhook::outbound::Failure;
use tower_webhook::outbound::client::{AnswerLimits, HttpClient, read_answer};

use super::server::{Server, ok, read_request};
use super::{builder, client, post};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

async fn deliver(client: &HttpClient, url: &str) {
    let response = post(client, url).await.unwrap();
    let answer = read_answer(response, AnswerLimits::new(), 0).await;
    assert!(answer.status.is_success() && !answer.is_cut);
}

#[tokio::test]
async fn a_hundred_deliveries_share_a_connection() {
    let server = Server::http(ok).await;
    let client = client();
    for _ in 0..100 {
        deliver(&client, &server.url()).await;
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn no_connection_is_kept_where_none_may_be() {
    let server = Server::http(ok).await;
    let client = builder().with_max_idle_per_host(0).build().unwrap();
    for _ in 0..3 {
        deliver(&client, &server.url()).await;
    }
    assert_eq!(server.accepted(), 3);
}

#[tokio::test]
async fn a_receiver_that_closes_idle_connections_fails_no_request() {
    let closed = Arc::new(Notify::new());
    let notify = Arc::clone(&closed);
    let server = Server::raw(move |mut stream, _| {
        let notify = Arc::clone(&notify);
        async move {
            read_request(&mut stream).await;
            stream.write_all(ANSWER).await.unwrap();
            drop(stream);
            notify.notify_one();
        }
    })
    .await;
    let client = client();
    for _ in 0..20 {
        deliver(&client, &server.url()).await;
        closed.notified().await;
    }
    assert_eq!(server.accepted(), 20);
}

#[tokio::test]
async fn a_kept_connection_that_dies_under_a_request_is_replaced_once() {
    for is_reset in [false, true] {
        // Answers one request a connection; the second is read, and cut off.
        let server = Server::raw(move |mut stream, _| async move {
            read_request(&mut stream).await;
            stream.write_all(ANSWER).await.unwrap();
            read_request(&mut stream).await;
            if is_reset {
                stream.set_zero_linger().unwrap();
            }
        })
        .await;
        let client = client();
        for accepted in 1..=10 {
            deliver(&client, &server.url()).await;
            assert_eq!(server.accepted(), accepted);
        }
    }
}

#[tokio::test]
async fn a_second_connection_that_dies_is_a_failure() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let server = Server::raw(move |mut stream, _| {
        let count = Arc::clone(&count);
        async move {
            while read_request(&mut stream).await {
                if count.fetch_add(1, Ordering::SeqCst) > 0 {
                    return;
                }
                stream.write_all(ANSWER).await.unwrap();
            }
        }
    })
    .await;
    let client = client();
    deliver(&client, &server.url()).await;
    let err = post(&client, &server.url()).await.unwrap_err();
    assert_eq!(err.kind(), Failure::ConnectionReset);
    assert_eq!(requests.load(Ordering::SeqCst), 3);
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_connection_that_dies_late_was_not_stale() {
    let server = Server::raw(|mut stream, _| async move {
        read_request(&mut stream).await;
        stream.write_all(ANSWER).await.unwrap();
        read_request(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
    })
    .await;
    let client = client();
    deliver(&client, &server.url()).await;
    let err = post(&client, &server.url()).await.unwrap_err();
    assert_eq!(err.kind(), Failure::ConnectionReset);
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_connection_is_let_go_after_its_idle_time() {
    let server = Server::http(ok).await;
    let idle = Duration::from_millis(100);
    let client = builder().with_idle_timeout(idle).build().unwrap();
    deliver(&client, &server.url()).await;
    tokio::time::sleep(3 * idle).await;
    deliver(&client, &server.url()).await;
    assert_eq!(server.accepted(), 2);
}
