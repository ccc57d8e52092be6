use super::{NOW, State, Suite, Transition, step};
use crate::receipt::{Acknowledged, Reason, ReceiptStore};

const ABANDONED: State = State::Rejected(Reason::Abandoned);

pub(super) async fn run<S: ReceiptStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "a sweep abandons what is open for too long, and tells each step",
            async |case| {
                let received = case.receive("1", NOW).await;
                let dispatched = case.received("2", State::Dispatched, NOW).await;
                let mut swept = case.sweep(NOW + 1, NOW + 300).await;
                swept.sort_by_key(|(row, _)| row.id);
                let mut expected = Vec::new();
                for (id, from) in [(received, State::Received), (dispatched, State::Dispatched)] {
                    let row = case.row(id).await;
                    case.is((row.state, row.changed_at), (ABANDONED, NOW + 300));
                    case.is(row.received_at, NOW);
                    expected.push((row, step(from, ABANDONED)));
                }
                expected.sort_by_key(|(row, _)| row.id);
                case.is(swept, expected);
            },
        )
        .await;
    suite
        .fact(
            "a sweep leaves what is younger, by its last step",
            async |case| {
                let young = case.receive("1", NOW).await;
                let moved = case.receive("2", NOW - 1000).await;
                case.go(moved, State::Dispatched, NOW).await;
                case.is(case.sweep(NOW, NOW).await, vec![]);
                case.is(case.row(young).await.state, State::Received);
                case.is(case.row(moved).await.state, State::Dispatched);
            },
        )
        .await;
    suite
        .fact("a sweep leaves what is final", async |case| {
            for state in State::ALL.into_iter().filter(|state| state.is_final()) {
                case.received(&state.to_string(), state, NOW).await;
            }
            let before = case.all().await;
            case.is(case.sweep(NOW + 1000, NOW + 1000).await, vec![]);
            case.is(case.all().await, before);
        })
        .await;
    suite
        .fact("a sweep finds what it swept no more", async |case| {
            case.receive("{}", NOW).await;
            case.is(case.sweep(NOW + 1, NOW + 1).await.len(), 1);
            case.is(case.sweep(NOW + 9, NOW + 9).await, vec![]);
        })
        .await;
    suite
        .fact("what was swept takes no step", async |case| {
            let id = case.received("{}", State::Dispatched, NOW).await;
            case.sweep(NOW + 1, NOW + 1).await;
            let handled = State::Acknowledged(Acknowledged::Handled);
            let late = step(State::Dispatched, handled);
            case.that(!case.step(id, late, None, NOW + 2).await);
            case.is(case.row(id).await.state, ABANDONED);
        })
        .await;
    suite
        .fact("a sweep keeps the key", async |case| {
            let id = case.receive("{}", NOW).await;
            case.that(
                case.step(id, Transition::DISPATCH, Some("a:b:1"), NOW)
                    .await,
            );
            let swept = case.sweep(NOW + 1, NOW + 1).await;
            case.is(swept[0].0.key.as_deref(), Some("a:b:1"));
        })
        .await;
    suite
        .fact(
            "a purge forgets every final state, and says how many",
            async |case| {
                let finals = State::ALL.into_iter().filter(|state| state.is_final());
                let mut count = 0;
                for state in finals {
                    case.received(&state.to_string(), state, NOW).await;
                    count += 1;
                }
                case.is(case.purge(NOW + 1).await, count);
                case.is(case.all().await, vec![]);
                case.is(case.purge(NOW + 1).await, 0);
            },
        )
        .await;
    suite
        .fact(
            "a purge leaves what is younger, by its last step",
            async |case| {
                let young = case.received("1", State::Duplicate, NOW).await;
                let moved = case.receive("2", NOW - 1000).await;
                case.go(moved, State::Duplicate, NOW).await;
                let old = case.received("3", State::Duplicate, NOW - 1).await;
                case.is(case.purge(NOW).await, 1);
                let left: Vec<_> = case.all().await.into_iter().map(|row| row.id).collect();
                case.that(left == [young, moved] && !left.contains(&old));
            },
        )
        .await;
    suite
        .fact("a purge leaves what is open, however old", async |case| {
            case.receive("1", NOW).await;
            case.received("2", State::Dispatched, NOW).await;
            case.is(case.purge(i64::MAX).await, 0);
            case.is(case.all().await.len(), 2);
        })
        .await;
    suite
        .fact("what was purged takes no step", async |case| {
            let id = case.received("{}", State::Duplicate, NOW).await;
            case.purge(NOW + 1).await;
            case.that(!case.step(id, Transition::DISPATCH, None, NOW).await);
            case.is(case.all().await, vec![]);
        })
        .await;
}
