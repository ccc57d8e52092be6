use super::racing::at_once;
use super::{Case, NOW, ReceiptId, ReceiptQuery, State, Suite, new};
use crate::receipt::{Acknowledged, MAX_ATTEMPTS, NewReceipt, ReceiptStore};

/// More than a store may take into one statement.
const MANY: usize = 1_050;

pub(super) async fn run<S: ReceiptStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "of more attempts at one payload the oldest is forgotten",
            async |case| {
                let mut ids = Vec::new();
                for at in 0..3 * MAX_ATTEMPTS as i64 {
                    ids.push(case.received("{}", State::Duplicate, NOW + at).await);
                }
                ids.reverse();
                ids.truncate(MAX_ATTEMPTS);
                case.is(ids_of(&case).await, ids);
            },
        )
        .await;
    suite
        .fact(
            "of more attempts the open ones are kept, however old",
            async |case| {
                let received = case.receive("{}", NOW).await;
                let dispatched = case.received("{}", State::Dispatched, NOW).await;
                for at in 0..2 * MAX_ATTEMPTS as i64 {
                    case.received("{}", State::Duplicate, NOW + at).await;
                }
                let ids = ids_of(&case).await;
                case.that(ids.contains(&received) && ids.contains(&dispatched));
                case.is(ids.len(), MAX_ATTEMPTS);
            },
        )
        .await;
    suite
        .fact(
            "of more attempts what was acknowledged is forgotten last",
            async |case| {
                let handled = State::Acknowledged(Acknowledged::Handled);
                let first = case.received("{}", handled, NOW).await;
                for at in 0..2 * MAX_ATTEMPTS as i64 {
                    case.received("{}", State::Duplicate, NOW + at).await;
                }
                let ids = ids_of(&case).await;
                case.is((ids.len(), ids.last()), (MAX_ATTEMPTS, Some(&first)));
                for at in 100..100 + MAX_ATTEMPTS as i64 {
                    case.received("{}", handled, NOW + at).await;
                }
                let ids = ids_of(&case).await;
                case.that(ids.len() == MAX_ATTEMPTS && !ids.contains(&first));
            },
        )
        .await;
    suite
        .fact(
            "where all attempts are open one more is written all the same",
            async |case| {
                for _ in 0..MAX_ATTEMPTS {
                    case.receive("{}", NOW).await;
                }
                let last = case.receive("{}", NOW).await;
                case.is(case.all().await.len(), MAX_ATTEMPTS + 1);
                case.is(case.row(last).await.state, State::Received);
            },
        )
        .await;
    suite
        .fact(
            "other payloads and other connections are left alone",
            async |case| {
                let other = case.received("[]", State::Duplicate, NOW).await;
                let elsewhere = NewReceipt {
                    connection: "elsewhere".into(),
                    ..new("{}", NOW)
                };
                let elsewhere = case.write(elsewhere).await;
                case.go(elsewhere, State::Duplicate, NOW).await;
                for at in 0..2 * MAX_ATTEMPTS as i64 {
                    case.received("{}", State::Duplicate, NOW + at).await;
                }
                let ids = ids_of(&case).await;
                case.that(ids.contains(&other) && ids.contains(&elsewhere));
                case.is(ids.len(), MAX_ATTEMPTS + 2);
            },
        )
        .await;
    suite
        .fact(
            "after many attempts at once the next one restores the bound",
            async |case| {
                at_once(&case, 64, |case, _| async move {
                    case.received("{}", State::Duplicate, NOW).await;
                })
                .await;
                for _ in 0..MAX_ATTEMPTS {
                    case.received("{}", State::Duplicate, NOW + 1).await;
                }
                case.is(case.all().await.len(), MAX_ATTEMPTS);
            },
        )
        .await;
    suite
        .fact(
            "a page has 1,000 at most, and a sweep and a purge have no end",
            async |case| {
                let tasks = 15;
                at_once(&case, tasks, |case, task| async move {
                    for number in 0..MANY / tasks {
                        case.receive(&format!("{task} {number}"), NOW).await;
                    }
                })
                .await;
                let most = ReceiptQuery {
                    limit: u32::MAX,
                    ..ReceiptQuery::default()
                };
                case.is(case.ids(most).await.len(), 1000);
                case.is(case.sweep(NOW + 1, NOW + 1).await.len(), MANY);
                case.is(case.purge(NOW + 2).await, MANY as u64);
                case.is(case.all().await, vec![]);
            },
        )
        .await;
}

async fn ids_of<S: ReceiptStore>(case: &Case<S>) -> Vec<ReceiptId> {
    let query = ReceiptQuery {
        limit: 1000,
        ..ReceiptQuery::default()
    };
    case.ids(query).await
}
