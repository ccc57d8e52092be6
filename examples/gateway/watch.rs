//! What is counted, and what the log says of those who have no receipt.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tower_webhook::delivery::Delivery;
use tower_webhook::observe::{Ended, MetricsObserver, Observer};
use tower_webhook::outcome::{Incident, Outcome};
use tower_webhook::scheme::AuthErrorKind;

/// How often the log speaks of strangers: as often as they like, they would fill the disk.
const SECOND: Duration = Duration::from_secs(1);

/// Installs the recorder whose counts `/metrics` shows.
pub(crate) fn recorder() -> Result<PrometheusHandle, BuildError> {
    let named = |name: &str| Matcher::Full(name.to_owned());
    // Without buckets they would be summaries, which cannot be added up over instances.
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(
            named("webhook_handler_seconds"),
            &[0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 240.0],
        )?
        .set_buckets_for_metric(
            named("webhook_body_bytes"),
            &[
                256.0,
                1024.0,
                4096.0,
                16_384.0,
                65_536.0,
                262_144.0,
                1_048_576.0,
            ],
        )?
        .set_buckets_for_metric(
            named("webhook_signature_skew_seconds"),
            &[-60.0, -5.0, -1.0, 0.0, 1.0, 5.0, 60.0, 300.0],
        )?
        .install_recorder()?;
    let kept = recorder.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(5 * SECOND).await;
            // What histograms hear is piled up until somebody sorts it. A scrape does; there may be none.
            kept.run_upkeep();
        }
    });
    Ok(recorder)
}

/// Counts, and writes what nobody must miss into the log.
pub(crate) struct Watch {
    counts: MetricsObserver,
    strangers: Mutex<Strangers>,
}

/// When one was last spoken of, and how many have come since.
#[derive(Default)]
struct Strangers {
    last: Option<Instant>,
    more: u64,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self {
            counts: MetricsObserver::new("unknown"),
            strangers: Mutex::default(),
        }
    }

    /// Why is for `webhook_auth_failures_total` to say.
    fn refused(&self, outcome: Outcome) {
        let mut strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if strangers.last.is_some_and(|last| last.elapsed() < SECOND) {
            strangers.more += 1;
            return;
        }
        strangers.last = Some(Instant::now());
        match std::mem::take(&mut strangers.more) {
            0 => println!("refused: {outcome}"),
            more => println!("refused: {outcome}, and {more} more before it"),
        }
    }
}

impl Observer for Watch {
    fn outcome(&self, outcome: Outcome) {
        self.counts.outcome(outcome);
    }

    fn ended(&self, end: &Ended) {
        self.counts.ended(end);
        // What is authentic has a connection, and nearly always a receipt, which is logged when it is final.
        if let (None, Outcome::Rejected(_)) = (&end.connection, end.outcome) {
            self.refused(end.outcome);
        }
    }

    fn verified(&self, delivery: &Delivery, bytes: usize) {
        self.counts.verified(delivery, bytes);
    }

    fn unauthenticated(&self, cause: AuthErrorKind) {
        self.counts.unauthenticated(cause);
    }

    fn incident(&self, incident: Incident) {
        eprintln!("look at this: {incident:?}");
        self.counts.incident(incident);
    }
}
