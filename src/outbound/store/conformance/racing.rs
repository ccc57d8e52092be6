use super::{Case, LEASE, NOW, Suite, ask, event, numbers, said};
use crate::outbound::store::{ClaimRequest, Held, Next, OutboundStore};

const TASKS: usize = 16;

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "of many that claim at once no two get the same",
            async |case| {
                for id in ["a", "b", "c"] {
                    case.endpoint(id).await;
                }
                for number in 0..60 {
                    case.emit(&event(&number.to_string()), NOW).await;
                }
                let taken = at_once(&case, |case, _| async move {
                    let mut held = Vec::new();
                    loop {
                        let request = ClaimRequest {
                            concurrent: 4,
                            ..ClaimRequest::new(NOW, NOW + LEASE, 7)
                        };
                        let claimed = case.claim(&request).await.deliveries;
                        if claimed.is_empty() {
                            return held;
                        }
                        held.extend(claimed.into_iter().map(|taken| taken.held));
                    }
                })
                .await;
                let mut all: Vec<Held> = taken.into_iter().flatten().collect();
                // A claim may pass by what another one is claiming.
                all.extend(case.due(NOW).await.into_iter().map(|taken| taken.held));
                case.is(all.len(), 180);
                case.that(all.iter().all(|held| held.attempt == 1));
                all.sort_unstable_by_key(|held| held.delivery);
                all.dedup();
                case.is(all.len(), 180);
            },
        )
        .await;
    suite
        .fact(
            "of many that emit one event at once one does",
            async |case| {
                let id = case.endpoint("a").await;
                let made = at_once(
                    &case,
                    |case, _| async move { case.emit(&event("1"), NOW).await },
                );
                let made: Vec<_> = made.await.into_iter().flatten().collect();
                case.is(made, vec![1]);
                case.delivery(&id).await;
            },
        )
        .await;
    suite
        .fact(
            "of many that replace an endpoint at once one does",
            async |case| {
                let id = case.endpoint("a").await;
                let record = case.record(&id).await;
                let made = at_once(&case, |case, task| {
                    let mut record = record.clone();
                    record.endpoint.description = task.to_string();
                    async move {
                        let made = case.store.update_endpoint(&record, 1, NOW).await;
                        made.expect(case.fact)
                            .then_some(record.endpoint.description)
                    }
                });
                let made: Vec<_> = made.await.into_iter().flatten().collect();
                let now = case.known(&id).await;
                case.is((made, now.version), (vec![now.description], 2));
            },
        )
        .await;
    suite
        .fact("many that settle at once each count", async |case| {
            let id = case.endpoint("a").await;
            for number in 0..TASKS {
                case.emit(&event(&number.to_string()), NOW).await;
            }
            let due = case.due(NOW).await;
            let held = at_once(&case, |case, task| {
                let taken = due[task].clone();
                async move { case.end(&taken, super::EXHAUSTED, NOW + 1).await }
            });
            case.is(held.await, vec![true; TASKS]);
            let health = case.known(&id).await.health;
            case.is(
                (health.failures, health.failing_since),
                (TASKS as u32, Some(NOW + 1)),
            );
        })
        .await;
    suite
        .fact("an end that many say at once counts once", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            let taken = case.one(NOW).await;
            let held = at_once(&case, |case, _| {
                let settlement = said(&taken, super::EXHAUSTED, NOW + 1);
                async move { case.settle(&[settlement]).await.held[0] }
            });
            case.is(held.await, vec![true; TASKS]);
            case.is(case.known(&id).await.health.failures, 1);
            case.is(case.delivery(&id).await.failed, 1);
            case.is(numbers(&case.attempts(taken.held.delivery).await), vec![1]);
        })
        .await;
    suite
        .fact(
            "of an end and another claim at once one holds",
            async |case| {
                let id = case.endpoint("a").await;
                for round in 0..10 {
                    case.emit(&event(&round.to_string()), NOW).await;
                    let first = case.one(NOW).await;
                    let done = at_once(&case, |case, task| {
                        let first = first.clone();
                        async move {
                            match (task + round) % 2 {
                                0 => case.end(&first, Next::Delivered, NOW + LEASE).await,
                                _ => !case.claim(&ask(NOW + LEASE)).await.deliveries.is_empty(),
                            }
                        }
                    })
                    .await;
                    let mine = |kind| move |(task, _): &(usize, &bool)| (task + round) % 2 == kind;
                    let said: Vec<_> = done.iter().enumerate().filter(mine(0)).collect();
                    let claims = done.iter().enumerate().filter(mine(1));
                    let claims = claims.filter(|(_, claimed)| **claimed).count();
                    let held = said.iter().all(|(_, held)| **held);
                    case.that(held || said.iter().all(|(_, held)| !**held));
                    case.is(claims, usize::from(!held));
                    let rows = case.deliveries(&id).await;
                    case.is(
                        rows[0].state.name(),
                        if held { "delivered" } else { "pending" },
                    );
                }
            },
        )
        .await;
}

/// Runs each in a task of its own, and gives their results in order.
async fn at_once<S: OutboundStore, F>(
    case: &Case<S>,
    task: impl Fn(Case<S>, usize) -> F,
) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let running: Vec<_> = (0..TASKS)
        .map(|number| tokio::spawn(task(case.clone(), number)))
        .collect();
    let mut results = Vec::with_capacity(TASKS);
    for task in running {
        results.push(task.await.expect("a task of the suite panicked"));
    }
    results
}
