use super::{Case, EXHAUSTED, LEASE, NOW, Suite, event, retry, said};
use crate::outbound::store::{Next, OutboundStore, Purge};

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "an endpoint that is deleted is forgotten with all",
            async |case| {
                let (id, other) = (case.endpoint("a").await, case.endpoint("b").await);
                case.emit(&event("1"), NOW).await;
                let due = case.due(NOW).await;
                case.that(case.end(&due[0], retry(NOW + 1), NOW).await);
                case.that(delete(&case, &id).await);
                case.that(!delete(&case, &id).await);
                case.that(case.store.endpoint(&id).await.expect(case.fact).is_none());
                case.is(case.deliveries(&id).await, vec![]);
                case.is(case.attempts(due[0].held.delivery).await, vec![]);
                // The other one has lost nothing.
                case.delivery(&other).await;
                case.is(
                    case.one(NOW + LEASE).await.endpoint.endpoint.id.clone(),
                    other,
                );
                case.is(case.emit(&event("1"), NOW).await, None);
                case.is(case.emit(&event("2"), NOW).await, Some(1));
            },
        )
        .await;
    suite
        .fact(
            "an attempt may end after its endpoint was deleted",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                case.emit(&event("2"), NOW).await;
                let due = case.due(NOW).await;
                case.that(delete(&case, &id).await);
                let both = [
                    said(&due[0], Next::Delivered, NOW),
                    said(&due[1], EXHAUSTED, NOW),
                ];
                let settled = case.settle(&both).await;
                case.is((settled.held, settled.endpoints.len()), (vec![false; 2], 0));
                case.is(case.attempts(due[0].held.delivery).await, vec![]);
                case.store
                    .renew(&[due[0].held], NOW)
                    .await
                    .expect(case.fact);
                case.is(case.due(NOW + LEASE).await.len(), 0);
            },
        )
        .await;
    suite
        .fact("a purge forgets what ended before its time", async |case| {
            let id = case.endpoint("a").await;
            let mut attempted = Vec::new();
            for (at, name, next) in [
                (NOW, "1", Next::Delivered),
                (NOW + 9, "2", Next::Delivered),
                (NOW, "3", EXHAUSTED),
                (NOW + 9, "4", EXHAUSTED),
            ] {
                case.emit(&event(name), NOW).await;
                attempted.push(case.attempt(at, next).await.held.delivery);
            }
            case.is(purge(&case, NOW, NOW).await, 0);
            case.is(purge(&case, NOW + 9, NOW).await, 1);
            left(&case, &id, &["4", "3", "2"]).await;
            case.is(purge(&case, NOW, NOW + 9).await, 1);
            left(&case, &id, &["4", "2"]).await;
            let attempts = case.store.attempts(&attempted).await.expect(case.fact);
            case.is(attempts.len(), 2);
            case.is(purge(&case, NOW + 10, NOW + 10).await, 2);
            left(&case, &id, &[]).await;
        })
        .await;
    suite
        .fact(
            "a purge leaves what is pending, however old",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                case.attempt(NOW, retry(NOW + 1)).await;
                case.emit(&event("2"), NOW).await;
                case.one(NOW).await;
                case.emit(&event("3"), NOW).await;
                case.is(purge(&case, i64::MAX, i64::MAX).await, 0);
                left(&case, &id, &["3", "2", "1"]).await;
                case.is(case.emit(&event("3"), NOW).await, None);
                case.is(case.due(NOW + LEASE).await.len(), 3);
            },
        )
        .await;
    suite
        .fact(
            "a purge forgets old events without deliveries",
            async |case| {
                case.emit(&event("1"), NOW).await;
                case.emit(&event("2"), NOW + 1).await;
                case.is(purge(&case, NOW + 1, i64::MAX).await, 0);
                case.is(case.emit(&event("1"), NOW + 2).await, Some(0));
                case.is(case.emit(&event("2"), NOW + 2).await, None);
            },
        )
        .await;
    suite
        .fact(
            "an event is known while one of its deliveries is",
            async |case| {
                let id = case.endpoint("a").await;
                case.endpoint("b").await;
                case.emit(&event("1"), NOW).await;
                let due = case.due(NOW).await;
                case.that(case.end(&due[0], Next::Delivered, NOW).await);
                case.that(case.end(&due[1], EXHAUSTED, NOW).await);
                case.is(purge(&case, NOW + 1, NOW).await, 1);
                case.is(case.emit(&event("1"), NOW + 1).await, None);
                case.is(purge(&case, NOW + 1, NOW + 1).await, 1);
                case.is(case.emit(&event("1"), NOW + 1).await, Some(2));
                left(&case, &id, &["1"]).await;
            },
        )
        .await;
    suite
        .fact(
            "an attempt may end after its delivery was purged",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let taken = case.one(NOW).await;
                case.disable(&id, NOW).await;
                case.is(purge(&case, NOW + 1, NOW + 1).await, 1);
                case.that(!case.end(&taken, Next::Delivered, NOW + 2).await);
                case.is(case.attempts(taken.held.delivery).await, vec![]);
                case.is(case.deliveries(&id).await, vec![]);
            },
        )
        .await;
}

async fn delete<S: OutboundStore>(case: &Case<S>, id: &super::EndpointId) -> bool {
    case.store.delete_endpoint(id).await.expect(case.fact)
}

async fn purge<S: OutboundStore>(case: &Case<S>, delivered_before: i64, dead_before: i64) -> u64 {
    let purge = Purge {
        delivered_before,
        dead_before,
    };
    case.store.purge(&purge).await.expect(case.fact)
}

/// These events have deliveries left, the newest first.
async fn left<S: OutboundStore>(case: &Case<S>, id: &super::EndpointId, expected: &[&str]) {
    let rows = case.deliveries(id).await;
    let left: Vec<_> = rows.iter().map(|row| row.event.as_str()).collect();
    case.is(&left[..], expected);
}
