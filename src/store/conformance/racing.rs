use std::sync::Arc;

use super::racer::{Racer, at_once, both};
use super::{Case, Claim, Claimant, FIRST, Fence, Held, IdemKey, Suite, Testbed};

const ROUNDS: u32 = 20;

pub(super) async fn run<T: Testbed>(suite: &mut Suite<'_, T>) {
    suite
        .fact("of 64 that ask at once one is granted", async |mut case| {
            for round in 0..ROUNDS {
                turn(&mut case, round);
                case.is(stampede(&case).await, 1);
            }
        })
        .await;
    suite
        .fact(
            "of 64 that find a lapsed claim one takes over",
            async |mut case| {
                lapse(&mut case).await;
                for round in 0..ROUNDS {
                    turn(&mut case, round);
                    case.is(stampede(&case).await, 1);
                }
            },
        )
        .await;
    suite
        .fact(
            "one claimant that asks 16 times at once has one grant",
            async |mut case| {
                for round in 0..ROUNDS {
                    turn(&mut case, round);
                    let who = Claimant::unique();
                    let claims = at_once(16, |_| racer(&case).ask(who, FIRST.to_vec())).await;
                    case.grant_of(claims[0].clone());
                    case.that(claims.iter().all(|claim| *claim == claims[0]));
                }
            },
        )
        .await;
    suite
        .fact(
            "of 16 payloads that come at once one is granted, the others refused",
            async |mut case| {
                for round in 0..ROUNDS {
                    turn(&mut case, round);
                    let claims =
                        at_once(16, |n| racer(&case).ask(Claimant::unique(), vec![n])).await;
                    case.is(granted(&claims), 1);
                    let refused = |claim: &&Claim| **claim == Claim::Mismatch;
                    case.is(claims.iter().filter(refused).count(), 15);
                }
            },
        )
        .await;
    suite
        .fact(
            "of 16 answers that come at once one is kept",
            async |mut case| {
                for round in 0..ROUNDS {
                    turn(&mut case, round);
                    let fence = case.fence().await;
                    let held = at_once(16, |n| racer(&case).tell(fence, vec![n])).await;
                    case.that(held.iter().all(|held| *held == Held::Yes));
                    let first = case.claim(FIRST).await;
                    case.that(matches!(first, Claim::Done { .. }));
                    case.is(case.claim(FIRST).await, first);
                }
            },
        )
        .await;
    suite
        .fact(
            "of a completion and a release at once one is held",
            async |mut case| {
                for round in 0..ROUNDS {
                    turn(&mut case, round);
                    let fence = case.fence().await;
                    let release = racer(&case).release(fence);
                    let (told, freed) =
                        both(round, racer(&case).tell(fence, vec![]), release).await;
                    case.that(told != freed);
                    let claim = case.claim(FIRST).await;
                    case.is(matches!(claim, Claim::Done { .. }), told == Held::Yes);
                }
            },
        )
        .await;
    suite
        .fact(
            "of a late completion and a takeover at once one succeeds",
            async |mut case| {
                let fences = lapse(&mut case).await;
                for (round, fence) in (0..).zip(fences) {
                    turn(&mut case, round);
                    let next = racer(&case).ask(Claimant::unique(), FIRST.to_vec());
                    let (told, next) = both(round, racer(&case).tell(fence, vec![]), next).await;
                    case.that(matches!(
                        (told, next),
                        (Held::Yes, Claim::Done { .. }) | (Held::Lost, Claim::Acquired { .. })
                    ));
                }
            },
        )
        .await;
    suite
        .fact(
            "of a late renewal and a takeover at once one succeeds",
            async |mut case| {
                let fences = lapse(&mut case).await;
                for (round, fence) in (0..).zip(fences) {
                    turn(&mut case, round);
                    let renew = racer(&case).renew(fence);
                    let next = racer(&case).ask(Claimant::unique(), FIRST.to_vec());
                    let (held, next) = both(round, renew, next).await;
                    case.that(matches!(
                        (held, next),
                        (Held::Yes, Claim::InProgress { .. })
                            | (Held::Lost, Claim::Acquired { .. })
                    ));
                }
            },
        )
        .await;
    suite
        .fact(
            "of 16 that claim and release at once each grant has a token of its own",
            async |case| {
                let fences = at_once(16, |_| racer(&case).claim_and_release(ROUNDS)).await;
                let mut fences = fences.concat();
                let all = fences.len();
                case.that(all > 0);
                fences.sort_unstable();
                fences.dedup();
                case.is(fences.len(), all);
            },
        )
        .await;
}

fn turn<T: Testbed>(case: &mut Case<'_, T>, round: u32) {
    case.key = IdemKey::compose("conformance", Some(case.fact), &round.to_string());
}

/// Lets a claim lapse in each round.
async fn lapse<T: Testbed>(case: &mut Case<'_, T>) -> Vec<Fence> {
    let mut fences = Vec::new();
    for round in 0..ROUNDS {
        turn(case, round);
        fences.push(case.fence().await);
    }
    case.pass(11).await;
    fences
}

async fn stampede<T: Testbed>(case: &Case<'_, T>) -> usize {
    let claims = at_once(64, |_| racer(case).ask(Claimant::unique(), FIRST.to_vec())).await;
    granted(&claims)
}

fn granted(claims: &[Claim]) -> usize {
    let granted = |claim: &&Claim| matches!(claim, Claim::Acquired { .. });
    claims.iter().filter(granted).count()
}

fn racer<T: Testbed>(case: &Case<'_, T>) -> Racer<T::Store> {
    Racer {
        store: Arc::clone(case.store),
        key: case.key.clone(),
        fact: case.fact,
    }
}
