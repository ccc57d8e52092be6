//! Stores of receipts under the whole stack: many deliveries at once, some of them repeated.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body_util::Full;
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::receipt::{
    Receipt, ReceiptEvents, ReceiptId, ReceiptLayer, ReceiptQuery, ReceiptStore, SqliteReceipts,
    State, Transition,
};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::time::ManualClock;
use tower_webhook::verify::Verified as _;

use super::{Directory, server};

const KEY: &str = "0123456789abcdef";
pub(super) const NOW: i64 = 1_763_724_670;

/// A signed delivery of an object that holds `text`.
pub(super) fn delivery(id: &str, text: &str) -> Request<Full<Bytes>> {
    let body = serde_json::json!({ "text": text }).to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(format!("{id}.{NOW}.{body}").as_bytes());
    let mac = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    Request::post("/")
        .header("webhook-id", id)
        .header("webhook-timestamp", NOW)
        .header("webhook-signature", format!("v1,{mac}"))
        .body(Full::new(body.into()))
        .unwrap()
}

/// A receiver whose handler hangs on `wait`.
pub(super) struct Rig {
    stack: BoxCloneSyncService<Request<Full<Bytes>>, Response<()>, Infallible>,
    pub(super) receipts: ReceiptLayer,
    pub(super) clock: Arc<ManualClock>,
}

impl Rig {
    pub(super) fn new(receipts: ReceiptLayer) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let scheme = HmacScheme::standard_webhooks(Secret::new(KEY).unwrap());
        let inbound = Inbound::builder(scheme)
            .clock(Arc::clone(&clock))
            .receipts(receipts)
            .build()
            .unwrap();
        let handler = service_fn(|req: Request<ClaimedBody>| async move {
            if req.body().as_bytes().ends_with(b"\"wait\"}") {
                std::future::pending::<()>().await;
            }
            // Duplicates come while it runs, too.
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let receipts = inbound.receipts().clone();
        let stack = inbound.layer(handler);
        let stack = service_fn(move |req| {
            let stack = stack.clone();
            async move { stack.oneshot(req).await.map(|response| response.map(drop)) }
        });
        Self {
            stack: BoxCloneSyncService::new(stack),
            receipts,
            clock,
        }
    }

    pub(super) fn send(
        &self,
        req: Request<Full<Bytes>>,
    ) -> impl Future<Output = u16> + Send + use<> {
        let answer = self.stack.clone().oneshot(req);
        async move {
            let Ok(response) = answer.await;
            response.status().as_u16()
        }
    }
}

fn deliveries() -> usize {
    let set = std::env::var("DELIVERIES").ok();
    set.map_or(2_000, |set| set.parse().expect("DELIVERIES is a number"))
}

/// Sends deliveries, three of ten a second time, from 16 senders that repeat what is refused.
async fn survey(name: &str, store: impl ReceiptStore + Clone) {
    let all = deliveries();
    let keys = all * 7 / 10;
    let (layer, mut events) = ReceiptLayer::new(store.clone()).events(64 * all);
    let rig = Arc::new(Rig::new(layer));
    let start = tokio::time::Instant::now();
    let senders = (0..16).map(|sender| {
        let rig = Arc::clone(&rig);
        tokio::spawn(async move {
            let mut attempts = 0;
            for number in (sender..all).step_by(16) {
                // Those who send one of them twice are neighbours, so the second often comes while
                // the first is under way.
                let id = (number * 7 / 10).to_string();
                loop {
                    attempts += 1;
                    match rig.send(delivery(&id, &id)).await {
                        200 => break,
                        503 => tokio::task::yield_now().await,
                        other => panic!("{other}"),
                    }
                }
            }
            attempts
        })
    });
    let attempts: Vec<usize> = futures_util::future::try_join_all(senders).await.unwrap();
    let attempts: usize = attempts.iter().sum();
    let took = start.elapsed();
    // The steps end when nobody is left to make one.
    drop(rig);
    let histories = histories(&mut events).await;
    let rows = rows(&ReceiptLayer::new(store)).await;
    let mut acknowledged = HashMap::<_, u32>::new();
    for row in &rows {
        assert!(row.state.is_final());
        let told = &histories[&row.id];
        assert_eq!(told.last(), Some(&row.state));
        if row.state.name() == "acknowledged" {
            *acknowledged.entry(row.key.clone().unwrap()).or_default() += 1;
        }
    }
    assert_eq!(acknowledged.len(), keys);
    assert!(acknowledged.values().all(|count| *count == 1));
    println!(
        "{name}: {all} deliveries of {keys} events in {attempts} attempts, {} receipts, {:.0} attempts/s",
        rows.len(),
        attempts as f64 / took.as_secs_f64()
    );
}

/// What was told of each receipt, each a path of the machine to its end.
async fn histories(events: &mut ReceiptEvents) -> HashMap<ReceiptId, Vec<State>> {
    let mut histories = HashMap::<ReceiptId, Vec<State>>::new();
    while let Some(event) = events.next().await {
        let event = event.expect("nothing is missed");
        let told = histories.entry(event.id).or_default();
        assert_eq!(told.last().copied(), event.from, "{event:?}");
        match event.from {
            Some(from) => assert!(Transition::new(from, event.to).is_some(), "{event:?}"),
            None => assert_eq!(event.to, State::Received),
        }
        told.push(event.to);
    }
    let is_over = |told: &Vec<State>| told.last().is_some_and(|state| state.is_final());
    assert!(histories.values().all(is_over));
    histories
}

async fn rows(receipts: &ReceiptLayer) -> Vec<Receipt> {
    let mut rows = Vec::new();
    loop {
        let page = ReceiptQuery {
            limit: 1000,
            offset: u32::try_from(rows.len()).unwrap(),
            ..ReceiptQuery::default()
        };
        let page = receipts.query(&page).await.unwrap();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_has_one_acknowledged_receipt_in_a_file() {
    let directory = Directory::new();
    let store = SqliteReceipts::connect(&directory.url("file")).await;
    survey("SQLite", store.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_has_one_acknowledged_receipt_on_a_server() {
    let Some(own) = server::Own::start().await else {
        return;
    };
    survey("PostgreSQL", own.store().await).await;
    own.end().await;
}
