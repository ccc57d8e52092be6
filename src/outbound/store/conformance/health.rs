use super::{Case, EXHAUSTED, NOW, Suite, event, record, retry, said};
use crate::outbound::endpoint::Health;
use crate::outbound::store::{
    ClaimedDelivery, HealthEffect, HealthNow, Next, OutboundStore, Settled,
};

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact("failures are counted from the first on", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            for number in 1..=3 {
                let at = NOW + i64::from(number) * 10;
                let taken = case.one(at).await;
                let next = if number == 3 {
                    EXHAUSTED
                } else {
                    retry(at + 10)
                };
                let settled = case.settle(&[said(&taken, next, at)]).await;
                let health = failing(number, NOW + 10);
                case.is(told(&settled), vec![("a", number - 1, health)]);
                case.is(case.known(&id).await.health, health);
            }
        })
        .await;
    suite
        .fact(
            "what arrives ends failures and leaves a pause",
            async |case| {
                let mut sick = record("a", &["*"]);
                sick.endpoint.health = Health {
                    paused_until: Some(NOW),
                    ..failing(7, NOW - 99)
                };
                let id = case.add(sick).await;
                case.emit(&event("1"), NOW).await;
                let taken = case.one(NOW).await;
                let settled = case.settle(&[said(&taken, Next::Delivered, NOW)]).await;
                let well = Health {
                    paused_until: Some(NOW),
                    ..Health::default()
                };
                case.is(told(&settled), vec![("a", 7, well)]);
                case.is(case.known(&id).await.health, well);
            },
        )
        .await;
    suite
        .fact(
            "what arrives at a healthy endpoint is not told",
            async |case| {
                case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let taken = case.one(NOW).await;
                let settled = case.settle(&[said(&taken, Next::Delivered, NOW)]).await;
                case.is(told(&settled), vec![]);
            },
        )
        .await;
    suite
        .fact("a failure leaves a pause", async |case| {
            let mut paused = record("a", &["*"]);
            paused.endpoint.health.paused_until = Some(NOW);
            let id = case.add(paused).await;
            case.emit(&event("1"), NOW).await;
            case.attempt(NOW + 1, retry(NOW + 2)).await;
            let health = case.known(&id).await.health;
            case.is((health.failures, health.paused_until), (1, Some(NOW)));
        })
        .await;
    suite
        .fact(
            "what says nothing of an endpoint changes nothing",
            async |case| {
                let mut sick = record("a", &["*"]);
                sick.endpoint.health = failing(2, NOW);
                let id = case.add(sick).await;
                case.emit(&event("1"), NOW).await;
                for (at, next) in [(NOW, retry(NOW + 1)), (NOW + 1, Next::Delivered)] {
                    let taken = case.one(at).await;
                    let mut settlement = said(&taken, next, at);
                    settlement.health = HealthEffect::None;
                    let settled = case.settle(&[settlement]).await;
                    case.is((told(&settled), settled.held.clone()), (vec![], vec![true]));
                }
                case.is(case.known(&id).await.health, failing(2, NOW));
            },
        )
        .await;
    suite
        .fact(
            "health leaves the version and the time of change",
            async |case| {
                let id = case.endpoint("a").await;
                let before = case.known(&id).await;
                case.emit(&event("1"), NOW).await;
                case.attempt(NOW + 1, EXHAUSTED).await;
                let now = case.known(&id).await;
                case.is(
                    (now.version, now.updated_at),
                    (before.version, before.updated_at),
                );
            },
        )
        .await;
    suite
        .fact("a batch counts in its order", async |case| {
            let due = four(&case, 5).await;
            let settled = case
                .settle(&[
                    said(&due[0], EXHAUSTED, NOW + 1),
                    said(&due[1], Next::Delivered, NOW + 2),
                    said(&due[2], EXHAUSTED, NOW + 3),
                    said(&due[3], EXHAUSTED, NOW + 4),
                ])
                .await;
            case.is(told(&settled), vec![("a", 5, failing(2, NOW + 3))]);
            case.is(case.known(&"a".into()).await.health, failing(2, NOW + 3));
        })
        .await;
    suite
        .fact("a batch that ends well leaves no failure", async |case| {
            let due = four(&case, 5).await;
            let settled = case
                .settle(&[
                    said(&due[0], EXHAUSTED, NOW + 1),
                    said(&due[1], Next::Delivered, NOW + 2),
                ])
                .await;
            case.is(told(&settled), vec![("a", 5, Health::default())]);
        })
        .await;
    suite
        .fact("a batch adds to the failures before it", async |case| {
            let due = four(&case, 5).await;
            let batch: Vec<_> = due.iter().map(|it| said(it, EXHAUSTED, NOW + 1)).collect();
            let settled = case.settle(&batch).await;
            case.is(told(&settled), vec![("a", 5, failing(9, NOW - 99))]);
        })
        .await;
    suite
        .fact("a batch counts for each endpoint by itself", async |case| {
            for id in ["a", "b", "c"] {
                case.endpoint(id).await;
            }
            case.emit(&event("1"), NOW).await;
            let due = case.due(NOW).await;
            let settled = case
                .settle(&[
                    said(&due[2], EXHAUSTED, NOW + 1),
                    said(&due[1], Next::Delivered, NOW + 1),
                    said(&due[0], EXHAUSTED, NOW + 2),
                ])
                .await;
            let mut told = told(&settled);
            told.sort_unstable_by_key(|(id, ..)| *id);
            let expected = vec![("a", 0, failing(1, NOW + 2)), ("c", 0, failing(1, NOW + 1))];
            case.is(told, expected);
        })
        .await;
}

/// Four deliveries that were claimed, of an endpoint with so many failures.
async fn four<S: OutboundStore>(case: &Case<S>, failures: u32) -> Vec<ClaimedDelivery> {
    let mut sick = record("a", &["*"]);
    sick.endpoint.health = failing(failures, NOW - 99);
    case.add(sick).await;
    for id in ["1", "2", "3", "4"] {
        case.emit(&event(id), NOW).await;
    }
    case.due(NOW).await
}

fn failing(failures: u32, since: i64) -> Health {
    Health {
        failures,
        failing_since: Some(since),
        paused_until: None,
    }
}

fn told(settled: &Settled) -> Vec<(&str, u32, Health)> {
    let of = |now: &'_ HealthNow| (now.failures_before, now.health);
    let told = settled.endpoints.iter().map(|now| {
        let (before, health) = of(now);
        (now.endpoint.as_str(), before, health)
    });
    told.collect()
}
