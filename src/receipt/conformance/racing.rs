use super::{Case, NOW, State, Suite, Transition, step};
use crate::receipt::{Acknowledged, Reason, ReceiptStore};

const ROUNDS: usize = 10;

pub(super) async fn run<S: ReceiptStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "of many that make one step at once one does",
            async |case| {
                for round in 0..ROUNDS {
                    let id = case.receive(&round.to_string(), NOW).await;
                    let made = at_once(&case, 16, move |case, _| async move {
                        case.step(id, Transition::DISPATCH, None, NOW).await
                    })
                    .await;
                    case.is(made.into_iter().filter(|made| *made).count(), 1);
                }
            },
        )
        .await;
    suite
        .fact(
            "of many last steps at once one is made, and it is the one",
            async |case| {
                let lasts: Vec<_> = State::ALL
                    .into_iter()
                    .filter(|state| state.is_final())
                    .collect();
                for round in 0..ROUNDS {
                    let id = case.receive(&round.to_string(), NOW).await;
                    let tasks = lasts.len();
                    let made = at_once(&case, tasks, |case, task| {
                        let last = lasts[task];
                        async move {
                            let step = Transition::new(State::Received, last)?;
                            let is_made = case.step(id, step, None, NOW).await;
                            is_made.then_some(step.to())
                        }
                    })
                    .await;
                    let made: Vec<_> = made.into_iter().flatten().collect();
                    case.is(made, vec![case.row(id).await.state]);
                }
            },
        )
        .await;
    suite
        .fact(
            "of a sweep and a last step at once one is made",
            async |case| {
                let handled = State::Acknowledged(Acknowledged::Handled);
                for round in 0..ROUNDS {
                    let id = case
                        .received(&round.to_string(), State::Dispatched, NOW)
                        .await;
                    let made = at_once(&case, 2, move |case, task| async move {
                        if task == round % 2 {
                            let swept = case.sweep(NOW + 1, NOW + 1).await;
                            swept.iter().any(|(row, _)| row.id == id)
                        } else {
                            let last = step(State::Dispatched, handled);
                            case.step(id, last, None, NOW + 1).await
                        }
                    })
                    .await;
                    // A sweep may pass by what is being changed.
                    let abandoned = State::Rejected(Reason::Abandoned);
                    let state = case.row(id).await.state;
                    case.is(made[round % 2], state == abandoned);
                    case.is(made[1 - round % 2], state == handled);
                }
            },
        )
        .await;
    suite
        .fact(
            "of many sweeps at once one tells of a receipt",
            async |case| {
                for round in 0..ROUNDS {
                    case.receive(&round.to_string(), NOW).await;
                }
                let swept = at_once(&case, 8, |case, _| async move {
                    case.sweep(NOW + 1, NOW + 1).await
                })
                .await;
                let mut ids: Vec<_> = swept.iter().flatten().map(|(row, _)| row.id).collect();
                case.is(ids.len(), ROUNDS);
                ids.sort_unstable();
                ids.dedup();
                case.is(ids.len(), ROUNDS);
            },
        )
        .await;
    suite
        .fact(
            "many that are written at once are all there",
            async |case| {
                let tasks = 32;
                let mut ids = at_once(&case, tasks, |case, task| async move {
                    case.received(&task.to_string(), State::Dispatched, NOW)
                        .await
                })
                .await;
                let mut found: Vec<_> = case.all().await.into_iter().map(|row| row.id).collect();
                ids.sort_unstable();
                found.sort_unstable();
                case.is(found, ids);
            },
        )
        .await;
}

/// Runs each in a task of its own, and gives their results in order.
pub(super) async fn at_once<S, F>(
    case: &Case<S>,
    tasks: usize,
    task: impl Fn(Case<S>, usize) -> F,
) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let running: Vec<_> = (0..tasks)
        .map(|number| tokio::spawn(task(case.clone(), number)))
        .collect();
    let mut results = Vec::with_capacity(tasks);
    for task in running {
        results.push(task.await.expect("a task of the suite panicked"));
    }
    results
}
