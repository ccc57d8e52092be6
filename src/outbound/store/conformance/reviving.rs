use super::{
    Case, EXHAUSTED, LEASE, NOW, Suite, dead, event, leased, named, numbers, pending, retry,
};
use crate::outbound::endpoint::{EndpointId, EndpointState};
use crate::outbound::store::{
    DeliveryState, ENDPOINT_DISABLED, Next, OutboundStore, Revival, Revive,
};

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    for next in [Next::Delivered, EXHAUSTED] {
        suite
            .fact("the delivery of an event is revived", async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                case.attempt(NOW, retry(NOW)).await;
                case.attempt(NOW, next).await;
                case.is(one(&case, &id, "1", NOW + 5).await, 1);
                let row = case.delivery(&id).await;
                case.is(row.state, pending(NOW + 5));
                case.is((row.failed, row.manual), (0, true));
                case.is((row.created_at, row.changed_at), (NOW, NOW + 5));
                // The numbers go on.
                case.is(row.attempts, 2);
                let taken = case.attempt(NOW + 5, Next::Delivered).await;
                case.is((taken.held.attempt, taken.failed), (3, 0));
                case.that(taken.manual);
                let attempts = case.attempts(taken.held.delivery).await;
                case.is(numbers(&attempts), vec![1, 2, 3]);
            })
            .await;
    }
    suite
        .fact("one event is revived, and no other", async |case| {
            let (id, other) = (case.endpoint("a").await, case.endpoint("b").await);
            over(&case).await;
            case.is(one(&case, &id, "2", NOW + 5).await, 1);
            waiting(&case, &id, &["2"]).await;
            waiting(&case, &other, &[]).await;
            case.is(one(&case, &id, "missing", NOW + 5).await, 0);
            case.is(one(&case, &"missing".into(), "2", NOW + 5).await, 0);
        })
        .await;
    suite
        .fact("dead letters since a time are revived", async |case| {
            let id = case.endpoint("a").await;
            over(&case).await;
            case.is(since(&case, &id, NOW + 2, false).await, 1);
            waiting(&case, &id, &["4"]).await;
            case.is(since(&case, &id, NOW, false).await, 1);
            waiting(&case, &id, &["4", "2"]).await;
        })
        .await;
    suite
        .fact("also what arrived since a time is revived", async |case| {
            let id = case.endpoint("a").await;
            over(&case).await;
            case.is(since(&case, &id, NOW + 2, true).await, 2);
            waiting(&case, &id, &["4", "3"]).await;
        })
        .await;
    suite
        .fact("what is pending is not revived", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            for until in [None, Some(NOW + LEASE)] {
                if until.is_some() {
                    case.one(NOW).await;
                }
                case.is(one(&case, &id, "1", NOW + 5).await, 0);
                case.is(since(&case, &id, NOW, true).await, 0);
                let row = case.delivery(&id).await;
                case.is(row.state, until.map_or(pending(NOW), leased));
                case.that(!row.manual);
            }
        })
        .await;
    suite
        .fact(
            "nothing is revived of an endpoint that is disabled",
            async |case| {
                let id = case.endpoint("a").await;
                over(&case).await;
                case.disable(&id, NOW).await;
                case.is(one(&case, &id, "2", NOW + 5).await, 0);
                case.is(since(&case, &id, NOW, true).await, 0);
                waiting(&case, &id, &[]).await;
            },
        )
        .await;
    suite
        .fact(
            "what an endpoint missed is revived when it is back",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                case.disable(&id, NOW).await;
                case.is(case.delivery(&id).await.state, dead(ENDPOINT_DISABLED));
                back(&case, &id).await;
                case.is(since(&case, &id, NOW, false).await, 1);
                case.is(case.one(NOW + 5).await.held.attempt, 1);
            },
        )
        .await;
    for next in [Next::Delivered, EXHAUSTED, retry(NOW + 9)] {
        suite
            .fact(
                "an attempt from before a revival settles nothing",
                async |case| {
                    let id = case.endpoint("a").await;
                    case.emit(&event("1"), NOW).await;
                    let old = case.one(NOW).await;
                    case.disable(&id, NOW).await;
                    back(&case, &id).await;
                    case.is(one(&case, &id, "1", NOW + 5).await, 1);
                    case.that(!case.end(&old, next, NOW + 6).await);
                    case.is(case.delivery(&id).await.state, pending(NOW + 5));
                    let new = case.one(NOW + 6).await;
                    case.is(new.held.attempt, 2);
                    case.that(!case.end(&old, next, NOW + 7).await);
                    case.is(case.delivery(&id).await.state, leased(NOW + 6 + LEASE));
                    case.that(case.end(&new, Next::Delivered, NOW + 8).await);
                    case.is(case.delivery(&id).await.state, DeliveryState::Delivered);
                    let attempts = case.attempts(old.held.delivery).await;
                    case.is(numbers(&attempts), vec![1, 2]);
                    case.is((attempts[0].late, attempts[1].late), (true, false));
                },
            )
            .await;
    }
}

/// Four events, a millisecond apart, to all: the odd ones arrived, the even ones are dead letters.
async fn over<S: OutboundStore>(case: &Case<S>) {
    for (at, name) in (NOW..).zip(["1", "2", "3", "4"]) {
        case.emit(&event(name), at).await;
        let next = if matches!(name, "1" | "3") {
            Next::Delivered
        } else {
            EXHAUSTED
        };
        for taken in case.due(at).await {
            case.that(case.end(&taken, next, at).await);
        }
    }
}

async fn back<S: OutboundStore>(case: &Case<S>, id: &EndpointId) {
    case.update(id, |it| it.state = EndpointState::Active, NOW + 1)
        .await;
}

async fn one<S: OutboundStore>(case: &Case<S>, id: &EndpointId, event: &str, at: i64) -> u64 {
    revive(case, id, Revival::Event(named(event)), at).await
}

async fn since<S: OutboundStore>(
    case: &Case<S>,
    id: &EndpointId,
    time: i64,
    delivered: bool,
) -> u64 {
    revive(case, id, Revival::Since { time, delivered }, NOW + 5).await
}

async fn revive<S: OutboundStore>(case: &Case<S>, id: &EndpointId, which: Revival, at: i64) -> u64 {
    let endpoint = id.clone();
    let revive = Revive { endpoint, which };
    case.store.revive(&revive, at).await.expect(case.fact)
}

/// These events are pending, the newest first.
async fn waiting<S: OutboundStore>(case: &Case<S>, id: &EndpointId, expected: &[&str]) {
    let rows = case.deliveries(id).await;
    let waiting = rows.iter().filter(|row| row.state.name() == "pending");
    let waiting: Vec<_> = waiting.map(|row| row.event.as_str()).collect();
    case.is(&waiting[..], expected);
}
