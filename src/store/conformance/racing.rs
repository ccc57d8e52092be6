use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    Case, Claim, Claimant, FIRST, Fingerprint, IdemKey, IdempotencyStore, LEASE, Suite, Testbed,
};

pub(super) async fn run<T: Testbed>(suite: &mut Suite<'_, T>) {
    suite
        .fact("of 64 that ask at once one is granted", async |mut case| {
            for round in 0..20 {
                turn(&mut case, round);
                case.is(stampede(&case).await, 1);
            }
        })
        .await;
    suite
        .fact(
            "of 64 that find a lapsed claim one takes over",
            async |mut case| {
                for round in 0..20 {
                    turn(&mut case, round);
                    case.fence().await;
                }
                case.pass(11).await;
                for round in 0..20 {
                    turn(&mut case, round);
                    case.is(stampede(&case).await, 1);
                }
            },
        )
        .await;
}

fn turn<T: Testbed>(case: &mut Case<'_, T>, round: u32) {
    case.key = IdemKey::compose("conformance", Some(case.fact), &round.to_string());
}

async fn stampede<T: Testbed>(case: &Case<'_, T>) -> usize {
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let (store, key) = (Arc::clone(case.store), case.key.clone());
        tasks.spawn(async move {
            let payload = Fingerprint::of(FIRST);
            let claim = store.claim(&key, Claimant::unique(), &payload, LEASE).await;
            matches!(claim, Ok(Claim::Acquired { .. }))
        });
    }
    tasks
        .join_all()
        .await
        .into_iter()
        .filter(|won| *won)
        .count()
}
