use super::{
    Case, EXHAUSTED, LEASE, NOW, Suite, dead, event, leased, numbers, pending, retry, said,
};
use crate::outbound::endpoint::EndpointId;
use crate::outbound::store::{
    ClaimedDelivery, DeliveryState, ENDPOINT_DISABLED, Next, OutboundStore,
};

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    for next in [
        Next::Delivered,
        retry(NOW + 5 * LEASE),
        EXHAUSTED,
        Next::Released { due_at: NOW },
    ] {
        suite
            .fact(
                "an attempt that lost its delivery changes nothing",
                async |case| {
                    let (id, lost, holder) = overtaken(&case).await;
                    let before = case.delivery(&id).await;
                    case.is(before.state.clone(), leased(NOW + 2 * LEASE));
                    let settled = case.settle(&[said(&lost, next, NOW + LEASE + 1)]).await;
                    case.is((settled.held, settled.endpoints.len()), (vec![false], 0));
                    case.is(case.delivery(&id).await, before);
                    case.is(case.known(&id).await.health.failures, 0);
                    case.that(case.end(&holder, Next::Delivered, NOW + LEASE + 2).await);
                    case.is(case.delivery(&id).await.state, DeliveryState::Delivered);
                },
            )
            .await;
    }
    suite
        .fact("a late attempt replaces that it was lost", async |case| {
            let (_, lost, holder) = overtaken(&case).await;
            let late = said(&lost, EXHAUSTED, NOW + LEASE + 1);
            case.settle(std::slice::from_ref(&late)).await;
            case.end(&holder, Next::Delivered, NOW + LEASE + 2).await;
            let attempts = case.attempts(lost.held.delivery).await;
            case.is(numbers(&attempts), vec![1, 2]);
            let mut expected = late.attempt;
            expected.late = true;
            case.is(&attempts[0], &expected);
            case.that(!attempts[1].late);
        })
        .await;
    suite
        .fact("a late attempt is written down once", async |case| {
            let (_, lost, _) = overtaken(&case).await;
            let late = said(&lost, Next::Delivered, NOW + LEASE + 1);
            for _ in 0..2 {
                case.is(
                    case.settle(std::slice::from_ref(&late)).await.held,
                    vec![false],
                );
            }
            let attempts = case.attempts(lost.held.delivery).await;
            case.is((numbers(&attempts), attempts[0].late), (vec![1], true));
        })
        .await;
    suite
        .fact("what is given back too late is still lost", async |case| {
            let (_, lost, _) = overtaken(&case).await;
            let due_at = NOW;
            case.that(!case.end(&lost, Next::Released { due_at }, NOW).await);
            let attempts = case.attempts(lost.held.delivery).await;
            case.is((numbers(&attempts), attempts[0].late), (vec![1], false));
        })
        .await;
    suite
        .fact(
            "an attempt that comes after the end is late",
            async |case| {
                let (id, lost, holder) = overtaken(&case).await;
                case.that(case.end(&holder, EXHAUSTED, NOW + LEASE).await);
                let before = case.delivery(&id).await;
                case.that(!case.end(&lost, Next::Delivered, NOW + LEASE + 1).await);
                case.is(case.delivery(&id).await, before);
                case.that(case.attempts(lost.held.delivery).await[0].late);
            },
        )
        .await;
    for next in [Next::Delivered, retry(NOW + 60), EXHAUSTED] {
        suite
            .fact(
                "what is said twice is written and counted once",
                async |case| {
                    let id = case.endpoint("a").await;
                    case.emit(&event("1"), NOW).await;
                    let taken = case.one(NOW).await;
                    case.that(case.end(&taken, next, NOW + 1).await);
                    let before = case.delivery(&id).await;
                    let health = case.known(&id).await.health;
                    let attempts = case.attempts(taken.held.delivery).await;
                    let again = case.settle(&[said(&taken, next, NOW + 1)]).await;
                    case.is((again.held, again.endpoints.len()), (vec![true], 0));
                    case.is(case.delivery(&id).await, before);
                    case.is(case.known(&id).await.health, health);
                    case.is(case.attempts(taken.held.delivery).await, attempts);
                },
            )
            .await;
    }
    suite
        .fact(
            "what is said twice in one batch counts once",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let taken = case.one(NOW).await;
                let twice = [
                    said(&taken, retry(NOW + 60), NOW + 1),
                    said(&taken, retry(NOW + 60), NOW + 1),
                ];
                case.is(case.settle(&twice).await.held, vec![true; 2]);
                case.is(case.delivery(&id).await.failed, 1);
                case.is(case.known(&id).await.health.failures, 1);
                case.is(numbers(&case.attempts(taken.held.delivery).await), vec![1]);
            },
        )
        .await;
    for turned in [false, true] {
        suite
            .fact(
                "of two attempts of one delivery in one batch the holder counts",
                async |case| {
                    let (id, lost, holder) = overtaken(&case).await;
                    let mut both = [
                        said(&lost, EXHAUSTED, NOW + LEASE + 1),
                        said(&holder, retry(NOW + 9 * LEASE), NOW + LEASE + 2),
                    ];
                    let mut held = vec![false, true];
                    if turned {
                        both.reverse();
                        held.reverse();
                    }
                    case.is(case.settle(&both).await.held, held);
                    let row = case.delivery(&id).await;
                    case.is((row.state, row.failed), (pending(NOW + 9 * LEASE), 1));
                    case.is(case.known(&id).await.health.failures, 1);
                    let attempts = case.attempts(lost.held.delivery).await;
                    case.is(numbers(&attempts), vec![1, 2]);
                    case.that(attempts[0].late && !attempts[1].late);
                },
            )
            .await;
    }
    suite
        .fact(
            "what is said twice is held though the next attempt runs",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let first = case.attempt(NOW, retry(NOW + 60)).await;
                case.one(NOW + 60).await;
                let before = case.delivery(&id).await;
                case.that(case.end(&first, retry(NOW + 60), NOW).await);
                case.is(case.delivery(&id).await, before);
            },
        )
        .await;
    disabled(suite).await;
}

/// An endpoint that was disabled while an attempt ran.
async fn disabled<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "what arrived counts though its endpoint was disabled",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let taken = case.one(NOW).await;
                case.disable(&id, NOW + 1).await;
                case.that(case.end(&taken, Next::Delivered, NOW + 2).await);
                let row = case.delivery(&id).await;
                case.is(
                    (row.state, row.changed_at),
                    (DeliveryState::Delivered, NOW + 2),
                );
                case.that(!case.attempts(taken.held.delivery).await[0].late);
                case.that(case.end(&taken, Next::Delivered, NOW + 2).await);
            },
        )
        .await;
    for next in [
        retry(NOW + 60),
        EXHAUSTED,
        Next::Released { due_at: NOW + 60 },
    ] {
        suite
            .fact(
                "what failed does not count where its endpoint was disabled",
                async |case| {
                    let id = case.endpoint("a").await;
                    case.emit(&event("1"), NOW).await;
                    let taken = case.one(NOW).await;
                    case.disable(&id, NOW + 1).await;
                    let settled = case.settle(&[said(&taken, next, NOW + 2)]).await;
                    case.is((settled.held, settled.endpoints.len()), (vec![false], 0));
                    let row = case.delivery(&id).await;
                    case.is(row.state, dead(ENDPOINT_DISABLED));
                    case.is((row.failed, row.changed_at), (0, NOW + 1));
                    case.is(case.known(&id).await.health.failures, 0);
                    let attempts = case.attempts(taken.held.delivery).await;
                    case.that(attempts.iter().all(|attempt| attempt.late));
                },
            )
            .await;
    }
    suite
        .fact("what was dead before does not arrive", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            let first = case.attempt(NOW, retry(NOW + 10)).await;
            case.disable(&id, NOW + 1).await;
            case.end(&first, Next::Delivered, NOW + 2).await;
            case.is(case.delivery(&id).await.state, dead(ENDPOINT_DISABLED));
        })
        .await;
}

/// An endpoint, an attempt whose lease ended, and the one that holds its delivery since.
async fn overtaken<S: OutboundStore>(
    case: &Case<S>,
) -> (EndpointId, ClaimedDelivery, ClaimedDelivery) {
    let id = case.endpoint("a").await;
    case.emit(&event("1"), NOW).await;
    let lost = case.one(NOW).await;
    let holder = case.one(NOW + LEASE).await;
    (id, lost, holder)
}
