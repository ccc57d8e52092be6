//! Receipts: each history is a path of the state machine, and each step is told after it was written.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::event::EventPatterns;
use tower_webhook::idempotency::{ClaimedBody, Reject};
use tower_webhook::receipt::{
    MAX_ATTEMPTS, MemoryReceipts, NewReceipt, Receipt, ReceiptError, ReceiptEvent, ReceiptId,
    ReceiptLayer, ReceiptQuery, ReceiptStore, State, Transition,
};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::stack::InboundBuilder;
use tower_webhook::time::ManualClock;
use tower_webhook::verify::Verified as _;

use crate::faulty::Faulty;

const KEY: &str = "0123456789abcdef";
const NOW: i64 = 1_763_724_670;

fn delivery(id: &str, time: i64, body: &str) -> Request<Full<Bytes>> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    let mac = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    Request::post("/")
        .header("webhook-id", id)
        .header("webhook-timestamp", time)
        .header("webhook-signature", format!("v1,{mac}"))
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

/// Receipts that fail when they are told to.
#[derive(Default)]
struct Shaky {
    inner: MemoryReceipts,
    is_down: AtomicBool,
    steps_to_fail: AtomicU32,
}

impl Shaky {
    fn check(&self) -> Result<(), ReceiptError> {
        let down = self.is_down.load(Ordering::Relaxed);
        let fails = |left: u32| left.checked_sub(1);
        let failed = self
            .steps_to_fail
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fails);
        if down || failed.is_ok() {
            return Err(ReceiptError::unavailable("as told"));
        }
        Ok(())
    }
}

struct Receipts(Arc<Shaky>);

impl ReceiptStore for Receipts {
    async fn receive(&self, receipt: &NewReceipt) -> Result<(), ReceiptError> {
        if self.0.is_down.load(Ordering::Relaxed) {
            return Err(ReceiptError::unavailable("as told"));
        }
        self.0.inner.receive(receipt).await
    }

    async fn transition(
        &self,
        id: ReceiptId,
        step: Transition,
        key: Option<&str>,
        at: i64,
    ) -> Result<bool, ReceiptError> {
        self.0.check()?;
        self.0.inner.transition(id, step, key, at).await
    }

    async fn query(&self, query: &ReceiptQuery) -> Result<Vec<Receipt>, ReceiptError> {
        self.0.inner.query(query).await
    }

    async fn sweep(
        &self,
        before: i64,
        at: i64,
    ) -> Result<Vec<(Receipt, Transition)>, ReceiptError> {
        self.0.inner.sweep(before, at).await
    }

    async fn purge(&self, before: i64) -> Result<u64, ReceiptError> {
        self.0.inner.purge(before).await
    }
}

/// A receiver with receipts, and all that was told of them.
struct Rig {
    store: Arc<Faulty>,
    receipts: Arc<Shaky>,
    told: Arc<Mutex<Vec<ReceiptEvent>>>,
    waiting: Arc<Semaphore>,
    leave: Arc<Semaphore>,
    clock: Arc<ManualClock>,
    stack: Stack,
    layer: ReceiptLayer,
}

type Stack = tower::util::BoxCloneSyncService<Request<Full<Bytes>>, Response<()>, Infallible>;
type Builder = InboundBuilder<HmacScheme, Arc<Faulty>>;

impl Rig {
    fn new(set: impl FnOnce(Builder) -> Builder) -> Self {
        Self::with(|layer| layer, set)
    }

    fn with(
        layer: impl FnOnce(ReceiptLayer) -> ReceiptLayer,
        set: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let (store, receipts) = (Arc::<Faulty>::default(), Arc::<Shaky>::default());
        let told = Arc::new(Mutex::new(Vec::new()));
        let clock = Arc::new(ManualClock::new(NOW));
        let (waiting, leave) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let ear = Arc::clone(&told);
        let written = Arc::clone(&receipts);
        let observer = move |event: &ReceiptEvent| {
            // What is told has been written.
            let all = ReceiptQuery::default();
            let query = written.inner.query(&all);
            let rows = futures_util::FutureExt::now_or_never(query)
                .unwrap()
                .unwrap();
            assert!(
                rows.iter()
                    .any(|row| row.id == event.id && row.state == event.to)
            );
            ear.lock().unwrap().push(event.clone());
        };
        let receipt_layer = ReceiptLayer::new(Receipts(Arc::clone(&receipts)));
        let scheme = HmacScheme::standard_webhooks(Secret::new(KEY).unwrap());
        let builder = Inbound::builder_with_store(scheme, Arc::clone(&store));
        let builder = builder.clock(Arc::clone(&clock));
        let builder = builder.receipts(layer(receipt_layer.with_observer(observer)));
        let inbound = set(builder).build().unwrap();
        let layer = inbound.receipts().clone();
        let (wait, gate) = (Arc::clone(&waiting), Arc::clone(&leave));
        let handler = service_fn(move |req: Request<ClaimedBody>| {
            let (wait, gate) = (Arc::clone(&wait), Arc::clone(&gate));
            async move {
                let text = String::from_utf8(req.body().as_bytes().to_vec()).unwrap();
                let mut response = Response::new(Full::<Bytes>::default());
                if text.contains("wait") {
                    wait.add_permits(1);
                    gate.acquire().await.unwrap().forget();
                } else if text.contains("fail") {
                    *response.status_mut() = StatusCode::BAD_GATEWAY;
                } else if text.contains("panic") {
                    panic!("as told");
                } else if text.contains("reject") {
                    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
                    response.extensions_mut().insert(Reject);
                }
                Ok::<_, Infallible>(response)
            }
        });
        let stack = inbound.layer(handler);
        let stack = service_fn(move |req| {
            let stack = stack.clone();
            async move { stack.oneshot(req).await.map(|response| response.map(drop)) }
        });
        Self {
            store,
            receipts,
            told,
            waiting,
            leave,
            clock,
            stack: tower::util::BoxCloneSyncService::new(stack),
            layer,
        }
    }

    fn send(&self, req: Request<Full<Bytes>>) -> impl Future<Output = u16> + Send + use<> {
        let answer = self.stack.clone().oneshot(req);
        async move {
            let Ok(response) = answer.await;
            response.status().as_u16()
        }
    }

    /// The states of the last receipt, in order.
    fn history(&self) -> String {
        let told = self.told.lock().unwrap();
        let last = told.last().map(|event| event.id);
        let steps = told.iter().filter(|event| Some(event.id) == last);
        let steps: Vec<_> = steps.map(|event| event.to.to_string()).collect();
        steps.join(" ")
    }

    async fn rows(&self) -> Vec<Receipt> {
        self.layer.query(&ReceiptQuery::default()).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn each_end_of_a_delivery_has_its_history() {
    let events = EventPatterns::parse(["push"]).unwrap();
    let rig = Rig::new(|builder| builder.events(events));
    for (req, status, history) in [
        (
            delivery("a", NOW, "{}"),
            200,
            "received dispatched acknowledged",
        ),
        (delivery("a", NOW, "{}"), 200, "received duplicate"),
        (
            delivery("a", NOW, "{ }"),
            422,
            "received rejected(fingerprint)",
        ),
        (
            delivery("b", NOW - 301, "{}"),
            409,
            "received rejected(stale)",
        ),
        (
            delivery("b", NOW + 301, "{}"),
            409,
            "received rejected(future)",
        ),
        (
            delivery("b", NOW, "[]"),
            400,
            "received rejected(malformed)",
        ),
        (
            delivery("b", NOW, r#"{"type":"star"}"#),
            204,
            "received acknowledged(ignored)",
        ),
        (
            delivery("c", NOW, r#"{"do":"fail"}"#),
            502,
            "received dispatched rejected(handler_error)",
        ),
        (
            delivery("d", NOW, r#"{"do":"reject"}"#),
            422,
            "received dispatched rejected(handler)",
        ),
        (
            delivery("e", NOW, r#"{"do":"panic"}"#),
            500,
            "received dispatched rejected(panic)",
        ),
        (
            delivery("f", NOW, r#"{"do":"wait"}"#),
            503,
            "received dispatched rejected(timeout)",
        ),
    ] {
        assert_eq!(rig.send(req).await, status);
        assert_eq!(rig.history(), history);
    }
    rig.store.is_lost.store(true, Ordering::Relaxed);
    assert_eq!(rig.send(delivery("g", NOW, r#"{"do":"wait"}"#)).await, 503);
    assert_eq!(rig.history(), "received dispatched rejected(lease_lost)");
    // The handler was done, and by then the claim was another's.
    assert_eq!(rig.send(delivery("i", NOW, "{}")).await, 200);
    assert_eq!(rig.history(), "received dispatched acknowledged(late)");
    let refused = delivery("j", NOW, r#"{"do":"reject"}"#);
    assert_eq!(rig.send(refused).await, 422);
    assert_eq!(rig.history(), "received dispatched rejected(handler)");
    rig.store.claims_to_fail.store(3, Ordering::Relaxed);
    assert_eq!(rig.send(delivery("h", NOW, "{}")).await, 503);
    assert_eq!(rig.history(), "received rejected(store_unavailable)");
}

#[tokio::test(start_paused = true)]
async fn attempts_at_one_event_share_their_key_and_one_in_progress_is_rejected() {
    let rig = Rig::new(|builder| builder);
    let first = tokio::spawn(rig.send(delivery("a", NOW, r#"{"do":"wait"}"#)));
    rig.waiting.acquire().await.unwrap().forget();
    assert_eq!(rig.send(delivery("a", NOW, r#"{"do":"wait"}"#)).await, 503);
    assert_eq!(rig.history(), "received rejected(in_progress)");
    rig.leave.add_permits(1);
    assert_eq!(first.await.unwrap(), 200);
    let rows = rig.rows().await;
    assert_eq!(rows.len(), 2);
    assert!(rows[0].key.is_some());
    assert_eq!(rows[0].key, rows[1].key);
    assert_eq!(rows[0].delivery_id.as_deref(), Some("a"));
    let by_key = ReceiptQuery {
        key: rows[0].key.clone(),
        state: Some("acknowledged".into()),
        ..ReceiptQuery::default()
    };
    assert_eq!(rig.layer.query(&by_key).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_hangs_up_leaves_no_receipt_open() {
    let rig = Rig::new(|builder| builder);
    let call = tokio::spawn(rig.send(delivery("a", NOW, r#"{"do":"wait"}"#)));
    rig.waiting.acquire().await.unwrap().forget();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    rig.leave.add_permits(1);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(rig.history(), "received dispatched acknowledged");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_authentic_has_no_receipt() {
    let rig = Rig::new(|builder| builder);
    let mut req = delivery("a", NOW, "{}");
    req.headers_mut().insert("webhook-id", "b".parse().unwrap());
    assert_eq!(rig.send(req).await, 401);
    assert!(rig.rows().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_its_store_nothing_runs_unless_that_was_said() {
    let rig = Rig::new(|builder| builder);
    rig.receipts.is_down.store(true, Ordering::Relaxed);
    assert_eq!(rig.send(delivery("a", NOW, "{}")).await, 503);
    assert_eq!(rig.store.completions.load(Ordering::Relaxed), 0);
    let rig = Rig::with(ReceiptLayer::continue_without_store, |builder| builder);
    rig.receipts.is_down.store(true, Ordering::Relaxed);
    assert_eq!(rig.send(delivery("a", NOW, "{}")).await, 200);
    assert!(rig.rows().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_later_delays_the_receipt_and_not_the_sender() {
    let rig = Rig::new(|builder| builder);
    rig.receipts.steps_to_fail.store(4, Ordering::Relaxed);
    assert_eq!(rig.send(delivery("a", NOW, "{}")).await, 200);
    assert_eq!(rig.history(), "received");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(rig.history(), "received dispatched acknowledged");
}

#[tokio::test(start_paused = true)]
async fn a_receipt_waits_for_a_completion_that_failed() {
    let rig = Rig::new(|builder| builder);
    rig.store.completions_to_fail.store(6, Ordering::Relaxed);
    assert_eq!(rig.send(delivery("a", NOW, "{}")).await, 200);
    assert_eq!(rig.history(), "received dispatched");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(rig.history(), "received dispatched acknowledged");
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_process_left_open_is_abandoned_and_old_receipts_go() {
    let rig = Rig::new(|builder| builder);
    let new = rig.send(delivery("a", NOW, r#"{"do":"wait"}"#));
    let call = tokio::spawn(new);
    rig.waiting.acquire().await.unwrap().forget();
    let lease = Duration::from_secs(300);
    rig.clock.set(NOW + 300);
    assert_eq!(rig.layer.sweep(lease).await.unwrap(), 0);
    rig.clock.set(NOW + 301);
    assert_eq!(rig.layer.sweep(lease).await.unwrap(), 1);
    assert_eq!(rig.history(), "received dispatched rejected(abandoned)");
    // Whoever was taken for dead and was not has nothing more to say.
    rig.leave.add_permits(1);
    assert_eq!(call.await.unwrap(), 200);
    assert_eq!(rig.history(), "received dispatched rejected(abandoned)");
    rig.clock.set(NOW + 1000);
    assert_eq!(rig.layer.purge(lease).await.unwrap(), 1);
    assert!(rig.rows().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn replays_of_one_delivery_grow_nothing() {
    let rig = Rig::new(|builder| builder);
    assert_eq!(rig.send(delivery("other", NOW, r#"{"a":1}"#)).await, 200);
    for _ in 0..3 * MAX_ATTEMPTS {
        rig.send(delivery("a", NOW - 1000, "{}")).await;
    }
    assert_eq!(rig.rows().await.len(), MAX_ATTEMPTS + 1);
}

#[tokio::test(start_paused = true)]
async fn steps_can_be_listened_to() {
    let (layer, mut events) = ReceiptLayer::new(MemoryReceipts::new()).events(16);
    let scheme = HmacScheme::standard_webhooks(Secret::new(KEY).unwrap());
    let builder = Inbound::builder(scheme).clock(ManualClock::new(NOW));
    let inbound = builder.receipts(layer).build().unwrap();
    let handler = service_fn(|_: Request<ClaimedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let Ok(_) = inbound
        .layer(handler)
        .oneshot(delivery("a", NOW, "{}"))
        .await;
    for expected in ["received", "dispatched", "acknowledged"] {
        assert_eq!(
            events.next().await.unwrap().unwrap().to.to_string(),
            expected
        );
    }
}

#[test]
fn only_the_steps_of_the_machine_can_be_made() {
    let names = [
        "received",
        "dispatched",
        "acknowledged",
        "acknowledged ignored",
        "acknowledged late",
        "duplicate",
        "rejected stale",
        "rejected handler",
    ];
    let parsed: Vec<State> = names
        .iter()
        .map(|name| {
            let mut words = name.split(' ');
            State::parse(words.next().unwrap(), words.next()).unwrap()
        })
        .collect();
    let mut legal = Vec::new();
    for from in &parsed {
        for to in &parsed {
            if Transition::new(*from, *to).is_some() {
                legal.push(format!("{from} > {to}"));
            }
        }
        assert_eq!(
            from.is_final(),
            parsed
                .iter()
                .all(|to| Transition::new(*from, *to).is_none())
        );
    }
    assert_eq!(
        legal,
        [
            "received > dispatched",
            "received > acknowledged(ignored)",
            "received > duplicate",
            "received > rejected(stale)",
            "received > rejected(handler)",
            "dispatched > acknowledged",
            "dispatched > acknowledged(ignored)",
            "dispatched > acknowledged(late)",
            "dispatched > rejected(stale)",
            "dispatched > rejected(handler)",
        ]
    );
}
