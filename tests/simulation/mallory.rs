//! Somebody who listens on the way, and knows no secret.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request};
use tokio::time::{sleep, timeout};
use tower_webhook::testing::{self, Payload};

use crate::dice::Dice;
use crate::journal::Fact;
use crate::plan::{FORGED, RECEIVERS, WRONG_SECRET, Wire};
use crate::sender::exchange;
use crate::world::{World, now};

const ID: &str = "x-github-delivery";

/// Sends forgeries and what it heard, as it was and under other names, until all is calm.
pub(crate) async fn interfere(world: Arc<World>) -> turmoil::Result {
    let mut dice = Dice::new(world.plan.seed, 4);
    let mut count = 0;
    while !world.is_calm() {
        sleep(dice.millis(300, 2_500)).await;
        count += 1;
        let receiver = dice.index(RECEIVERS);
        if dice.percent(30) {
            let request = forgery(&mut dice, count);
            let answered = timeout(Duration::from_secs(2), exchange(receiver, request)).await;
            if let Ok(Some(answer)) = answered {
                let status = answer.status().as_u16();
                world.journal.note(Fact::Forged { status });
            }
        } else if let Some(request) = replay(&world, &mut dice, count) {
            // Whatever is answered: the events must not suffer.
            let _ = timeout(Duration::from_secs(2), exchange(receiver, request)).await;
        }
    }
    Ok(())
}

fn forgery(dice: &mut Dice, count: usize) -> Request<Payload> {
    let delivery = if dice.percent(50) {
        testing::standard_webhooks(WRONG_SECRET)
    } else {
        testing::github(WRONG_SECRET).event_type("order")
    };
    let body = format!(r#"{{"type":"order","n":{FORGED}}}"#);
    let delivery = delivery.id(format!("forged-{count}")).at(now());
    delivery.body(body).request()
}

/// Something that was heard. What GitHub sends names its id and its type where nobody signs them.
fn replay(world: &World, dice: &mut Dice, count: usize) -> Option<Request<Payload>> {
    let (wire, mut request) = {
        let captured = world.captured.lock().unwrap();
        // The newest, mostly: an event whose handler is still at it.
        let back = dice.index(captured.len().clamp(1, 8));
        captured.iter().rev().nth(back)?.clone()
    };
    if wire == Wire::GitHub {
        let id = match dice.below(3) {
            // That of another event, before it comes.
            0 => world.plan.events[dice.index(world.plan.events.len())]
                .id
                .clone(),
            1 => format!("fresh-{count}"),
            _ => return Some(request),
        };
        let headers = request.headers_mut();
        headers.insert(ID, HeaderValue::from_str(&id).expect("ids are plain"));
    }
    Some(request)
}
