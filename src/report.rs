//! Tells an observer how each request ended, also when nobody is there to be answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;

use crate::delivery::Delivery;
use crate::outcome::{Incident, Outcome};
use crate::scheme::{AuthErrorKind, Profile};
use crate::span::RequestSpan;

/// Hears how requests end: the place for metrics.
///
/// Every closure that takes an [`Outcome`] is one. It is called on the path of the request and must
/// not block.
pub trait Observer: Send + Sync + 'static {
    /// A request ended. Called once for each.
    fn outcome(&self, outcome: Outcome);

    /// A request ended, with what is known of it. Called once for each; by default as
    /// [`outcome`](Self::outcome).
    fn ended(&self, end: &Ended) {
        self.outcome(end.outcome);
    }

    /// A signature matched: by which secret says [`Delivery::key_id`]. `bytes` is the length of the
    /// body.
    fn verified(&self, delivery: &Delivery, bytes: usize) {
        let _ = (delivery, bytes);
    }

    /// A request was not authentic, for this cause. The sender never hears it.
    fn unauthenticated(&self, cause: AuthErrorKind) {
        let _ = cause;
    }

    /// Something happened that somebody must look at.
    fn incident(&self, incident: Incident) {
        let _ = incident;
    }
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// Its outcome.
    pub outcome: Outcome,
    /// Its connection, once it is authentic: no stranger's text is ever here.
    pub connection: Option<Arc<str>>,
    /// How long the handler took from its claim on, the wait for its readiness with it, where it ran to its end.
    pub handler: Option<Duration>,
}

impl<F: Fn(Outcome) + Send + Sync + 'static> Observer for F {
    fn outcome(&self, outcome: Outcome) {
        self(outcome);
    }
}

/// One request's line to the observer, in the extensions of the request.
#[derive(Clone)]
pub(crate) struct Reporter {
    observer: Arc<dyn Observer>,
    span: RequestSpan,
    state: Arc<Mutex<State>>,
}

struct State {
    stage: Stage,
    connection: Option<Arc<str>>,
    handler: Option<Duration>,
}

/// Where a request is, as far as its connection matters.
#[derive(Clone, Copy)]
enum Stage {
    Connected,
    Detached,
    Finished(Outcome),
    Gone,
}

impl Reporter {
    pub(crate) fn new(observer: Arc<dyn Observer>, span: RequestSpan) -> Self {
        Self {
            observer,
            span,
            state: Arc::new(Mutex::new(State {
                stage: Stage::Connected,
                connection: None,
                handler: None,
            })),
        }
    }

    /// A signature matched.
    pub(crate) fn verified(&self, delivery: &Delivery, profile: &Profile, bytes: usize) {
        let connection = profile.connection();
        self.span
            .verified(delivery, connection.map(|name| &**name), bytes);
        self.state().connection = connection.cloned();
        self.observer.verified(delivery, bytes);
    }

    /// The handler ran to its end.
    pub(crate) fn handled(&self, took: Duration) {
        self.state().handler = Some(took);
    }

    /// No signature matched.
    pub(crate) fn unauthenticated(&self, cause: AuthErrorKind) {
        self.observer.unauthenticated(cause);
    }

    /// The answer of this status goes out; `None` where there is none, or nobody to hear it.
    pub(crate) fn answered(
        &self,
        outcome: Outcome,
        incident: Option<Incident>,
        status: Option<StatusCode>,
    ) {
        self.span.ended(outcome, status);
        if let Some(incident) = incident {
            self.observer.incident(incident);
        }
        let (connection, handler) = {
            let state = self.state();
            (state.connection.clone(), state.handler)
        };
        self.observer.ended(&Ended {
            outcome,
            connection,
            handler,
        });
    }

    /// The connection ended before the answer.
    pub(crate) fn hung_up(&self) {
        match self.swap(Stage::Gone) {
            Stage::Connected => self.answered(Outcome::aborted(), None, None),
            Stage::Detached => self.observer.incident(Incident::ClientGone),
            Stage::Finished(outcome) => self.answered(outcome, Some(Incident::ClientGone), None),
            Stage::Gone => {}
        }
    }

    /// From here on the connection does not matter.
    pub(crate) fn detached(&self) {
        self.swap(Stage::Detached);
    }

    /// The detached work ended.
    pub(crate) fn finished(&self, outcome: Outcome, incident: Option<Incident>) {
        if let Stage::Gone = self.swap(Stage::Finished(outcome)) {
            self.answered(outcome, incident, None);
        }
    }

    fn swap(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut self.state().stage, stage)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
