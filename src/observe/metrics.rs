use std::sync::Arc;

use metrics::{Label, counter, histogram};

use super::{Ended, Observer};
use crate::delivery::Delivery;
use crate::outcome::{Incident, Outcome};
use crate::scheme::AuthErrorKind;
use crate::time::{Clock, SystemClock};

/// Counts for whatever recorder the `metrics` facade has.
///
/// | metric | labels | unit |
/// |---|---|---|
/// | `webhook_requests_total` | `connection`, `outcome` | requests |
/// | `webhook_auth_failures_total` | `cause` | requests |
/// | `webhook_verified_total` | `key_id` | deliveries |
/// | `webhook_client_gone_total`, `webhook_commit_failed_total`, `webhook_lease_lost_total` | – | deliveries |
/// | `webhook_signature_skew_seconds` | – | seconds from the signed time to ours |
/// | `webhook_body_bytes` | – | bytes of authentic bodies |
/// | `webhook_handler_seconds` | `connection` | seconds |
///
/// All labels are closed sets, but for the names that you gave to connections and secrets.
/// `webhook_commit_failed_total` and `webhook_lease_lost_total` want an alert: a delivery may run twice.
/// So does `webhook_auth_failures_total` above its usual level: some senders drop what is refused.
#[derive(Debug)]
pub struct MetricsObserver {
    connection: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl MetricsObserver {
    /// Counts deliveries under the name of their connection, or under `connection` where they have none
    /// of their own.
    #[must_use]
    pub fn new(connection: impl Into<Arc<str>>) -> Self {
        Self {
            connection: connection.into(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets the clock that the skew of signatures is measured by.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl Observer for MetricsObserver {
    fn outcome(&self, outcome: Outcome) {
        self.ended(&Ended {
            outcome,
            connection: None,
            handler: None,
        });
    }

    fn ended(&self, end: &Ended) {
        let connection = end.connection.as_ref().unwrap_or(&self.connection);
        let connection = Label::new("connection", Arc::clone(connection));
        let outcome = Label::new("outcome", end.outcome.label());
        counter!("webhook_requests_total", vec![connection.clone(), outcome]).increment(1);
        if let Some(took) = end.handler {
            histogram!("webhook_handler_seconds", vec![connection]).record(took.as_secs_f64());
        }
    }

    fn verified(&self, delivery: &Delivery, bytes: usize) {
        let key = delivery.key_id.clone();
        let key = Label::new(
            "key_id",
            key.unwrap_or_else(|| delivery.secret_slot.to_string().into()),
        );
        counter!("webhook_verified_total", vec![key]).increment(1);
        // A length or an age that a float cannot hold exactly is no matter here.
        #[expect(clippy::cast_precision_loss)]
        histogram!("webhook_body_bytes").record(bytes as f64);
        if let Some(time) = delivery.timestamp {
            let skew = self.clock.unix_seconds().saturating_sub(time);
            #[expect(clippy::cast_precision_loss)]
            histogram!("webhook_signature_skew_seconds").record(skew as f64);
        }
    }

    fn unauthenticated(&self, cause: AuthErrorKind) {
        counter!("webhook_auth_failures_total", "cause" => cause.label()).increment(1);
    }

    fn incident(&self, incident: Incident) {
        let name = match incident {
            Incident::ClientGone => "webhook_client_gone_total",
            Incident::CommitFailed => "webhook_commit_failed_total",
            Incident::LeaseLost => "webhook_lease_lost_total",
        };
        counter!(name).increment(1);
    }
}
