//! A sender whose clock stands still, and a receiver that answers as it is told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use tower::service_fn;
use tower_webhook::BoxError;
use tower_webhook::outbound::endpoint::{Endpoint, EndpointId, NewEndpoint};
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::store::{Attempt, Delivery, DeliveryQuery};
use tower_webhook::outbound::{
    Audited, DeliveryBody, MemoryOutbox, OutboundStore, SealingKey, Sender, SenderBuilder,
};
use tower_webhook::time::ManualClock;

/// When the tests begin, in Unix seconds.
pub(super) const START: i64 = 1_800_000_000;

/// What the receiver answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reply {
    Status(u16),
    /// With this `Retry-After`, in seconds.
    Wait(u16, u32),
    /// It hangs up.
    Gone,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// In Unix milliseconds.
    pub(super) at: i64,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// What is shared with the receiver.
#[derive(Default)]
pub(super) struct Receiver {
    pub(super) seen: Mutex<Vec<Seen>>,
    /// The next answers; the last one is given for ever.
    replies: Mutex<VecDeque<Reply>>,
}

impl Receiver {
    pub(super) fn will_answer(&self, replies: impl IntoIterator<Item = Reply>) {
        *self.replies.lock().unwrap() = replies.into_iter().collect();
    }

    fn reply(&self) -> Reply {
        let mut replies = self.replies.lock().unwrap();
        match replies.len() {
            0 => Reply::Status(204),
            1 => replies[0],
            _ => replies.pop_front().unwrap(),
        }
    }

    pub(super) fn times(&self) -> Vec<i64> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(|seen| seen.at - START * 1000)
            .collect()
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

pub(super) struct Rig<S = MemoryOutbox> {
    pub(super) clock: Arc<ManualClock>,
    pub(super) receiver: Arc<Receiver>,
    pub(super) sender: Sender<S>,
}

impl Rig {
    pub(super) fn new(
        settings: impl FnOnce(SenderBuilder<MemoryOutbox>) -> SenderBuilder<MemoryOutbox>,
    ) -> Self {
        Self::on(MemoryOutbox::new(), settings)
    }
}

impl<S: OutboundStore> Rig<S> {
    pub(super) fn on(
        store: S,
        settings: impl FnOnce(SenderBuilder<S>) -> SenderBuilder<S>,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let receiver = Arc::new(Receiver::default());
        let (now, shared) = (Arc::clone(&clock), Arc::clone(&receiver));
        let client = service_fn(move |request: Request<DeliveryBody>| {
            use tower_webhook::time::Clock as _;
            let (head, body) = request.into_parts();
            shared.seen.lock().unwrap().push(Seen {
                at: now.unix_millis(),
                url: head.uri.to_string(),
                headers: head.headers,
                body: body.bytes().to_vec(),
            });
            let reply = shared.reply();
            async move { answer(reply) }
        });
        let builder = Sender::builder(store, SealingKey::generate())
            .client(client)
            .clock(Arc::clone(&clock));
        let sender = settings(builder).build().unwrap();
        Self {
            clock,
            receiver,
            sender,
        }
    }

    pub(super) async fn endpoint(&self) -> Endpoint {
        let new = NewEndpoint::new("https://receiver.example/hooks");
        self.sender.endpoints().create(new).await.unwrap().endpoint
    }

    pub(super) async fn emit(&self, event_type: &str) -> Arc<Event> {
        let event = Event::new(event_type, r#"{"number":7}"#).unwrap();
        self.sender.emit(event.clone()).await.unwrap();
        Arc::new(event)
    }

    /// Sends what is due now; says in how many milliseconds the next is due.
    pub(super) async fn send(&self) -> Option<i64> {
        use tower_webhook::time::Clock as _;
        let next = self.sender.dispatcher().run_due().await.unwrap();
        next.map(|at| at - self.clock.unix_millis())
    }

    /// Sets the clock from one due time to the next, until nothing is due any more.
    pub(super) async fn send_all(&self) {
        while let Some(millis) = self.send().await {
            self.pass(millis);
        }
    }

    pub(super) fn pass(&self, millis: i64) {
        use tower_webhook::time::Clock as _;
        self.clock.set_millis(self.clock.unix_millis() + millis);
    }

    pub(super) async fn audit(&self, endpoint: &EndpointId) -> Vec<Audited> {
        self.sender
            .deliveries(&DeliveryQuery::new(endpoint.clone()))
            .await
            .unwrap()
    }

    /// The only delivery to an endpoint.
    pub(super) async fn delivery(&self, endpoint: &EndpointId) -> (Delivery, Vec<Attempt>) {
        let mut audited = self.audit(endpoint).await;
        assert_eq!(audited.len(), 1);
        let audited = audited.remove(0);
        (audited.delivery, audited.attempts)
    }
}

fn answer(reply: Reply) -> Result<Response<Full<bytes::Bytes>>, BoxError> {
    let (status, wait) = match reply {
        Reply::Status(status) => (status, None),
        Reply::Wait(status, seconds) => (status, Some(seconds)),
        Reply::Gone => return Err("the receiver\0\r\nhung up".into()),
    };
    let mut answer = Response::new(Full::from("an answer"));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    if let Some(seconds) = wait {
        answer.headers_mut().insert("retry-after", seconds.into());
    }
    Ok::<_, Infallible>(answer).map_err(Into::into)
}
