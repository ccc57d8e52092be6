use bytes::Bytes;

use super::{EXHAUSTED, LEASE, NOW, Suite, dead, event, numbers, pending, retry, said};
use crate::outbound::store::{AttemptError, DeliveryState, Next, OutboundStore};

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact("what arrived is delivered, and due no more", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            case.attempt(NOW + 5, Next::Delivered).await;
            let row = case.delivery(&id).await;
            case.is(row.state, DeliveryState::Delivered);
            case.is((row.attempts, row.failed), (1, 0));
            case.is((row.created_at, row.changed_at), (NOW, NOW + 5));
            case.is(case.claim(&super::ask(NOW + LEASE)).await.next_due, None);
        })
        .await;
    suite
        .fact("what failed is due again when it is said", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            case.attempt(NOW + 5, retry(NOW + 77)).await;
            let row = case.delivery(&id).await;
            case.is(row.state, pending(NOW + 77));
            case.is((row.attempts, row.failed), (1, 1));
            case.is(row.changed_at, NOW + 5);
            case.is(case.due(NOW + 76).await.len(), 0);
            case.is(case.one(NOW + 77).await.failed, 1);
        })
        .await;
    suite
        .fact("what failed for good is a dead letter", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            case.attempt(NOW + 5, EXHAUSTED).await;
            let row = case.delivery(&id).await;
            case.is(row.state, dead("exhausted"));
            case.is((row.attempts, row.failed), (1, 1));
            case.is(row.changed_at, NOW + 5);
            case.is(case.due(NOW + 2 * LEASE).await.len(), 0);
        })
        .await;
    suite
        .fact(
            "what is given back is due again, without an attempt",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let due_at = NOW + 77;
                let taken = case.attempt(NOW, Next::Released { due_at }).await;
                let row = case.delivery(&id).await;
                case.is((row.state, row.failed), (pending(due_at), 0));
                case.is(case.attempts(taken.held.delivery).await, vec![]);
                let again = case.one(due_at).await;
                case.is((again.held.attempt, again.failed), (2, 0));
                // Nobody held it in between, so nothing was lost.
                case.is(case.attempts(taken.held.delivery).await, vec![]);
            },
        )
        .await;
    suite
        .fact("an attempt is kept as it was", async |case| {
            case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            let taken = case.one(NOW).await;
            let mut settlement = said(&taken, retry(NOW + 60), NOW + 50);
            let attempt = &mut settlement.attempt;
            (attempt.at, attempt.took, attempt.status) = (NOW + 7, u32::MAX, Some(503));
            attempt.response = Bytes::from_static(b"no \xff\xfe\x00 room");
            attempt.error = Some(AttemptError::new("timeout", "it took \u{221e}"));
            let first = attempt.clone();
            case.settle(&[settlement]).await;
            let taken = case.one(NOW + 60).await;
            let settlement = said(&taken, Next::Delivered, NOW + 70);
            let second = settlement.attempt.clone();
            case.settle(&[settlement]).await;
            case.is(
                case.attempts(taken.held.delivery).await,
                vec![first, second],
            );
        })
        .await;
    suite
        .fact(
            "the store says what is late, not the sender",
            async |case| {
                case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let taken = case.one(NOW).await;
                let mut settlement = said(&taken, Next::Delivered, NOW);
                settlement.attempt.late = true;
                case.is(case.settle(&[settlement]).await.held, vec![true]);
                case.that(!case.attempts(taken.held.delivery).await[0].late);
            },
        )
        .await;
    suite
        .fact(
            "a batch settles each, and says so in its order",
            async |case| {
                let id = case.endpoint("a").await;
                for number in ["1", "2", "3", "4"] {
                    case.emit(&event(number), NOW).await;
                }
                let due = case.due(NOW).await;
                let late = case.due(NOW + LEASE).await;
                case.is(late.len(), 4);
                let due_at = NOW + 99;
                let settled = case
                    .settle(&[
                        said(&late[3], Next::Delivered, NOW),
                        said(&due[2], Next::Delivered, NOW),
                        said(&late[1], Next::Released { due_at }, NOW),
                        said(&late[0], EXHAUSTED, NOW),
                    ])
                    .await;
                case.is(settled.held, vec![true, false, true, true]);
                let states = case.deliveries(&id).await.into_iter().map(|row| row.state);
                let names: Vec<_> = states.map(|state| state.name()).collect();
                case.is(names, vec!["delivered", "pending", "pending", "dead"]);
            },
        )
        .await;
    suite
        .fact("of nothing nothing is settled", async |case| {
            let settled = case.settle(&[]).await;
            case.is((settled.held.len(), settled.endpoints.len()), (0, 0));
        })
        .await;
    suite
        .fact(
            "a lease that ended still holds until another claim",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let taken = case.one(NOW).await;
                let settled = case.end(&taken, Next::Delivered, NOW + 9 * LEASE).await;
                case.that(settled);
                case.is(case.delivery(&id).await.state, DeliveryState::Delivered);
                let attempts = case.attempts(taken.held.delivery).await;
                case.is(numbers(&attempts), vec![1]);
                case.is((attempts[0].status, attempts[0].late), (Some(204), false));
            },
        )
        .await;
    suite
        .fact(
            "attempts are told in their order, the last fifty",
            async |case| {
                case.endpoint("a").await;
                case.endpoint("b").await;
                case.emit(&event("1"), NOW).await;
                let mut ids = Vec::new();
                for number in 1..=53 {
                    let due = case.due(NOW + number).await;
                    let next = retry(NOW + number + 1);
                    let both = due.iter().map(|taken| said(taken, next, NOW + number));
                    let both: Vec<_> = both.collect();
                    case.is(case.settle(&both).await.held, vec![true; 2]);
                    ids = due.iter().map(|taken| taken.held.delivery).collect();
                }
                case.is(numbers(&case.attempts(ids[0]).await), (4..=53).collect());
                let both = case.store.attempts(&ids).await.expect(case.fact);
                case.is(both.len(), 100);
                for id in ids {
                    let own = both.iter().filter(|attempt| attempt.delivery == id);
                    let own: Vec<_> = own.map(|attempt| attempt.number).collect();
                    case.is(own, (4..=53).collect());
                }
                case.is(case.store.attempts(&[]).await.expect(case.fact), vec![]);
            },
        )
        .await;
}
