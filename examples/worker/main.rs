//! The worker behind a hand-off: it claims each job before it works, renews while it works, and sets aside
//! what fails three times. First on a channel, then on NATS JetStream, where a server is:
//! `cargo run --example worker`.

use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, AckKind, Context, Message, stream};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::TryStreamExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use tower::{Layer as _, ServiceExt as _};
use tower_webhook::handoff::{Handoff, JetStreamQueue, Job, LossyChannel, Queue};
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

/// A channel counts no deliveries, so its worker does; and its dead letters are lost with it.
async fn channel() -> Result<(Worker, usize), BoxError> {
    let (queue, mut jobs) = LossyChannel::new(16);
    deliver(queue).await?;
    let (worker, mut dead) = (Worker::default(), 0);
    while let Some(job) = jobs.next().await {
        for attempt in 1..=TRIES {
            match worker.attempt(&job, async || {}).await {
                Ok(Tried::Done) => break,
                Ok(Tried::Elsewhere(wait)) => tokio::time::sleep(wait).await,
                Err(err) if attempt == TRIES => {
                    println!("dead letter: {err}");
                    dead += 1;
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
    Ok((worker, dead))
}

/// Makes a stream that takes the subject of its name.
async fn stream(context: &Context, name: &str) -> Result<stream::Stream, BoxError> {
    let config = stream::Config {
        name: name.to_owned(),
        subjects: vec![name.to_owned()],
        retention: stream::RetentionPolicy::WorkQueue,
        // Longer than the lease of the receiver: who retries after a crash enqueues nothing twice.
        duplicate_window: Duration::from_secs(600),
        ..stream::Config::default()
    };
    Ok(context.create_stream(config).await?)
}

/// Settles one message: acknowledged, to be delivered again, or set aside. Whether it is settled.
async fn settle(
    worker: &Worker,
    context: &Context,
    dead: &str,
    message: &Message,
) -> Result<bool, BoxError> {
    let tried = match Job::from_json(&message.payload) {
        Ok(job) => {
            // Each beat also tells the server that the work goes on.
            let beat = async || drop(message.ack_with(AckKind::Progress).await);
            worker.attempt(&job, beat).await
        }
        // It will not be one the next time either.
        Err(err) => return bury(context, dead, message, &err).await.map(|()| true),
    };
    match tried {
        Ok(Tried::Done) => {
            // Until the server has it, the message may come again; the claim tells then.
            message.double_ack().await?;
            Ok(true)
        }
        Ok(Tried::Elsewhere(wait)) => {
            message.ack_with(AckKind::Nak(Some(wait))).await?;
            Ok(false)
        }
        Err(err) if message.info()?.delivered >= TRIES => {
            bury(context, dead, message, &err).await.map(|()| true)
        }
        Err(_) => {
            message.ack_with(AckKind::Nak(Some(PAUSE))).await?;
            Ok(false)
        }
    }
}

/// Sets a message aside, and only then gives it up.
async fn bury(
    context: &Context,
    dead: &str,
    message: &Message,
    reason: &BoxError,
) -> Result<(), BoxError> {
    println!("dead letter: {reason}");
    let number = message.info()?.stream_sequence;
    let letter = PublishMessage::build()
        .message_id(number.to_string())
        .header("Reason", reason.to_string().replace(['\r', '\n'], " "))
        .payload(message.payload.clone());
    let sent = context.send_publish(dead.to_owned(), letter).await?;
    sent.await?;
    message.ack_with(AckKind::Term).await
}

async fn jetstream(url: &str) -> Result<(Worker, usize), BoxError> {
    let context = jetstream::new(async_nats::connect(url).await?);
    let name = format!("example_{:x}", Claimant::unique().get());
    let dead = format!("{name}_dead");
    let jobs = stream(&context, &name).await?;
    let mut letters = stream(&context, &dead).await?;
    let queue = JetStreamQueue::builder(&name, &name).connect(url).await?;
    deliver(queue).await?;

    let consumer = pull::Config {
        durable_name: Some("worker".to_owned()),
        // A worker that is silent for this long has died.
        ack_wait: LEASE,
        ..pull::Config::default()
    };
    let consumer = jobs.create_consumer(consumer).await?;
    let mut messages = consumer.messages().await?;
    let (worker, mut settled) = (Worker::default(), 0);
    while settled < 4 {
        let Some(message) = messages.try_next().await? else {
            return Err("the consumer ended".into());
        };
        settled += usize::from(settle(&worker, &context, &dead, &message).await?);
    }
    let buried = usize::try_from(letters.info().await?.state.messages)?;
    context.delete_stream(&name).await?;
    context.delete_stream(&dead).await?;
    Ok((worker, buried))
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
    check("channel", channel().await?);
    let given = std::env::var("NATS_URL").ok();
    let address = ([127, 0, 0, 1], 4222).into();
    let is_there = || TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
    if given.is_none() && !is_there() {
        println!("skipped: no NATS at {address}, and NATS_URL is not set");
        return Ok(());
    }
    let url = given.unwrap_or_else(|| format!("nats://{address}"));
    check("JetStream", jetstream(&url).await?);
    Ok(())
}
