use super::{Case, LEASE, NOW, Suite, ask, endpoints, event, record};
use crate::outbound::endpoint::{Endpoint, EndpointId};
use crate::outbound::store::{Allowance, ClaimRequest, EndpointChange, OutboundStore};

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact("no more is claimed than the limit", async |case| {
            busy(&case, |_| {}).await;
            case.endpoint("b").await;
            case.emit(&event("last"), NOW).await;
            let request = ClaimRequest {
                limit: 4,
                ..ask(NOW)
            };
            let claimed = case.claim(&request).await;
            case.is(endpoints(&claimed.deliveries), vec!["a"; 4]);
            // It has had its share.
            case.is(claimed.after.clone(), Some("a".into()));
            let request = ClaimRequest {
                after: claimed.after,
                ..request
            };
            let claimed = case.claim(&request).await;
            case.is(endpoints(&claimed.deliveries), vec!["b"]);
        })
        .await;
    suite
        .fact("of an endpoint eight are claimed otherwise", async |case| {
            busy(&case, |_| {}).await;
            case.is(count(&case, |_| {}).await, 8);
        })
        .await;
    suite
        .fact(
            "of an endpoint as many are claimed as asked",
            async |case| {
                busy(&case, |_| {}).await;
                case.is(count(&case, |request| request.concurrent = 3).await, 3);
            },
        )
        .await;
    for (fact, concurrent, per_second, expected) in [
        (
            "an endpoint's own limit is above the usual one",
            Some(10),
            None,
            10,
        ),
        (
            "an endpoint's own limit is below the usual one",
            Some(2),
            None,
            2,
        ),
        ("an endpoint's own rate limits a claim", None, Some(3), 3),
        (
            "an endpoint's own rate does not lift the usual limit",
            None,
            Some(11),
            8,
        ),
        ("of two limits the lower one counts", Some(5), Some(6), 5),
    ] {
        suite
            .fact(fact, async |case| {
                busy(&case, |endpoint| {
                    endpoint.max_concurrent = concurrent;
                    endpoint.max_per_second = per_second;
                })
                .await;
                case.is(count(&case, |_| {}).await, expected);
            })
            .await;
    }
    suite
        .fact("an allowance counts instead of all limits", async |case| {
            let id = busy(&case, |endpoint| endpoint.max_concurrent = Some(1)).await;
            let allow = |most| vec![Allowance::new(id.clone(), most, 9)];
            case.is(
                count(&case, |request| request.allowances = allow(0)).await,
                0,
            );
            case.is(
                count(&case, |request| request.allowances = allow(5)).await,
                5,
            );
        })
        .await;
    suite
        .fact("an allowance is for one endpoint", async |case| {
            busy(&case, |_| {}).await;
            let other = Allowance::new("b".into(), 1, 0);
            case.is(
                count(&case, |request| request.allowances = vec![other]).await,
                8,
            );
        })
        .await;
    suite
        .fact("of two allowances the last one counts", async |case| {
            let id = busy(&case, |_| {}).await;
            let allow = |most| Allowance::new(id.clone(), most, 0);
            let both = vec![allow(5), allow(2)];
            case.is(count(&case, |request| request.allowances = both).await, 2);
        })
        .await;
    half_open(suite).await;
    pauses(suite).await;
}

async fn half_open<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact("an endpoint that fails gets one at a time", async |case| {
            let id = busy(&case, |endpoint| endpoint.health.failures = 3).await;
            let under_way = vec![Allowance::new(id.clone(), 5, 1)];
            let free = vec![Allowance::new(id, 5, 0)];
            let tried = count(&case, |request| {
                request.half_open = 3;
                request.allowances = under_way;
            });
            case.is(tried.await, 0);
            case.is(count(&case, |request| request.half_open = 3).await, 1);
            let tried = count(&case, |request| {
                request.half_open = 2;
                request.allowances = free;
            });
            case.is(tried.await, 1);
        })
        .await;
    suite
        .fact("an endpoint that fails less often gets all", async |case| {
            busy(&case, |endpoint| endpoint.health.failures = 2).await;
            case.is(count(&case, |request| request.half_open = 3).await, 8);
        })
        .await;
    suite
        .fact(
            "an endpoint that may get none does not get one",
            async |case| {
                let id = busy(&case, |endpoint| endpoint.health.failures = 3).await;
                let none = vec![Allowance::new(id, 0, 0)];
                let tried = count(&case, |request| {
                    request.half_open = 3;
                    request.allowances = none;
                });
                case.is(tried.await, 0);
            },
        )
        .await;
}

async fn pauses<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "nothing is claimed of an endpoint that is paused",
            async |case| {
                let id = busy(&case, |_| {}).await;
                let until = NOW + 100;
                case.that(case.change(&id, EndpointChange::Pause { until }, NOW).await);
                let allowed = vec![Allowance::new(id, 5, 0)];
                let request = ClaimRequest {
                    allowances: allowed,
                    ..ask(until - 1)
                };
                case.is(case.claim(&request).await.deliveries.len(), 0);
            },
        )
        .await;
    suite
        .fact("at the end of a pause all is claimed again", async |case| {
            let id = busy(&case, |_| {}).await;
            let until = NOW + 100;
            case.that(case.change(&id, EndpointChange::Pause { until }, NOW).await);
            case.is(case.due(until).await.len(), 12);
        })
        .await;
}

/// An endpoint with twelve deliveries.
async fn busy<S: OutboundStore>(case: &Case<S>, change: impl FnOnce(&mut Endpoint)) -> EndpointId {
    let mut record = record("a", &["*"]);
    change(&mut record.endpoint);
    let id = case.add(record).await;
    for number in 0..12 {
        case.emit(&event(&number.to_string()), NOW).await;
    }
    id
}

/// How many are claimed.
async fn count<S: OutboundStore>(case: &Case<S>, change: impl FnOnce(&mut ClaimRequest)) -> usize {
    let mut request = ClaimRequest::new(NOW, NOW + LEASE, 1000);
    change(&mut request);
    case.claim(&request).await.deliveries.len()
}
