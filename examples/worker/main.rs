//! The worker behind a hand-off: it claims each job before it works, renews while it works, and sets aside
//! what fails three times. First on a channel, then as tasks of apalis in SQLite, then on NATS JetStream, where
//! a server is: `cargo run --example worker`.

mod apalis;
mod channel;
mod jetstream;

use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use hmac::{Hmac, KeyInit as _, Mac as _};
use tower::{Layer as _, ServiceExt as _};
use tower_webhook::handoff::{Handoff, Job, Queue};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::{
    Claim, Claimant, Fingerprint, Held, IdempotencyStore, MokaStore, Retention, StoredAnswer,
};
use tower_webhook::{BoxError, Inbound};

const KEY: &str = "an example secret";
/// How long a worker that died keeps a job from the others.
const LEASE: Duration = Duration::from_secs(30);
/// How often a job is tried.
const TRIES: i64 = 3;
const PAUSE: Duration = Duration::from_millis(50);

/// What comes of a try.
enum Tried {
    Done,
    /// Another worker has it.
    Elsewhere(Duration),
}

/// A worker. All workers share one store: here it is in memory, so there is one worker.
#[derive(Default)]
struct Worker {
    store: MokaStore,
    /// How often each event was tried.
    tries: Mutex<HashMap<String, u32>>,
    /// The effects, none of them twice.
    effects: Mutex<Vec<String>>,
}

impl Worker {
    /// The work. An event of `0` never succeeds, one of `1` at its second try.
    async fn work(&self, job: &Job) -> Result<(), BoxError> {
        let payload = std::str::from_utf8(&job.payload)?.to_owned();
        let tries = {
            let mut tries = self.tries.lock().expect("no panic");
            let tries = tries.entry(payload.clone()).or_default();
            *tries += 1;
            *tries
        };
        match &*payload {
            r#"{"event":0}"# => Err("this never works".into()),
            r#"{"event":1}"# if tries == 1 => Err("not yet".into()),
            _ => {
                self.effects.lock().expect("no panic").push(payload);
                Ok(())
            }
        }
    }

    /// Works under a claim. `beat` is called whenever the claim was renewed.
    async fn attempt(&self, job: &Job, beat: impl AsyncFn()) -> Result<Tried, BoxError> {
        let (key, print) = (job.work_key(), Fingerprint::of(&job.payload));
        let claim = self.store.claim(&key, Claimant::unique(), &print, LEASE);
        let fence = match claim.await? {
            Claim::Acquired { fence, .. } => fence,
            // A queue may deliver what was done: its acknowledgement was lost.
            Claim::Done { .. } => return Ok(Tried::Done),
            Claim::InProgress { retry_after } => return Ok(Tried::Elsewhere(retry_after)),
            claim => return Err(format!("no claim: {claim:?}").into()),
        };
        let mut work = std::pin::pin!(self.work(job));
        let mut beats = tokio::time::interval(LEASE / 3);
        let worked = loop {
            tokio::select! {
                worked = &mut work => break worked,
                _ = beats.tick() => {
                    if self.store.renew(&key, fence, LEASE).await? == Held::Lost {
                        // Another worker may be at it, so this one stops.
                        return Ok(Tried::Elsewhere(LEASE));
                    }
                    beat().await;
                }
            }
        };
        if let Err(err) = worked {
            self.store.release(&key, fence).await?;
            return Err(err);
        }
        let day = Duration::from_secs(86_400);
        let answer = StoredAnswer::new(StatusCode::OK, job.accepted_at);
        let keep = Retention::new(day, 7 * day);
        self.store.complete(&key, fence, &answer, keep).await?;
        Ok(Tried::Done)
    }
}

/// Sends four events to a receiver, and the first again.
async fn deliver<Q: Queue>(queue: Q) -> Result<(), BoxError> {
    let inbound = Inbound::builder(HmacScheme::github(Secret::new(KEY)?)).build()?;
    let receiver = inbound.layer(Handoff::new(queue));
    for event in [2, 1, 0, 3, 2] {
        let body = format!(r#"{{"event":{event}}}"#);
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes())?;
        mac.update(body.as_bytes());
        let mac = const_hex::encode(mac.finalize().into_bytes());
        let req = Request::post("/")
            .header("content-type", "application/json")
            .header("x-github-delivery", event)
            .header("x-github-event", "order")
            .header("x-hub-signature-256", format!("sha256={mac}"))
            .body(Body::from(body))?;
        let Ok(response) = receiver.clone().oneshot(req).await;
        let is_duplicate = response.headers().contains_key("webhook-duplicate");
        println!(
            "event {event}: {}, duplicate: {is_duplicate}",
            response.status()
        );
        assert_eq!(response.status(), StatusCode::ACCEPTED);
    }
    Ok(())
}

fn check(queue: &str, (worker, dead): (Worker, usize)) {
    let mut effects = worker.effects.into_inner().expect("no panic");
    effects.sort();
    println!("{queue}: worked {effects:?}, set aside {dead}");
    let wanted = [1, 2, 3].map(|event| format!(r#"{{"event":{event}}}"#));
    assert_eq!((effects, dead), (wanted.to_vec(), 1));
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    check("channel", channel::run().await?);
    check("apalis", apalis::run().await?);
    let given = std::env::var("NATS_URL").ok();
    let address = ([127, 0, 0, 1], 4222).into();
    let is_there = || TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
    if given.is_none() && !is_there() {
        println!("skipped: no NATS at {address}, and NATS_URL is not set");
        return Ok(());
    }
    let url = given.unwrap_or_else(|| format!("nats://{address}"));
    check("JetStream", jetstream::run(&url).await?);
    Ok(())
}
