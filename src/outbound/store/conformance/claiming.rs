use std::collections::BTreeMap;

use super::{LEASE, NOW, Suite, ask, endpoints, event, events, record, retry};
use crate::outbound::endpoint::EndpointState;
use crate::outbound::store::{ClaimRequest, EndpointChange, MAX_VISITS, OutboundStore};

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact("of nothing nothing is claimed", async |case| {
            case.endpoint("a").await;
            let claimed = case.claim(&ask(NOW)).await;
            case.is(claimed.deliveries.len(), 0);
            case.is((claimed.after, claimed.next_due), (None, None));
        })
        .await;
    suite
        .fact("what is claimed is told in full", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            let taken = case.one(NOW + 5).await;
            case.is(taken.held.delivery, case.delivery(&id).await.id);
            case.is((taken.held.attempt, taken.failed), (1, 0));
            case.is((taken.due_at, taken.manual), (NOW, false));
            case.is(&taken.endpoint.endpoint, &case.known(&id).await);
            case.is(&taken.endpoint.sealed, &case.record(&id).await.sealed);
        })
        .await;
    suite
        .fact("only what is due is claimed", async |case| {
            case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            case.emit(&event("2"), NOW + 1).await;
            case.is(case.due(NOW - 1).await.len(), 0);
            case.is(events(&case.due(NOW).await), vec!["1"]);
            case.is(events(&case.due(NOW + 1).await), vec!["2"]);
        })
        .await;
    suite
        .fact("what is due first is claimed first", async |case| {
            case.endpoint("a").await;
            for (id, at) in [("1", NOW + 3), ("2", NOW + 1), ("3", NOW + 2)] {
                case.emit(&event(id), at).await;
            }
            let request = ClaimRequest {
                concurrent: 2,
                ..ask(NOW + 9)
            };
            let first = case.claim(&request).await.deliveries;
            case.is(events(&first), vec!["2", "3"]);
            let then = case.claim(&request).await.deliveries;
            case.is(events(&then), vec!["1"]);
        })
        .await;
    suite
        .fact("the number of the attempt grows", async |case| {
            case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            for number in 1..=4 {
                let at = NOW + i64::from(number);
                let taken = case.attempt(at, retry(at + 1)).await;
                case.is((taken.held.attempt, taken.failed), (number, number - 1));
            }
        })
        .await;
    suite
        .fact(
            "an endpoint is visited no more while it is disabled",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                case.update(&id, |it| it.state = EndpointState::disabled("asked"), NOW)
                    .await;
                let claimed = case.claim(&ask(NOW + LEASE)).await;
                case.is(claimed.deliveries.len(), 0);
                case.is(claimed.next_due, None);
            },
        )
        .await;
    rounds(suite).await;
    next(suite).await;
}

/// Where a claim begins and ends.
async fn rounds<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "endpoints are visited in the order of their ids",
            async |case| {
                for id in ["b", "c", "a"] {
                    case.endpoint(id).await;
                }
                case.emit(&event("1"), NOW).await;
                case.is(endpoints(&case.due(NOW).await), vec!["a", "b", "c"]);
            },
        )
        .await;
    suite
        .fact("a claim begins behind an endpoint", async |case| {
            for id in ["a", "b", "c"] {
                case.endpoint(id).await;
            }
            case.emit(&event("1"), NOW).await;
            let behind = |after: &str| ClaimRequest {
                after: Some(after.into()),
                ..ask(NOW)
            };
            let first = case.claim(&behind("b")).await.deliveries;
            case.is(endpoints(&first), vec!["c"]);
            let then = case.claim(&behind("a")).await.deliveries;
            case.is(endpoints(&then), vec!["b"]);
            let last = case.claim(&behind("x")).await;
            case.is((last.deliveries.len(), last.after), (0, None));
        })
        .await;
    suite
        .fact("a round visits each of many endpoints once", async |case| {
            let names: Vec<_> = (0..MAX_VISITS + 20)
                .map(|at| format!("ep_{at:03}"))
                .collect();
            for name in &names {
                case.endpoint(name).await;
            }
            for (at, id) in ["1", "2"].into_iter().enumerate() {
                case.emit(&event(id), NOW + at as i64).await;
            }
            for (limit, id) in [(1000, "1"), (100, "2")] {
                let mut seen = Vec::new();
                let mut after = None;
                for _ in 0..5 {
                    let request = ClaimRequest {
                        limit,
                        concurrent: 1,
                        after,
                        ..ask(NOW + 9)
                    };
                    let claimed = case.claim(&request).await;
                    case.that(claimed.deliveries.len() <= (limit as usize).min(MAX_VISITS));
                    case.that(events(&claimed.deliveries).iter().all(|event| *event == id));
                    let found = endpoints(&claimed.deliveries);
                    seen.extend(found.into_iter().map(str::to_owned));
                    after = claimed.after;
                    if after.is_none() {
                        break;
                    }
                }
                case.is(after, None);
                case.is(&seen, &names);
            }
        })
        .await;
    suite
        .fact(
            "a backlog of one endpoint keeps no other out",
            async |case| {
                let busy = case.endpoint("a").await;
                for number in 0..300 {
                    let event = event(&format!("backlog-{number}"));
                    case.that(case.emit_to(&event, &busy, NOW).await);
                }
                for id in ["b", "c"] {
                    case.endpoint(id).await;
                }
                case.emit(&event("1"), NOW + 1).await;
                let claimed = case
                    .claim(&ClaimRequest::new(NOW + 1, NOW + LEASE, 20))
                    .await;
                let mut counts = BTreeMap::new();
                for id in endpoints(&claimed.deliveries) {
                    *counts.entry(id).or_insert(0) += 1;
                }
                case.is(counts, BTreeMap::from([("a", 8), ("b", 1), ("c", 1)]));
            },
        )
        .await;
}

/// When to look again.
async fn next<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact("the next delivery that is due is told", async |case| {
            for id in ["a", "b"] {
                let id = case.endpoint(id).await;
                let at = if id.as_str() == "a" {
                    NOW + 70
                } else {
                    NOW + 50
                };
                case.that(case.emit_to(&event(id.as_str()), &id, at).await);
            }
            case.is(case.claim(&ask(NOW)).await.next_due, Some(NOW + 50));
            let claimed = case.claim(&ask(NOW + 50)).await;
            case.is(endpoints(&claimed.deliveries), vec!["b"]);
            case.is(claimed.next_due, Some(NOW + 70));
        })
        .await;
    suite
        .fact("the end of a lease is when to look again", async |case| {
            case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            case.one(NOW).await;
            let claimed = case.claim(&ask(NOW + 1)).await;
            case.is(claimed.next_due, Some(NOW + LEASE));
        })
        .await;
    suite
        .fact("the end of a pause is when to look again", async |case| {
            let paused = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            let until = NOW + 500;
            case.that(
                case.change(&paused, EndpointChange::Pause { until }, NOW)
                    .await,
            );
            let claimed = case.claim(&ask(NOW)).await;
            case.is(
                (claimed.deliveries.len(), claimed.next_due),
                (0, Some(until)),
            );
            case.endpoint("b").await;
            case.emit(&event("2"), NOW + 1).await;
            let claimed = case.claim(&ask(NOW + 1)).await;
            case.is(endpoints(&claimed.deliveries), vec!["b"]);
            case.is(claimed.next_due, Some(until));
        })
        .await;
    suite
        .fact(
            "what is due after a pause is when to look again",
            async |case| {
                let mut paused = record("a", &["*"]);
                paused.endpoint.health.paused_until = Some(NOW + 500);
                case.add(paused).await;
                case.emit(&event("1"), NOW + 900).await;
                let claimed = case.claim(&ask(NOW)).await;
                case.is(claimed.next_due, Some(NOW + 900));
            },
        )
        .await;
}
