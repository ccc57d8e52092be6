//! Each fault of a store at each call, for as long as it may last: which row of the contract it gives.

mod store;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::time::Instant;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::outcome::{Incident, Outcome};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;

use self::store::{Call, Failing, Fault};

const KEY: &str = "0123456789abcdef";
const LEASE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lasts {
    /// One call.
    Once,
    /// Some: less than the claim's tries, more than those of a completion before the answer.
    Briefly,
    /// Until the lease is over.
    Throughout,
}

/// What a sender hears that sends the same again: at once, 10 s later, and after the lease.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    status: u16,
    outcome: &'static str,
    incident: Option<Incident>,
    again: [&'static str; 3],
}

const fn row(status: u16, outcome: &'static str, again: [&'static str; 3]) -> Row {
    Row {
        status,
        outcome,
        incident: None,
        again,
    }
}

const ACKNOWLEDGED: &str = "acknowledged";
const DUPLICATE: &str = "duplicate";
const IN_PROGRESS: &str = "in_progress";
const ONCE_DONE: [&str; 3] = [DUPLICATE; 3];
const NEXT_RUNS: [&str; 3] = [ACKNOWLEDGED, DUPLICATE, DUPLICATE];
const SOON_RUNS: [&str; 3] = [IN_PROGRESS, ACKNOWLEDGED, DUPLICATE];
const LEASE_ENDS_IT: [&str; 3] = [IN_PROGRESS, IN_PROGRESS, ACKNOWLEDGED];

/// The row of the contract.
fn contract(call: Call, fault: Fault, lasts: Lasts) -> Row {
    let is_applied = fault.is_applied();
    match (call, fault, lasts) {
        (Call::Claim | Call::Renew | Call::Complete, Fault::Slow, _) => {
            row(204, ACKNOWLEDGED, ONCE_DONE) // 20
        }
        (Call::Claim, Fault::Full, _) => row(503, "store_full", NEXT_RUNS), // 16
        (Call::Claim, _, Lasts::Throughout) if is_applied => {
            row(503, "store_unavailable", LEASE_ENDS_IT) // 15
        }
        (Call::Claim, _, Lasts::Throughout) => row(503, "store_unavailable", NEXT_RUNS), // 15
        // 24. What was renewed unknown to us lasts longer.
        (Call::Renew, _, Lasts::Throughout) if is_applied => row(503, "lease_lost", LEASE_ENDS_IT),
        (Call::Renew, _, Lasts::Throughout) => {
            row(503, "lease_lost", [IN_PROGRESS, "lease_lost", ACKNOWLEDGED])
        }
        (Call::Claim | Call::Renew, _, Lasts::Once | Lasts::Briefly)
        | (Call::Complete, _, Lasts::Once) => {
            row(204, ACKNOWLEDGED, ONCE_DONE) // 20
        }
        (Call::Complete, _, Lasts::Briefly | Lasts::Throughout) => Row {
            incident: Some(Incident::CommitFailed), // 27
            ..row(
                204,
                ACKNOWLEDGED,
                match lasts {
                    _ if is_applied => ONCE_DONE,
                    Lasts::Throughout => LEASE_ENDS_IT,
                    _ => [IN_PROGRESS, DUPLICATE, DUPLICATE],
                },
            )
        },
        (Call::Release, _, _) => {
            let again = match lasts {
                _ if is_applied => NEXT_RUNS,
                Lasts::Throughout => LEASE_ENDS_IT,
                Lasts::Once | Lasts::Briefly => SOON_RUNS,
            };
            row(500, "handler_error", again) // 22
        }
    }
}

struct Rig {
    store: Arc<Failing>,
    runs: Arc<AtomicUsize>,
    call: Call,
}

impl Rig {
    /// Sends the one delivery, through a stack of its own.
    async fn send(&self) -> Response<()> {
        let (runs, call) = (Arc::clone(&self.runs), self.call);
        let handler = service_fn(move |_: Request<ClaimedBody>| {
            let runs = Arc::clone(&runs);
            async move {
                // Long enough that the claim must be renewed, where that is what fails.
                if call == Call::Renew {
                    tokio::time::sleep(LEASE * 7).await;
                }
                let status = match runs.fetch_add(1, Ordering::Relaxed) {
                    0 if call == Call::Release => StatusCode::INTERNAL_SERVER_ERROR,
                    _ => StatusCode::NO_CONTENT,
                };
                let mut response = Response::new(Full::new(Bytes::new()));
                *response.status_mut() = status;
                Ok::<_, Infallible>(response)
            }
        });
        let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
        let inbound = Inbound::builder_with_store(scheme, Arc::clone(&self.store)).lease(LEASE);
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(b"{}");
        let mac = const_hex::encode(mac.finalize().into_bytes());
        let req = Request::post("/")
            .header("content-type", "application/json")
            .header("x-github-delivery", "1")
            .header("x-hub-signature-256", format!("sha256={mac}"))
            .body(Full::new(Bytes::from_static(b"{}")));
        let stack = inbound.build().unwrap().layer(handler);
        let Ok(response) = stack.oneshot(req.unwrap()).await;
        let waits = response.headers().contains_key("retry-after");
        assert_eq!(waits, response.status() == StatusCode::SERVICE_UNAVAILABLE);
        response.map(drop)
    }

    async fn label(&self) -> &'static str {
        outcome(&self.send().await)
    }
}

fn outcome(response: &Response<()>) -> &'static str {
    Outcome::of(response).label()
}

async fn try_cell(call: Call, fault: Fault, lasts: Lasts) -> Row {
    let rig = Rig {
        store: Arc::default(),
        runs: Arc::default(),
        call,
    };
    let times = match (lasts, call) {
        (Lasts::Once, _) => 1,
        (Lasts::Briefly, Call::Complete) => 5,
        (Lasts::Briefly, _) => 2,
        (Lasts::Throughout, _) => usize::MAX,
    };
    rig.store.plan(call, fault, times);
    let start = Instant::now();
    let first = rig.send().await;
    if outcome(&first) == "lease_lost" {
        assert!(
            start.elapsed() <= LEASE * 19 / 20,
            "{fault:?}: {:?}",
            start.elapsed()
        );
    }
    // To be seen is whether the claim is left, not whether the next one fails as well.
    if call == Call::Claim {
        rig.store.heal();
    }
    let at_once = rig.label().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let soon = rig.label().await;
    tokio::time::sleep(LEASE).await;
    rig.store.heal();
    let later = rig.label().await;
    let outcomes = [outcome(&first), at_once, soon, later];
    let ran = |label: &&&str| [ACKNOWLEDGED, "handler_error"].contains(*label);
    assert_eq!(
        rig.runs.load(Ordering::Relaxed),
        outcomes.iter().filter(ran).count()
    );
    Row {
        status: first.status().as_u16(),
        outcome: outcome(&first),
        incident: first.extensions().get().copied(),
        again: [at_once, soon, later],
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_at_each_call_gives_its_row_of_the_contract() {
    let mut wrong = Vec::new();
    let mut cells = 0;
    for call in [Call::Claim, Call::Renew, Call::Complete, Call::Release] {
        for fault in Fault::ALL {
            for lasts in [Lasts::Once, Lasts::Briefly, Lasts::Throughout] {
                cells += 1;
                let row = try_cell(call, fault, lasts).await;
                println!("{call:?} {fault:?} {lasts:?}: {row:?}");
                if row != contract(call, fault, lasts) {
                    wrong.push((call, fault, lasts));
                }
            }
        }
    }
    println!("{cells} cells, {} wrong", wrong.len());
    assert_eq!(wrong, []);
}
