//! Pushes: those to tracked branches become jobs, the others are answered and forgotten.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;
use tower_webhook::dispatch::{DispatchBody, Failure, IntoAnswer as _};
use tower_webhook::handoff::{Handoff, Queue};
use tower_webhook::outcome::Outcome;
use tower_webhook::verify::{Verified as _, VerifiedBody};

use crate::envelope::Envelope;

/// The branches that are kept in step.
#[derive(Clone)]
pub(crate) struct Tracked(Arc<[String]>);

impl Tracked {
    /// Of no names: the default branch of each repository.
    pub(crate) fn new(names: Vec<String>) -> Self {
        Self(names.into())
    }

    fn takes(&self, push: &Envelope) -> bool {
        let Some(branch) = push.branch().filter(|_| push.repository_id.is_some()) else {
            return false;
        };
        let usual = push.payload.pointer("/repository/default_branch");
        match &*self.0 {
            [] => usual.and_then(Value::as_str) == Some(branch),
            names => names.iter().any(|name| name == branch),
        }
    }
}

pub(crate) type PushService =
    BoxCloneSyncService<Request<VerifiedBody>, Response<DispatchBody>, Infallible>;

/// Hands pushes to tracked branches to `handoff`: 202 once its queue has them. The others get 200.
pub(crate) fn pushes<Q: Queue>(tracked: Tracked, handoff: Handoff<Q>) -> PushService {
    BoxCloneSyncService::new(tower::service_fn(move |req: Request<VerifiedBody>| {
        let (tracked, handoff) = (tracked.clone(), handoff.clone());
        async move {
            let payload = serde_json::from_slice(req.body().as_bytes());
            let push = payload.map(|payload| Envelope::of(req.body().delivery(), payload));
            match push {
                Ok(push) if tracked.takes(&push) => handoff.oneshot(req).await,
                Ok(_) => Ok(ignored()),
                // Its shape was checked, so this is ours to mend: it comes again.
                Err(err) => Ok(Failure::from(err).into_answer(StatusCode::OK)),
            }
        }
    }))
}

/// Valid, and nothing to do.
fn ignored() -> Response<DispatchBody> {
    let mut response = StatusCode::OK.into_answer(StatusCode::OK);
    // So that counts and receipts say what it was.
    response.extensions_mut().insert(Outcome::Ignored);
    response
}
