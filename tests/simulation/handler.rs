//! The handler: it works for a while, and then it has its effect.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use tokio::time::sleep;
use tower_webhook::idempotency::{ClaimedBody, Reject};
use tower_webhook::verify::Verified as _;

use crate::flaw::Flaw;
use crate::journal::Fact;
use crate::plan::{Fate, Run};
use crate::world::World;

#[derive(Deserialize)]
struct Payload {
    n: usize,
}

/// A run of an event, under a claim.
struct Held {
    world: Arc<World>,
    host: usize,
    event: usize,
    key: usize,
    fence: u64,
}

/// Handles an event on a machine.
pub(crate) async fn handle(
    world: Arc<World>,
    host: usize,
    request: Request<ClaimedBody>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.body();
    let payload: Payload = serde_json::from_slice(body.as_bytes()).expect("we wrote it");
    let held = Held {
        host,
        event: payload.n,
        key: world.journal.key(body.key().as_str()),
        fence: world.journal.fence(body.fence()),
        world,
    };
    let Some(event) = held.world.plan.events.get(held.event) else {
        held.effect();
        return Ok(answer(StatusCode::OK, held.event));
    };
    let Held { key, fence, .. } = held;
    let began = Fact::Began {
        key,
        fence,
        event: held.event,
    };
    held.world.journal.note(began);
    let run = {
        let runs = &mut held.world.runs.lock().unwrap()[held.event];
        *runs += 1;
        *runs - 1
    };
    let number = event.number;
    if held.world.plan.flaw == Some(Flaw::AckBeforeHandler) && event.fate == Fate::Handled {
        tokio::spawn(work(held, run));
        return Ok(answer(StatusCode::OK, number));
    }
    Ok(work(held, run).await)
}

async fn work(held: Held, run: usize) -> Response<Full<Bytes>> {
    let event = &held.world.plan.events[held.event];
    sleep(event.work[run % event.work.len()]).await;
    match event.runs.get(run) {
        Some(Run::Fails) => return answer(StatusCode::INTERNAL_SERVER_ERROR, event.number),
        // Without the hook, which would print each of them.
        Some(Run::Panics) => std::panic::resume_unwind(Box::new("a handler that panics")),
        Some(Run::Hangs) => return pending().await,
        None => {}
    }
    if event.fate == Fate::Refused {
        let mut response = answer(StatusCode::UNPROCESSABLE_ENTITY, event.number);
        response.extensions_mut().insert(Reject);
        return response;
    }
    held.effect();
    answer(StatusCode::OK, event.number)
}

impl Held {
    fn effect(&self) {
        self.world.journal.note(Fact::Effect {
            key: self.key,
            fence: self.fence,
            event: self.event,
            host: self.host,
        });
    }
}

/// An answer that names its event, so that a duplicate shows whose it is.
fn answer(status: StatusCode, event: usize) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(event.to_string()));
    *response.status_mut() = status;
    response
}
