//! Writes down how attempts ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::attempt::Done;
use super::run::Run;
use crate::outbound::endpoint::EndpointId;
use crate::outbound::lifecycle::Lifecycle;
use crate::outbound::policy::Verdict;
use crate::outbound::sender::millis;
use crate::outbound::store::{
    ClaimedDelivery, EndpointChange, HealthNow, Next, OutboundStore, Settled, Settlement,
};

type Ended = mpsc::UnboundedReceiver<(ClaimedDelivery, Done)>;

/// Most attempts that are written down at once.
const BATCH: usize = 256;
/// The first and the longest wait after the store failed.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Writes down what ended, until all who could end something are gone.
pub(super) async fn settle_all<S: OutboundStore>(run: Arc<Run<S>>, mut ended: Ended) {
    let mut batch = Vec::with_capacity(BATCH);
    while ended.recv_many(&mut batch, BATCH).await > 0 {
        settle(&run, &batch).await;
        batch.clear();
    }
}

/// Writes attempts down. A store that fails is asked again for as long as it takes: what was sent must not be sent again
/// because it could not be written down. Meanwhile the leases are made longer.
pub(super) async fn settle<S: OutboundStore>(run: &Run<S>, batch: &[(ClaimedDelivery, Done)]) {
    let settlements: Vec<Settlement> = batch
        .iter()
        .map(|(_, done)| done.settlement.clone())
        .collect();
    let mut pause = PAUSES.0;
    let settled = loop {
        match run.sender.0.store.settle(&settlements).await {
            Ok(settled) => break settled,
            Err(_) => {
                sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    };
    // Before the places are free: an endpoint that is to be left alone gets nothing in between.
    judge(run, batch, &settled).await;
    run.free(batch.iter().map(|(delivery, _)| delivery));
}

async fn judge<S: OutboundStore>(
    run: &Run<S>,
    batch: &[(ClaimedDelivery, Done)],
    settled: &Settled,
) {
    let inner = &*run.sender.0;
    for ((delivery, done), held) in batch.iter().zip(&settled.held) {
        if !held {
            continue;
        }
        let endpoint = &delivery.endpoint.endpoint.id;
        match done.settlement.next {
            Next::Dead { reason } => inner.tell(Lifecycle::DeadLetter {
                endpoint: endpoint.clone(),
                event: delivery.event.id.clone(),
                reason,
            }),
            Next::Released { .. } => inner.tell(Lifecycle::Unreadable {
                endpoint: endpoint.clone(),
            }),
            Next::Retry { due_at } if done.verdict == Verdict::Throttle => {
                let pause = EndpointChange::Pause { until: due_at };
                change(run, endpoint, &pause).await;
            }
            _ => {}
        }
        if done.verdict == Verdict::Disable {
            disable(run, endpoint, "gone", 0).await;
        }
    }
    for now in &settled.endpoints {
        judge_health(run, now).await;
    }
}

async fn judge_health<S: OutboundStore>(run: &Run<S>, now: &HealthNow) {
    let inner = &*run.sender.0;
    let endpoint = now.endpoint.clone();
    let (before, failures) = (now.failures_before, now.health.failures);
    if failures == 0 {
        if before >= inner.breaker.failures {
            let failures = before;
            inner.tell(Lifecycle::Recovered { endpoint, failures });
        }
        return;
    }
    if let Some(percent) = inner.auto_disable.crossed(before, failures) {
        inner.tell(Lifecycle::Failing {
            endpoint: endpoint.clone(),
            percent,
            failures,
        });
    }
    let at = inner.now();
    let since = at.saturating_sub(now.health.failing_since.unwrap_or(at));
    let since = Duration::from_millis(since.try_into().unwrap_or(0));
    if inner.auto_disable.is_reached(failures, since) {
        disable(run, &endpoint, "failing", failures).await;
    } else if let Some(pause) = inner.breaker.pause(failures) {
        let until = at.saturating_add(millis(pause));
        change(run, &endpoint, &EndpointChange::Pause { until }).await;
    }
}

async fn change<S: OutboundStore>(
    run: &Run<S>,
    endpoint: &EndpointId,
    change: &EndpointChange,
) -> bool {
    let inner = &*run.sender.0;
    // Where the store fails the endpoint is asked once more than it had to be.
    let changed = inner
        .store
        .change_endpoint(endpoint, change, inner.now())
        .await;
    changed.unwrap_or(false)
}

async fn disable<S: OutboundStore>(
    run: &Run<S>,
    endpoint: &EndpointId,
    reason: &'static str,
    failures: u32,
) {
    if change(run, endpoint, &EndpointChange::Disable { reason, failures }).await {
        let endpoint = endpoint.clone();
        run.sender.0.tell(Lifecycle::Disabled { endpoint, reason });
    }
}
