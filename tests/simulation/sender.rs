//! A sender: it repeats each event until it hears what it has to hear.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_webhook::testing::{self, Delivery, Payload};
use turmoil::net::TcpStream;

use crate::dice::Dice;
use crate::journal::{Answer, Fact};
use crate::plan::{
    Event, Fate, GITHUB_SECRET, RECEIVERS, SENDERS, STANDARD_SECRET, WRONG_SECRET, Wire,
};
use crate::receiver::{LEASE, PORT};
use crate::world::{World, now};

/// How long a sender waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it waits before it comes again, at most.
const PAUSE: u64 = 6_000;

/// Sends its events, and in the end, when everything is over, each once more.
pub(crate) async fn send(world: Arc<World>, number: usize) -> turmoil::Result {
    let mut deliveries = JoinSet::new();
    for event in world.plan.events.iter().filter(|e| e.sender == number) {
        let dice = Dice::new(world.plan.seed, 100 + event.number as u64);
        let event = event.clone();
        let world = Arc::clone(&world);
        deliveries.spawn(async move {
            let mut line = Line { world, event, dice };
            sleep(line.event.start).await;
            line.until_heard().await;
        });
    }
    while deliveries.join_next().await.transpose()?.is_some() {}
    world.content.fetch_add(1, Ordering::Relaxed);
    // Whatever is under way ends within these.
    while !world.is_calm() || world.content.load(Ordering::Relaxed) < SENDERS {
        sleep(Duration::from_millis(500)).await;
    }
    sleep(LEASE * 2).await;
    for event in world.plan.events.iter().filter(|e| e.sender == number) {
        let dice = Dice::new(world.plan.seed, 200 + event.number as u64);
        let (world, event) = (Arc::clone(&world), event.clone());
        Line { world, event, dice }.until_heard().await;
    }
    Ok(())
}

/// An event on its way.
struct Line {
    world: Arc<World>,
    event: Event,
    dice: Dice,
}

impl Line {
    async fn until_heard(&mut self) {
        let mut pause = 250;
        loop {
            // Some are sent to both receivers at once.
            let twin = self.dice.percent(20).then(|| {
                let receiver = self.dice.index(RECEIVERS);
                tokio::spawn(attempt(
                    Arc::clone(&self.world),
                    self.event.clone(),
                    receiver,
                ))
            });
            let receiver = self.dice.index(RECEIVERS);
            let heard = attempt(Arc::clone(&self.world), self.event.clone(), receiver).await;
            let also = match twin {
                Some(twin) => twin.await.expect("an attempt does not panic"),
                None => None,
            };
            let is_enough = |heard: &Heard| self.is_enough(heard.status);
            if heard.iter().chain(&also).any(is_enough) {
                let event = self.event.number;
                self.world.journal.note(Fact::Finished { event });
                return;
            }
            let asked = heard.and_then(|heard| heard.retry_after).unwrap_or(0);
            let wait = self.dice.millis(pause / 2, pause);
            sleep(wait.max(Duration::from_secs(asked).min(Duration::from_millis(PAUSE)))).await;
            pause = (pause * 2).min(PAUSE);
        }
    }

    fn is_enough(&self, status: u16) -> bool {
        let is_right = match self.event.fate.refusal() {
            Some(refusal) => status == refusal,
            None => (200..300).contains(&status),
        };
        // Where no time is signed, 409 says that it was accepted long ago, by clocks that may be wrong.
        is_right || status == 409 && self.event.wire == Wire::GitHub
    }
}

/// What a sender goes by.
pub(crate) struct Heard {
    pub(crate) status: u16,
    retry_after: Option<u64>,
}

async fn attempt(world: Arc<World>, event: Event, receiver: usize) -> Option<Heard> {
    let request = sign(&event).request();
    if matches!(event.fate, Fate::Handled | Fate::Refused) {
        let copy = (event.wire, request.clone());
        world.captured.lock().unwrap().push(copy);
    }
    let number = event.number;
    world.journal.note(Fact::Sent {
        event: number,
        receiver,
    });
    let answered = timeout(PATIENCE, exchange(receiver, request)).await;
    let response = answered.ok().flatten();
    let answer = response.as_ref().map(|response| Answer {
        status: response.status().as_u16(),
        is_duplicate: response.headers().contains_key("webhook-duplicate"),
        body: String::from_utf8_lossy(response.body()).into_owned(),
    });
    world.journal.note(Fact::Answered {
        event: number,
        answer,
    });
    let response = response?;
    let retry_after = response.headers().get("retry-after");
    Some(Heard {
        status: response.status().as_u16(),
        retry_after: retry_after.and_then(|value| value.to_str().ok()?.parse().ok()),
    })
}

/// The delivery of an event, as its sender signs it at this moment.
pub(crate) fn sign(event: &Event) -> Delivery {
    let forged = event.fate == Fate::Forged;
    let delivery = match event.wire {
        Wire::Standard if forged => testing::standard_webhooks(WRONG_SECRET),
        Wire::Standard => testing::standard_webhooks(STANDARD_SECRET),
        Wire::GitHub if forged => testing::github(WRONG_SECRET),
        Wire::GitHub => testing::github(GITHUB_SECRET),
    };
    let age = match event.fate {
        Fate::Stale => 5_000,
        _ => 0,
    };
    let delivery = delivery.id(event.id.as_str()).at(now() - age);
    // In a payload that is no object it has no place.
    let delivery = match event.wire {
        Wire::GitHub => delivery.event_type(event.kind.as_str()),
        Wire::Standard => delivery,
    };
    delivery.body(event.body.clone())
}

/// Sends a request to a receiver; `None` where no answer comes. Dropped, it hangs up.
pub(crate) async fn exchange(
    receiver: usize,
    request: Request<Payload>,
) -> Option<Response<Bytes>> {
    let stream = TcpStream::connect((name(receiver), PORT)).await.ok()?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut client, connection) = handshake.ok()?;
    let mut connection = JoinSet::from_iter([async move {
        // The answer says how it went.
        let _ = connection.await;
    }]);
    let response = client.send_request(request).await.ok()?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    connection.abort_all();
    Some(Response::from_parts(head, body))
}

/// The name of a receiver on the network.
pub(crate) fn name(receiver: usize) -> String {
    format!("receiver-{receiver}")
}
