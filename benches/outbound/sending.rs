//! What every store is measured by.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_webhook::outbound::egress::Egress;
use tower_webhook::outbound::endpoint::NewEndpoint;
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::{OutboundStore, SealingKey, Sender};

use crate::Scale;
use crate::receiver::Receiver;

pub(crate) const ENDPOINTS: u64 = 50;

pub(crate) fn event(payload: String) -> Event {
    Event::new("order.created", payload).expect("it is an event type")
}

/// About 1 KiB, for what is never sent.
pub(crate) fn unsent() -> Event {
    let filler = "x".repeat(1000);
    event(format!(r#"{{"order":7,"filler":"{filler}"}}"#))
}

pub(crate) fn sender<S: OutboundStore>(store: S) -> Sender<S> {
    let egress = Egress::public()
        .allow("127.0.0.0/8")
        .expect("it is a network");
    let builder = Sender::builder(store, SealingKey::new([7; 32])).egress(egress.allow_http());
    builder.build().expect("the settings are safe")
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A sender, the receiver of its 50 endpoints, and a dispatcher.
struct World<S> {
    receiver: Arc<Receiver>,
    sender: Sender<S>,
}

impl<S: OutboundStore> World<S> {
    async fn new(store: S, hanging: u64) -> Self {
        let receiver = Receiver::start().await;
        let sender = sender(store);
        for number in 0..ENDPOINTS {
            let new = NewEndpoint::new(receiver.url(number, hanging));
            sender.endpoints().create(new).await.expect("it is made");
        }
        Self { receiver, sender }
    }

    async fn emit(&self, due: Instant) {
        let event = event(self.receiver.payload(due));
        self.sender.emit(event).await.expect("it is stored");
    }

    fn dispatch(&self) -> (oneshot::Sender<()>, JoinHandle<()>) {
        let (stop, stopped) = oneshot::channel::<()>();
        let dispatcher = self.sender.dispatcher();
        let running = tokio::spawn(dispatcher.run_until(async { drop(stopped.await) }));
        (stop, running)
    }

    async fn end(&self, stop: oneshot::Sender<()>, running: JoinHandle<()>, hanging: u64) {
        // What hangs would take as long as it hangs.
        if hanging > 0 {
            return running.abort();
        }
        drop(stop);
        running.await.expect("it drains");
    }
}

/// Deliveries a second that arrive, of those that do not hang.
pub(crate) async fn throughput<S: OutboundStore>(store: S, scale: &Scale, hanging: u64) -> f64 {
    let world = World::new(store, hanging).await;
    for _ in 0..scale.events {
        world.emit(Instant::now()).await;
    }
    let expected = scale.events * (ENDPOINTS - hanging);
    let start = Instant::now();
    let (stop, running) = world.dispatch();
    world.receiver.arrival_of(expected).await;
    let took = start.elapsed();
    world.end(stop, running, hanging).await;
    expected as f64 / took.as_secs_f64()
}

/// From the moment an event is due to be emitted to its arrival, at a steady rate: the median and the 99th percentile,
/// in milliseconds.
async fn latency<S: OutboundStore>(store: S, scale: &Scale, hanging: u64) -> (f64, f64) {
    let world = World::new(store, hanging).await;
    let (stop, running) = world.dispatch();
    let (rate, time) = scale.rate;
    let events = rate * time.as_millis() as u64 / 1000;
    let start = Instant::now() + Duration::from_millis(100);
    let emitting = (0..events).map(|number| {
        let world = &world;
        async move {
            // By the clock, not after the one before: who is late must not make the others look early.
            let due = start + Duration::from_secs(1) * number as u32 / rate as u32;
            tokio::time::sleep_until(due.into()).await;
            world.emit(due).await;
        }
    });
    futures_util::future::join_all(emitting).await;
    let expected = events * (ENDPOINTS - hanging);
    world.receiver.arrival_of(expected).await;
    world.end(stop, running, hanging).await;
    let took = world.receiver.latencies();
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    (at(0.5), at(0.99))
}

/// Events a second that are emitted one after the other, and from 8 tasks.
async fn emissions<S: OutboundStore>(store: S, scale: &Scale) -> (f64, f64) {
    let sender = sender(store);
    let new = NewEndpoint::new("http://127.0.0.1:9999/take");
    sender.endpoints().create(new).await.expect("it is made");
    let emit = async |count: u64| {
        for _ in 0..count {
            sender.emit(unsent()).await.expect("it is stored");
        }
    };
    let start = Instant::now();
    emit(scale.emissions).await;
    let alone = scale.emissions as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    let share = scale.emissions / 8 + 1;
    let all: Vec<_> = (0..8).map(|_| emit(share)).collect();
    futures_util::future::join_all(all).await;
    (alone, 8.0 * share as f64 / start.elapsed().as_secs_f64())
}

pub(crate) async fn report<S: OutboundStore>(
    name: &str,
    scale: &Scale,
    fresh: impl AsyncFn() -> S,
) {
    let (mut healthy, mut rest, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        // In turn the one and the other begins.
        let mut rates = [0.0; 2];
        for hanging in [round as u64 % 2, 1 - round as u64 % 2] {
            rates[hanging as usize] = throughput(fresh().await, scale, hanging).await;
        }
        let [all, others] = rates;
        healthy.push(all);
        rest.push(others);
        parts.push(100.0 * others / (all * 49.0 / 50.0));
    }
    println!(
        "{name}: 50 healthy endpoints: {} deliveries/s",
        spread(healthy)
    );
    println!(
        "{name}: one of 50 hangs: the others {}/s, {} % of what 49 of 50 had in the same round",
        spread(rest),
        spread(parts)
    );
    for hanging in [0, 1] {
        let (median, most) = latency(fresh().await, scale, hanging).await;
        let rate = scale.rate.0 * (ENDPOINTS - hanging);
        println!(
            "{name}: {rate} deliveries/s, {hanging} of 50 hangs: due to accepted {median:.1} ms, 99 % within {most:.1} ms"
        );
    }
    let (alone, together) = emissions(fresh().await, scale).await;
    println!("{name}: emit: {alone:.0}/s one after the other, {together:.0}/s from 8 tasks");
}

/// The median, and how far the rounds lie apart.
pub(crate) fn spread(values: Vec<f64>) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{:.0} ({least:.0} to {most:.0})", median(values))
}
