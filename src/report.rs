//! Tells an observer how each request ended, also when nobody is there to be answered.

use std::sync::{Arc, Mutex, PoisonError};

use crate::delivery::Delivery;
use crate::outcome::{Incident, Outcome};
use crate::scheme::AuthErrorKind;

/// Hears how requests end: the place for metrics.
///
/// Every closure that takes an [`Outcome`] is one. It is called on the path of the request and must
/// not block.
pub trait Observer: Send + Sync + 'static {
    /// A request ended. Called once for each.
    fn outcome(&self, outcome: Outcome);

    /// A signature matched: by which secret says [`Delivery::key_id`].
    fn verified(&self, delivery: &Delivery) {
        let _ = delivery;
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

impl<F: Fn(Outcome) + Send + Sync + 'static> Observer for F {
    fn outcome(&self, outcome: Outcome) {
        self(outcome);
    }
}

/// One request's line to the observer, in the extensions of the request.
#[derive(Clone)]
pub(crate) struct Reporter {
    observer: Arc<dyn Observer>,
    stage: Arc<Mutex<Stage>>,
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
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self {
            observer,
            stage: Arc::new(Mutex::new(Stage::Connected)),
        }
    }

    /// A signature matched.
    pub(crate) fn verified(&self, delivery: &Delivery) {
        self.observer.verified(delivery);
    }

    /// No signature matched.
    pub(crate) fn unauthenticated(&self, cause: AuthErrorKind) {
        self.observer.unauthenticated(cause);
    }

    /// The answer goes out.
    pub(crate) fn answered(&self, outcome: Outcome, incident: Option<Incident>) {
        if let Some(incident) = incident {
            self.observer.incident(incident);
        }
        self.observer.outcome(outcome);
    }

    /// The connection ended before the answer.
    pub(crate) fn hung_up(&self) {
        match self.swap(Stage::Gone) {
            Stage::Connected => self.observer.outcome(Outcome::aborted()),
            Stage::Detached => self.observer.incident(Incident::ClientGone),
            Stage::Finished(outcome) => self.answered(outcome, Some(Incident::ClientGone)),
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
            self.answered(outcome, incident);
        }
    }

    fn swap(&self, stage: Stage) -> Stage {
        let mut now = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *now, stage)
    }
}
