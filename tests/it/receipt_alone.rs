//! Receipts without a stack, and in one without claims.

use std::convert::Infallible;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::receipt::{
    MemoryReceipts, NewReceipt, Receipt, ReceiptError, ReceiptId, ReceiptLayer, ReceiptQuery,
    ReceiptStore, State, Transition,
};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

const KEY: &str = "0123456789abcdef";

#[test]
fn an_id_begins_with_its_process_and_is_32_hex_digits() {
    let (first, second) = (ReceiptId::unique(), ReceiptId::unique());
    let (one, two) = (first.to_string(), second.to_string());
    assert_ne!(one, two);
    assert_eq!(one[..16], two[..16]);
    assert_ne!(one[..16], *"0000000000000000");
    assert_eq!(ReceiptId::parse(&one), Some(first));
    for text in [
        "",
        &one[1..],
        &format!("{one}0"),
        &format!("+{}", &one[1..]),
        &format!("g{}", &one[1..]),
    ] {
        assert_eq!(ReceiptId::parse(text), None, "{text}");
    }
}

#[test]
fn a_store_that_cannot_be_asked_says_why() {
    let err = ReceiptError::unavailable("no route");
    assert_eq!(err.to_string(), "the store of receipts is unavailable");
    assert_eq!(err.source().unwrap().to_string(), "no route");
}

#[test]
fn a_reason_says_whether_the_sender_was_told_to_come_again() {
    let retryable: Vec<_> = [
        "stale",
        "future",
        "malformed",
        "fingerprint",
        "handler",
        "in_progress",
        "store_unavailable",
        "handler_error",
        "panic",
        "timeout",
        "lease_lost",
        "abandoned",
    ]
    .into_iter()
    .filter(|name| match State::parse("rejected", Some(name)) {
        Some(State::Rejected(why)) => why.is_retryable(),
        other => panic!("{name}: {other:?}"),
    })
    .collect();
    assert_eq!(
        retryable,
        [
            "in_progress",
            "store_unavailable",
            "handler_error",
            "panic",
            "timeout",
            "lease_lost",
            "abandoned"
        ]
    );
}

/// Sends a delivery through receipts and no claims; the handler answers with `status`.
async fn send(layer: &ReceiptLayer, status: StatusCode) -> StatusCode {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(b"{}");
    let mac = const_hex::encode(mac.finalize().into_bytes());
    let handler = service_fn(move |_: Request<VerifiedBody>| async move {
        let mut response = Response::new(String::new());
        *response.status_mut() = status;
        Ok::<_, Infallible>(response)
    });
    let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
    // Within it is a service that has to be asked for readiness.
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1024))
        .layer(VerifyLayer::new(scheme))
        .layer(layer.clone())
        .concurrency_limit(1)
        .service(handler);
    let req = Request::post("/")
        .header("x-github-delivery", "1")
        .header("x-github-event", "push")
        .header("x-hub-signature-256", format!("sha256={mac}"))
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap();
    let Ok(response) = stack.oneshot(req).await;
    response.status()
}

#[tokio::test]
async fn without_claims_a_handled_delivery_was_dispatched_all_the_same() {
    let (layer, mut events) = ReceiptLayer::new(MemoryReceipts::new()).events(16);
    for (status, steps) in [
        (
            StatusCode::OK,
            &["received", "dispatched", "acknowledged"][..],
        ),
        (
            StatusCode::BAD_GATEWAY,
            &["received", "rejected(handler_error)"],
        ),
    ] {
        assert_eq!(send(&layer, status).await, status);
        for expected in steps {
            let event = events.next().await.unwrap().unwrap();
            assert_eq!(event.to.to_string(), *expected);
        }
    }
}

/// A store whose steps fail once, and then wait for leave.
struct Slow {
    inner: MemoryReceipts,
    failed: std::sync::atomic::AtomicBool,
    leave: Arc<Semaphore>,
}

impl ReceiptStore for Slow {
    async fn receive(&self, receipt: &NewReceipt) -> Result<(), ReceiptError> {
        self.inner.receive(receipt).await
    }

    async fn transition(
        &self,
        id: ReceiptId,
        step: Transition,
        key: Option<&str>,
        at: i64,
    ) -> Result<bool, ReceiptError> {
        if !self.failed.swap(true, std::sync::atomic::Ordering::Relaxed) {
            return Err(ReceiptError::unavailable("as told"));
        }
        self.leave.acquire().await.unwrap().forget();
        self.inner.transition(id, step, key, at).await
    }

    async fn query(&self, query: &ReceiptQuery) -> Result<Vec<Receipt>, ReceiptError> {
        self.inner.query(query).await
    }

    async fn sweep(
        &self,
        before: i64,
        at: i64,
    ) -> Result<Vec<(Receipt, Transition)>, ReceiptError> {
        self.inner.sweep(before, at).await
    }

    async fn purge(&self, before: i64) -> Result<u64, ReceiptError> {
        self.inner.purge(before).await
    }
}

#[tokio::test(start_paused = true)]
async fn receipts_are_idle_once_the_last_step_is_written() {
    let leave = Arc::new(Semaphore::new(0));
    let layer = ReceiptLayer::new(Slow {
        inner: MemoryReceipts::new(),
        failed: false.into(),
        leave: Arc::clone(&leave),
    });
    assert_eq!(send(&layer, StatusCode::OK).await, 200);
    let state = async || {
        let rows = layer.query(&ReceiptQuery::default()).await.unwrap();
        rows[0].state.to_string()
    };
    assert_eq!(state().await, "received");
    let waiting = tokio::time::timeout(Duration::from_millis(10), layer.idle());
    assert!(waiting.await.is_err());
    leave.add_permits(2);
    layer.idle().await;
    assert_eq!(state().await, "acknowledged");
}
