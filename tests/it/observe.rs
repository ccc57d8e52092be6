//! Outcomes, also of senders that hung up, and how answers look.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::detach::DetachLayer;
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::observe::{MetricsObserver, ObserveLayer, Observer};
use tower_webhook::outcome::{Incident, Outcome};
use tower_webhook::rejection::Rejection;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::settings::Settings;
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, MokaStore, Retention,
    StoreError, StoredAnswer,
};
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

const KEY: &str = "0123456789abcdef";

fn delivery() -> Request<Full<Bytes>> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(b"{}");
    let mac = const_hex::encode(mac.finalize().into_bytes());
    Request::post("/")
        .header("x-hub-signature-256", format!("sha256={mac}"))
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap()
}

fn scheme() -> HmacScheme {
    HmacScheme::github(Secret::new(KEY).unwrap())
}

/// A place that says when somebody comes, and lets them on when it is told.
#[derive(Clone)]
struct Gate {
    says: UnboundedSender<&'static str>,
    opens: Arc<Semaphore>,
}

impl Gate {
    async fn pass(&self, place: &'static str) {
        self.says.send(place).unwrap();
        self.opens.acquire().await.unwrap().forget();
    }
}

struct Gated {
    inner: MokaStore,
    gate: Gate,
}

impl IdempotencyStore for Gated {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        self.gate.pass("claim").await;
        self.inner.claim(key, who, payload, lease).await
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        self.inner.renew(key, fence, lease).await
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        self.gate.pass("complete").await;
        self.inner.complete(key, fence, answer, keep).await
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        self.inner.release(key, fence).await
    }
}

#[derive(Debug, PartialEq)]
enum Heard {
    Outcome(Outcome),
    Incident(Incident),
}

struct Ear(UnboundedSender<Heard>);

impl Observer for Ear {
    fn outcome(&self, outcome: Outcome) {
        self.0.send(Heard::Outcome(outcome)).unwrap();
    }

    fn incident(&self, incident: Incident) {
        self.0.send(Heard::Incident(incident)).unwrap();
    }
}

async fn next<T>(from: &mut UnboundedReceiver<T>) -> T {
    from.recv().await.unwrap()
}

/// Hangs up when the delivery has come to `place`, or before its task ran at all.
async fn hang_up_at(place: Option<&'static str>) {
    let (says, mut places) = unbounded_channel();
    let (ear, mut heard) = unbounded_channel();
    let gate = Gate {
        says,
        opens: Arc::new(Semaphore::new(0)),
    };
    let at_handler = gate.clone();
    let handler = service_fn(move |_: Request<ClaimedBody>| {
        let gate = at_handler.clone();
        async move {
            gate.pass("handler").await;
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let store = Gated {
        inner: MokaStore::new(),
        gate: gate.clone(),
    };
    let inbound = Inbound::builder_with_store(scheme(), store)
        .observer(Ear(ear))
        .build()
        .unwrap();
    let mut stack = inbound.layer(handler);

    let mut call = Box::pin(stack.call(delivery()));
    // The body is there, so one poll verifies it and starts the task.
    assert!(futures_util::poll!(&mut call).is_pending());
    let mut visited = Vec::new();
    while place.is_some() && visited.last() != place.as_ref() {
        if !visited.is_empty() {
            gate.opens.add_permits(1);
        }
        visited.push(next(&mut places).await);
    }
    drop(call);
    assert_eq!(
        next(&mut heard).await,
        Heard::Incident(Incident::ClientGone)
    );
    gate.opens.add_permits(10);
    assert_eq!(
        next(&mut heard).await,
        Heard::Outcome(Outcome::Acknowledged)
    );
    while let Ok(place) = places.try_recv() {
        visited.push(place);
    }
    assert_eq!(visited, ["claim", "handler", "complete"]);

    let Ok(again) = stack.call(delivery()).await;
    assert_eq!(again.headers()["webhook-duplicate"], "true");
    assert_eq!(next(&mut heard).await, Heard::Outcome(Outcome::Duplicate));
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_hangs_up_after_verification_stops_nothing_and_its_outcome_is_heard() {
    for place in [None, Some("claim"), Some("handler"), Some("complete")] {
        // The gate holds a claim for less than the store's patience: the clock stands still.
        hang_up_at(place).await;
    }
}

#[tokio::test]
async fn a_sender_that_hangs_up_during_the_body_is_an_aborted_body() {
    let (ear, mut heard) = unbounded_channel();
    let inbound = Inbound::builder(scheme())
        .observer(Ear(ear))
        .build()
        .unwrap();
    let handler = service_fn(|_: Request<ClaimedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let mut stack = inbound.layer(handler);
    let silent = delivery().map(|_| {
        let frames = futures_util::stream::pending::<Result<http_body::Frame<Bytes>, Infallible>>();
        http_body_util::StreamBody::new(frames)
    });
    let mut call = Box::pin(stack.call(silent));
    assert!(futures_util::poll!(&mut call).is_pending());
    drop(call);
    let aborted = Outcome::Rejected(Rejection::BodyAborted);
    assert_eq!(next(&mut heard).await, Heard::Outcome(aborted));
}

#[tokio::test]
async fn a_handler_that_panics_when_its_sender_has_hung_up_is_heard_of() {
    let (ear, mut heard) = unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&gate);
    let handler = service_fn(move |_: Request<VerifiedBody>| {
        let waits = Arc::clone(&waits);
        async move {
            waits
                .acquire()
                .await
                .expect("the handler panics here")
                .forget();
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let stack = ServiceBuilder::new()
        .layer(ObserveLayer::new(Ear(ear)))
        .layer(BodyLimitLayer::new(1024))
        .layer(VerifyLayer::new(scheme()))
        .layer(DetachLayer::new(1))
        .service(handler);
    let mut call = Box::pin(stack.oneshot(delivery()));
    assert!(futures_util::poll!(&mut call).is_pending());
    drop(call);
    let gone = Heard::Incident(Incident::ClientGone);
    assert_eq!(next(&mut heard).await, gone);
    gate.close();
    let panic = Outcome::Rejected(Rejection::HandlerPanic);
    assert_eq!(next(&mut heard).await, Heard::Outcome(panic));
}

async fn refused(observe: ObserveLayer, kind: &'static str) -> (http::response::Parts, Bytes) {
    let inbound = Inbound::builder(scheme()).observe(observe).build().unwrap();
    let handler = service_fn(|_: Request<ClaimedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let req = Request::post("/").header("content-type", kind);
    let req = req.header("x-hub-signature-256", "sha256=00");
    let req = req.body(Full::<Bytes>::default()).unwrap();
    let Ok(response) = inbound.layer(handler).oneshot(req).await;
    let (head, body) = response.into_parts();
    (head, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn answers_are_replaced_in_one_place_and_the_outcome_stays() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let observe = ObserveLayer::new(move |outcome: Outcome| ear.lock().unwrap().push(outcome))
        .with_answers(|why| {
            let mut bare = Response::new(Bytes::new());
            *bare.status_mut() = why.status();
            (why == Rejection::Unauthenticated).then_some(bare)
        });
    let (head, body) = refused(observe, "application/json").await;
    let unauthenticated = Outcome::Rejected(Rejection::Unauthenticated);
    assert_eq!(
        (head.status, head.headers.len(), body.len()),
        (StatusCode::UNAUTHORIZED, 0, 0)
    );
    assert_eq!(head.extensions.get(), Some(&unauthenticated));
    assert_eq!(*heard.lock().unwrap(), [unauthenticated]);
}

#[tokio::test]
async fn who_speaks_grpc_is_refused_in_grpc() {
    let observe = ObserveLayer::new(|_: Outcome| {});
    // 415: a JSON receiver does not take gRPC.
    let (head, body) = refused(observe, "application/grpc+proto").await;
    assert_eq!((head.status, body.len()), (StatusCode::OK, 0));
    assert_eq!(head.headers["grpc-status"], "12");
}

#[tokio::test]
async fn an_observer_that_is_switched_off_stays_off() {
    let observe = ObserveLayer::new(|_: Outcome| {}).with_enabled(false);
    let (head, _) = refused(observe, "application/json").await;
    assert_eq!(head.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_receiver_that_is_switched_off_is_404_to_authentic_deliveries_too() {
    let handler = service_fn(|_: Request<ClaimedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    // Off is the default of a file, whatever is set after it.
    let settings = serde_json::from_str("{}").unwrap();
    let inbound = Inbound::builder(scheme()).settings(&settings);
    let inbound = inbound.observer(|_: Outcome| {}).build().unwrap();
    let Ok(response) = inbound.layer(handler).oneshot(delivery()).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(serde_json::from_str::<Settings>("{\"replay_window_secs\":1}").is_err());
}

#[test]
fn the_metrics_of_the_contract_are_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime.unwrap().block_on(async {
            let secret = Secret::new(KEY).unwrap().with_id("2026");
            let inbound = Inbound::builder(HmacScheme::github(secret))
                .observer(MetricsObserver::new("primary"))
                .build()
                .unwrap();
            let handler = service_fn(|_: Request<ClaimedBody>| async {
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            });
            let stack = inbound.layer(handler);
            let mut forged = delivery();
            let wrong = format!("sha256={}", "0".repeat(64)).parse().unwrap();
            forged.headers_mut().insert("x-hub-signature-256", wrong);
            for req in [delivery(), delivery(), forged] {
                let Ok(_) = stack.clone().oneshot(req).await;
            }
        });
    });
    assert_eq!(
        counts(&snapshots),
        [
            "webhook_auth_failures_total[cause=bad_signature] 1",
            "webhook_body_bytes[] 2",
            "webhook_handler_seconds[connection=primary] 1",
            "webhook_requests_total[connection=primary, outcome=acknowledged] 1",
            "webhook_requests_total[connection=primary, outcome=duplicate] 1",
            "webhook_requests_total[connection=primary, outcome=unauthenticated] 1",
            "webhook_verified_total[key_id=2026] 2",
        ]
    );
}

#[test]
fn what_somebody_must_look_at_is_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    let observer = MetricsObserver::new("primary");
    metrics::with_local_recorder(&recorder, || {
        observer.outcome(Outcome::Ignored);
        observer.incident(Incident::ClientGone);
        observer.incident(Incident::CommitFailed);
        observer.incident(Incident::LeaseLost);
    });
    assert_eq!(
        counts(&snapshots),
        [
            "webhook_client_gone_total[] 1",
            "webhook_commit_failed_total[] 1",
            "webhook_lease_lost_total[] 1",
            "webhook_requests_total[connection=primary, outcome=ignored] 1",
        ]
    );
}

/// Each metric with its labels and how often it was told, sorted.
fn counts(snapshots: &Snapshotter) -> Vec<String> {
    let mut counts: Vec<_> = Vec::new();
    for (key, _, _, value) in snapshots.snapshot().into_vec() {
        let key = key.key();
        let labels = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()));
        let labels: Vec<_> = labels.collect();
        let count = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Histogram(values) => values.len() as u64,
            DebugValue::Gauge(_) => panic!("no gauges"),
        };
        counts.push(format!("{}{labels:?} {count}", key.name()).replace('"', ""));
    }
    counts.sort();
    counts
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_what_is_completed_in_the_background() {
    use std::sync::atomic::Ordering;
    let store = Arc::<crate::faulty::Faulty>::default();
    let inbound = Inbound::builder_with_store(scheme(), Arc::clone(&store));
    let inbound = inbound.build().unwrap();
    let handler = service_fn(|_: Request<ClaimedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    store.completions_to_fail.store(6, Ordering::Relaxed);
    let Ok(response) = inbound.layer(handler).oneshot(delivery()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(store.completions.load(Ordering::Relaxed), 4);
    inbound.drain().await;
    assert_eq!(store.completions.load(Ordering::Relaxed), 7);
}

#[test]
fn an_outcome_is_written_as_its_label() {
    for outcome in [
        Outcome::Acknowledged,
        Outcome::HandlerError,
        Outcome::Rejected(Rejection::TooLarge),
    ] {
        assert_eq!(outcome.to_string(), outcome.label());
    }
}
