use super::{LEASE, NOW, Suite, event, leased, numbers, retry};
use crate::outbound::store::{AttemptError, Held, Next, OutboundStore};

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact("a lease hides a delivery until its end", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            case.one(NOW).await;
            let row = case.delivery(&id).await;
            case.is((row.state, row.attempts), (leased(NOW + LEASE), 1));
            case.is(case.due(NOW + LEASE - 1).await.len(), 0);
            let again = case.one(NOW + LEASE).await;
            case.is((again.held.attempt, again.failed), (2, 0));
            case.is(again.due_at, NOW + LEASE);
        })
        .await;
    suite
        .fact(
            "a lease that ended leaves an attempt that was lost",
            async |case| {
                case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let first = case.one(NOW).await;
                case.is(case.attempts(first.held.delivery).await, vec![]);
                case.one(NOW + LEASE).await;
                let attempts = case.attempts(first.held.delivery).await;
                case.is(numbers(&attempts), vec![1]);
                let error = attempts[0].error.as_ref().expect(case.fact);
                case.is(error.code.as_str(), AttemptError::LEASE_EXPIRED);
                case.is((attempts[0].status, attempts[0].late), (None, false));
            },
        )
        .await;
    suite
        .fact("what was lost does not count as failed", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            case.one(NOW).await;
            case.one(NOW + LEASE).await;
            case.is(case.delivery(&id).await.failed, 0);
            case.is(case.known(&id).await.health.failures, 0);
        })
        .await;
    suite
        .fact("what is renewed is hidden for longer", async |case| {
            case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            let taken = case.one(NOW).await;
            let until = NOW + 3 * LEASE;
            case.store
                .renew(&[taken.held], until)
                .await
                .expect(case.fact);
            case.is(case.due(until - 1).await.len(), 0);
            case.is(case.one(until).await.held.attempt, 2);
        })
        .await;
    suite
        .fact("several leases are renewed at once", async |case| {
            case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            case.emit(&event("2"), NOW).await;
            case.emit(&event("3"), NOW).await;
            let due = case.due(NOW).await;
            let held: Vec<_> = due[..2].iter().rev().map(|taken| taken.held).collect();
            case.store
                .renew(&held, NOW + 2 * LEASE)
                .await
                .expect(case.fact);
            case.store.renew(&[], NOW).await.expect(case.fact);
            case.is(
                case.one(NOW + LEASE).await.held.delivery,
                due[2].held.delivery,
            );
        })
        .await;
    suite
        .fact(
            "a lease that ended is renewed where nobody claimed since",
            async |case| {
                case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let taken = case.one(NOW).await;
                let until = NOW + 3 * LEASE;
                case.store
                    .renew(&[taken.held], until)
                    .await
                    .expect(case.fact);
                case.is(case.due(NOW + 2 * LEASE).await.len(), 0);
                case.that(case.end(&taken, Next::Delivered, NOW + 2 * LEASE).await);
            },
        )
        .await;
    suite
        .fact("only who holds a delivery renews its lease", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            let lost = case.one(NOW).await;
            let holder = case.one(NOW + LEASE).await;
            let held = lost.held.delivery;
            let strangers = [lost.held, Held::new(held, 3), Held::new(held, 0)];
            case.store
                .renew(&strangers, NOW + 9 * LEASE)
                .await
                .expect(case.fact);
            case.is(case.delivery(&id).await.state, leased(NOW + 2 * LEASE));
            case.that(case.end(&holder, retry(NOW + 3 * LEASE), NOW).await);
            // It waits, and nobody holds it.
            case.store
                .renew(&[holder.held], NOW + 9 * LEASE)
                .await
                .expect(case.fact);
            case.one(NOW + 3 * LEASE).await;
        })
        .await;
    suite
        .fact("what is over is not renewed", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            let taken = case.attempt(NOW, Next::Delivered).await;
            let before = case.delivery(&id).await;
            case.store
                .renew(&[taken.held], NOW + LEASE)
                .await
                .expect(case.fact);
            case.is(case.delivery(&id).await, before);
            case.emit(&event("2"), NOW).await;
            let taken = case.one(NOW).await;
            case.disable(&id, NOW).await;
            case.store
                .renew(&[taken.held], NOW + LEASE)
                .await
                .expect(case.fact);
            case.that(
                case.deliveries(&id)
                    .await
                    .iter()
                    .all(|row| row.state.name() != "pending"),
            );
        })
        .await;
}
