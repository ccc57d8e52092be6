//! A running dispatcher and receivers behind sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tower_webhook::Inbound;
use tower_webhook::envelope::RawWebhook;
use tower_webhook::outbound::egress::Egress;
use tower_webhook::outbound::endpoint::NewEndpoint;
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::policy::Limits;
use tower_webhook::outbound::sign::{SigningKey, SigningKeys};
use tower_webhook::outbound::store::{DeliveryQuery, DeliveryState};
use tower_webhook::outbound::{MemoryOutbox, SealingKey, Sender};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

fn local() -> Egress {
    Egress::public().allow("127.0.0.0/8").unwrap().allow_http()
}

/// Waits for something that another task does.
async fn until(what: impl Fn() -> bool) {
    let waiting = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .expect("it happens in time");
}

#[tokio::test]
async fn our_receiver_handles_each_event_of_our_sender_once() {
    let key = SigningKey::generate();
    let secret = Secret::standard_webhooks(key.reveal()).unwrap();
    let handled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&handled);
    let handler = post(move |RawWebhook(_, _): RawWebhook| {
        // Each third fails at first, and all are sent again until they are taken.
        let number = count.fetch_add(1, Ordering::Relaxed);
        async move {
            if number.is_multiple_of(3) {
                StatusCode::INTERNAL_SERVER_ERROR
            } else {
                StatusCode::OK
            }
        }
    });
    let inbound = Inbound::builder(HmacScheme::standard_webhooks(secret))
        .build()
        .unwrap();
    let addr = serve(Router::new().route("/hooks", handler).layer(inbound)).await;
    let sender = Sender::builder(MemoryOutbox::new(), SealingKey::generate())
        .egress(local())
        .schedule(tower_webhook::outbound::policy::Schedule::list(
            [Duration::from_millis(5); 40],
        ))
        .breaker(tower_webhook::outbound::policy::Breaker::off())
        .build()
        .unwrap();
    let new = NewEndpoint::new(format!("http://{addr}/hooks")).keys(SigningKeys::new(key));
    let endpoint = sender.endpoints().create(new).await.unwrap().endpoint;
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(sender.dispatcher().run_until(async { drop(stopped.await) }));
    for number in 0..200 {
        sender
            .emit(Event::standard("order.created", &number).unwrap())
            .await
            .unwrap();
    }
    let all = DeliveryQuery {
        limit: 1000,
        ..DeliveryQuery::new(endpoint.id.clone())
    };
    let all_arrived = async || {
        let audited = sender.deliveries(&all).await.unwrap();
        audited
            .iter()
            .filter(|audited| audited.delivery.state == DeliveryState::Delivered)
            .count()
            == 200
    };
    for _ in 0..3000 {
        if all_arrived().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(all_arrived().await);
    let audited = sender.deliveries(&all).await.unwrap();
    let failures: usize = audited
        .iter()
        .map(|audited| audited.attempts.len() - 1)
        .sum();
    // Each attempt was one run of the handler: nothing was handled twice, nothing was a duplicate.
    assert_eq!(handled.load(Ordering::Relaxed), 200 + failures);
    drop(stop);
    running.await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_hangs_does_not_slow_the_others() {
    let (arrived, hanging) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(Semaphore::new(0));
    let (fast, slow, closed) = (
        Arc::clone(&arrived),
        Arc::clone(&hanging),
        Arc::clone(&gate),
    );
    let app = Router::new()
        .route(
            "/fast",
            post(async move || {
                fast.fetch_add(1, Ordering::Relaxed);
            }),
        )
        .route(
            "/slow",
            post(async move || {
                slow.fetch_add(1, Ordering::Relaxed);
                drop(closed.acquire().await);
            }),
        );
    let addr = serve(app).await;
    let sender = Sender::builder(MemoryOutbox::new(), SealingKey::generate())
        .egress(local())
        .limits(Limits::concurrent(4))
        // So that no attempt ends by itself, however slow the machine is.
        .timeout(Duration::from_secs(300))
        .lease(Duration::from_secs(305))
        .build()
        .unwrap();
    for path in ["slow", "fast", "fast"] {
        let new = NewEndpoint::new(format!("http://{addr}/{path}"));
        sender.endpoints().create(new).await.unwrap();
    }
    // The slow endpoint could fill all the places.
    let dispatcher = sender.dispatcher().concurrency(8);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(dispatcher.run_until(async { drop(stopped.await) }));
    for number in 0..100 {
        sender
            .emit(Event::standard("order.created", &number).unwrap())
            .await
            .unwrap();
    }
    until(|| arrived.load(Ordering::Relaxed) == 200).await;
    assert_eq!(hanging.load(Ordering::Relaxed), 4);
    drop(stop);
    // What is under way is waited for.
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!running.is_finished());
    gate.close();
    running.await.unwrap();
    assert_eq!(hanging.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_ends_and_is_a_failure() {
    let app = Router::new().route("/", post(async || std::future::pending::<()>().await));
    let addr = serve(app).await;
    let sender = Sender::builder(MemoryOutbox::new(), SealingKey::generate())
        .egress(local())
        .timeout(Duration::from_millis(50))
        .schedule(tower_webhook::outbound::policy::Schedule::list([]))
        .build()
        .unwrap();
    let endpoint = sender
        .endpoints()
        .create(NewEndpoint::new(format!("http://{addr}/")))
        .await
        .unwrap()
        .endpoint;
    sender.emit(Event::new("a", "{}").unwrap()).await.unwrap();
    sender.dispatcher().run_due().await.unwrap();
    let audited = sender
        .deliveries(&DeliveryQuery::new(endpoint.id))
        .await
        .unwrap();
    assert_eq!(
        audited[0].attempts[0].error.as_ref().unwrap().code,
        "timeout"
    );
}

#[tokio::test]
async fn an_address_that_became_private_is_a_dead_letter_and_nobody_is_dialled() {
    let dialled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dialled);
    let app = Router::new().fallback(async move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let addr = serve(app).await;
    let (store, key) = (MemoryOutbox::new(), SealingKey::generate());
    let lenient = Sender::builder(store.clone(), key.clone())
        .egress(local())
        .build()
        .unwrap();
    let url = format!("http://{addr}/");
    let endpoint = lenient
        .endpoints()
        .create(NewEndpoint::new(url))
        .await
        .unwrap()
        .endpoint;
    lenient.emit(Event::new("a", "{}").unwrap()).await.unwrap();
    // The same store and key, with the rule that holds unless said otherwise.
    let strict = Sender::builder(store, key).build().unwrap();
    let _ = strict.dispatcher().run_due().await.unwrap();
    let audited = lenient
        .deliveries(&DeliveryQuery::new(endpoint.id))
        .await
        .unwrap();
    let reason = "refused".to_owned();
    assert_eq!(audited[0].delivery.state, DeliveryState::Dead { reason });
    let err = audited[0].attempts[0].error.as_ref().unwrap();
    assert_eq!(err.code, "egress_denied");
    assert_eq!(dialled.load(Ordering::Relaxed), 0);
}
