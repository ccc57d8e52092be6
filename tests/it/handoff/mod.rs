//! 202 means that the queue has the delivery; anything else, that the sender must try again.

mod apalis;
mod apalis_redis;
mod apalis_sqlite;
mod kill;
mod nats;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::Notify;
use tower::{Layer as _, ServiceExt as _};
use tower_webhook::Inbound;
use tower_webhook::dispatch::Dispatch;
use tower_webhook::handoff::{
    Enqueued, Handoff, Job, LossyChannel, Queue, QueueError, QueueErrorKind,
};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::MokaStore;
use tower_webhook::verify::VerifyLayer;

const KEY: &str = "0123456789abcdef";

fn scheme() -> HmacScheme {
    HmacScheme::github(Secret::new(KEY).unwrap())
}

fn delivery<B: From<Bytes>>(id: &str, body: &str) -> Request<B> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let mac = const_hex::encode(mac.finalize().into_bytes());
    Request::post("/")
        .header("x-hub-signature-256", format!("sha256={mac}"))
        .header("x-github-event", "push")
        .header("x-github-delivery", id)
        .header("content-type", "application/json")
        .body(Bytes::copy_from_slice(body.as_bytes()).into())
        .unwrap()
}

/// A job of this key.
fn job(key: &str) -> Job {
    let form = serde_json::json!({
        "v": 1, "key": key, "connection": "shop", "payload": "e30=", "fence": 1, "accepted_at": 0,
    });
    Job::from_json(form.to_string().as_bytes()).unwrap()
}

/// What a test sees of an answer.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    retry_after: Option<String>,
    is_duplicate: bool,
    outcome: &'static str,
}

impl Seen {
    const ACCEPTED: Self = Self {
        status: 202,
        retry_after: None,
        is_duplicate: false,
        outcome: "acknowledged",
    };

    fn refused(retry_after: &str) -> Self {
        Self {
            status: 503,
            retry_after: Some(retry_after.to_owned()),
            is_duplicate: false,
            outcome: "handler_error",
        }
    }

    fn of<B>(response: &Response<B>) -> Self {
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap())
        };
        let outcome = Outcome::of(response);
        Self {
            status: response.status().as_u16(),
            retry_after: header("retry-after").map(str::to_owned),
            is_duplicate: header("webhook-duplicate") == Some("true"),
            outcome: outcome.label(),
        }
    }
}

/// Delivers to a receiver that hands to `queue`, and remembers in `store`.
async fn send<Q: Queue>(handoff: &Handoff<Q>, store: &Arc<MokaStore>, id: &str) -> Seen {
    let inbound = Inbound::builder_with_store(scheme(), Arc::clone(store));
    let stack = inbound.build().unwrap().layer(handoff.clone());
    let Ok(response) = stack.oneshot(delivery::<Full<Bytes>>(id, "{}")).await;
    Seen::of(&response)
}

/// What a scripted queue does with a job.
enum Act {
    Take,
    Find,
    Fail(QueueError),
    Hang,
}

#[derive(Default)]
struct Scripted {
    acts: Mutex<VecDeque<Act>>,
    asked: AtomicUsize,
    taken: Mutex<Vec<Job>>,
}

impl Scripted {
    fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Self {
            acts: Mutex::new(acts.into_iter().collect()),
            ..Self::default()
        }
    }
}

impl Queue for Scripted {
    async fn enqueue(&self, job: &Job) -> Result<Enqueued, QueueError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let act = self.acts.lock().unwrap().pop_front();
        match act.unwrap_or(Act::Take) {
            Act::Take => {
                self.taken.lock().unwrap().push(job.clone());
                Ok(Enqueued::New)
            }
            Act::Find => Ok(Enqueued::AlreadyThere),
            Act::Fail(err) => Err(err),
            Act::Hang => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn the_answer_waits_for_the_acknowledgement() {
    #[derive(Default)]
    struct Slow {
        has_begun: Notify,
        may_end: Notify,
    }

    impl Queue for Slow {
        async fn enqueue(&self, _: &Job) -> Result<Enqueued, QueueError> {
            self.has_begun.notify_one();
            self.may_end.notified().await;
            Ok(Enqueued::New)
        }
    }

    let queue = Arc::new(Slow::default());
    let (handoff, store) = (Handoff::new(queue.clone()), Arc::new(MokaStore::new()));
    let mut answer = std::pin::pin!(send(&handoff, &store, "a"));
    tokio::select! {
        biased;
        seen = &mut answer => panic!("answered before the acknowledgement: {seen:?}"),
        () = queue.has_begun.notified() => {}
    }
    assert!(futures_util::poll!(&mut answer).is_pending());
    queue.may_end.notify_one();
    assert_eq!(answer.await, Seen::ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_take_gives_503_and_the_next_delivery_enqueues() {
    for (act, retry_after) in [
        (Act::Fail(QueueError::unavailable("as told")), "5"),
        (Act::Hang, "5"),
        (Act::Fail(QueueError::full()), "30"),
        (Act::Fail(QueueError::too_large("as told")), "30"),
    ] {
        let queue = Arc::new(Scripted::new([act]));
        let (handoff, store) = (Handoff::new(queue.clone()), Arc::new(MokaStore::new()));
        let began = tokio::time::Instant::now();
        let seen = send(&handoff, &store, "a").await;
        assert_eq!(seen, Seen::refused(retry_after));
        assert!(began.elapsed() <= Duration::from_millis(5001));
        assert!(queue.taken.lock().unwrap().is_empty());
        assert_eq!(send(&handoff, &store, "a").await, Seen::ACCEPTED);
        assert_eq!(queue.taken.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_duplicate_gets_the_recorded_answer_and_enqueues_nothing() {
    let queue = Arc::new(Scripted::default());
    let handoff = Handoff::new(queue.clone()).with_status(StatusCode::OK);
    let store = Arc::new(MokaStore::new());
    let first = Seen {
        status: 200,
        ..Seen::ACCEPTED
    };
    assert_eq!(send(&handoff, &store, "a").await, first);
    let again = Seen {
        status: 200,
        is_duplicate: true,
        outcome: "duplicate",
        ..Seen::ACCEPTED
    };
    assert_eq!(send(&handoff, &store, "a").await, again);
    assert_eq!(queue.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_the_queue_has_already_is_accepted() {
    let handoff = Handoff::new(Scripted::new([Act::Find]));
    let seen = send(&handoff, &Arc::new(MokaStore::new()), "a").await;
    assert_eq!(seen, Seen::ACCEPTED);
}

#[tokio::test]
async fn a_job_says_what_was_verified() {
    let queue = Arc::new(Scripted::default());
    let inbound = Inbound::builder(scheme()).connection("shop");
    let stack = inbound.build().unwrap().layer(Handoff::new(queue.clone()));
    let req = delivery::<Full<Bytes>>("72d3", r#"{"number":7}"#);
    let Ok(response) = stack.oneshot(req).await;
    assert_eq!(response.extensions().get(), Some(&Enqueued::New));
    let jobs = queue.taken.lock().unwrap();
    let [job] = &jobs[..] else {
        panic!("one job, not {jobs:?}")
    };
    let digest = const_hex::encode(<sha2::Sha256 as sha2::Digest>::digest(r#"{"number":7}"#));
    assert_eq!(*job.key, *format!("shop:push:72d3~{digest}"));
    assert_eq!(&*job.connection, "shop");
    assert_eq!(job.delivery_id.as_deref(), Some("72d3"));
    assert_eq!(job.event_type.as_deref(), Some("push"));
    assert_eq!(job.content_type.as_deref(), Some("application/json"));
    assert_eq!(&job.payload[..], br#"{"number":7}"#);
    assert!(job.fence.get() > 0);
    assert!(job.accepted_at > 1_700_000_000);
    assert_ne!(job.work_key().as_str(), &*job.key);

    let json = job.to_json();
    assert_eq!(Job::from_json(&json).unwrap(), *job);
    let form: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(form["v"], 1);
    assert_eq!(form["payload"], "eyJudW1iZXIiOjd9");
    let changed = |field: &str, value: serde_json::Value| {
        let mut form = form.clone();
        form[field] = value;
        Job::from_json(form.to_string().as_bytes())
    };
    assert_eq!(changed("later", 1.into()).unwrap(), *job);
    for (field, value) in [
        ("v", 2.into()),
        ("fence", 0.into()),
        ("payload", "?".into()),
    ] {
        changed(field, value).unwrap_err();
    }
    let said = format!("{job:?}");
    assert!(!said.contains("72d3") && !said.contains("number"), "{said}");
}

#[tokio::test]
async fn without_the_whole_stack_it_fails_closed() {
    let queue = Arc::new(Scripted::default());
    let handoff = Handoff::new(queue.clone());
    let bare: Router = Router::new().route_service("/", handoff.clone());
    let app = bare
        .clone()
        .layer(Inbound::builder(scheme()).build().unwrap());
    for (app, status) in [(bare, 500), (app, 202)] {
        let response: Result<_, Infallible> =
            app.oneshot(delivery::<axum::body::Body>("a", "{}")).await;
        assert_eq!(response.unwrap().status(), status);
    }
    // Verified, and not claimed: a duplicate could not be told.
    let verified = tower::ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 10))
        .layer(VerifyLayer::new(scheme()))
        .service(handoff);
    let Ok(response) = verified.oneshot(delivery::<Full<Bytes>>("b", "{}")).await;
    assert_eq!(response.status(), 500);
    assert_eq!(queue.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn it_is_a_route_of_a_dispatch() {
    let queue = Arc::new(Scripted::default());
    let dispatch = Dispatch::github().on_service("push", Handoff::new(queue.clone()));
    let inbound = Inbound::builder(scheme()).build().unwrap();
    let stack = inbound.layer(dispatch.unwrap());
    let Ok(response) = stack.oneshot(delivery::<Full<Bytes>>("a", "{}")).await;
    assert_eq!(Seen::of(&response), Seen::ACCEPTED);
    assert_eq!(queue.taken.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_channel_is_full_at_its_capacity_and_closed_without_a_worker() {
    let (channel, mut jobs) = LossyChannel::new(2);
    let (handoff, store) = (Handoff::new(channel.clone()), Arc::new(MokaStore::new()));
    assert_eq!(send(&handoff, &store, "a").await, Seen::ACCEPTED);
    assert_eq!(send(&handoff, &store, "b").await, Seen::ACCEPTED);
    assert_eq!(send(&handoff, &store, "c").await, Seen::refused("30"));
    let first = jobs.next().await.unwrap();
    assert_eq!(first.delivery_id.as_deref(), Some("a"));
    assert_eq!(send(&handoff, &store, "c").await, Seen::ACCEPTED);
    drop(jobs);
    assert_eq!(send(&handoff, &store, "d").await, Seen::refused("5"));
    let err = channel.enqueue(&first).await.unwrap_err();
    assert_eq!(err.kind(), QueueErrorKind::Unavailable);
}
