use std::time::Duration;

use super::{Claim, Claimant, FIRST, Held, OTHER, Suite, Testbed};

const DAY: Duration = Duration::from_secs(86_400);

pub(super) async fn run<T: Testbed>(suite: &mut Suite<'_, T>) {
    suite
        .fact(
            "a first claim is granted, and nobody vanished",
            async |case| {
                case.is(case.grant(FIRST).await.1, false);
            },
        )
        .await;
    suite
        .fact(
            "a second claimant hears that the first is at work",
            async |case| {
                case.fence().await;
                case.is_in_progress().await;
            },
        )
        .await;
    suite
        .fact("the wait is what is left of the lease", async |case| {
            case.fence().await;
            case.that(case.wait().await <= case.lease());
            case.pass(5).await;
            let left = case.wait().await;
            case.that(!left.is_zero() && left <= case.lease() / 2);
        })
        .await;
    suite
        .fact(
            "the same claimant is granted the same claim again",
            async |case| {
                let who = Claimant::unique();
                let first = case.claim_as(who, FIRST).await;
                case.is(case.claim_as(who, FIRST).await, first);
            },
        )
        .await;
    suite
        .fact("asking again does not let others in", async |case| {
            let who = Claimant::unique();
            case.claim_as(who, FIRST).await;
            case.claim_as(who, FIRST).await;
            case.is_in_progress().await;
        })
        .await;
    suite
        .fact(
            "the same claimant with another payload is refused",
            async |case| {
                let who = Claimant::unique();
                case.claim_as(who, FIRST).await;
                case.is(case.claim_as(who, OTHER).await, Claim::Mismatch);
            },
        )
        .await;
    suite
        .fact(
            "another payload under a claimed key is refused",
            async |case| {
                case.fence().await;
                case.is(case.claim(OTHER).await, Claim::Mismatch);
            },
        )
        .await;
    suite
        .fact("a refused payload leaves the claim alone", async |case| {
            let fence = case.fence().await;
            for _ in 0..2 {
                case.is(case.claim(OTHER).await, Claim::Mismatch);
            }
            case.is_in_progress().await;
            case.is(case.renew(fence).await, Held::Yes);
        })
        .await;
    suite
        .fact("a lease is as long as the claim asks for", async |case| {
            let long = case.lease() * 3;
            case.claim_for(Claimant::unique(), FIRST, long).await;
            case.pass(11).await;
            case.is_in_progress().await;
            case.pass(20).await;
            case.is(case.grant(FIRST).await.1, true);
        })
        .await;
    suite
        .fact("a lease of 30 days is one", async |case| {
            case.claim_for(Claimant::unique(), FIRST, 30 * DAY).await;
            let left = case.wait().await;
            case.that(left > 29 * DAY && left <= 30 * DAY);
        })
        .await;
    suite
        .fact("who asked in vain asks in vain again", async |case| {
            let (who, fence) = (Claimant::unique(), case.fence().await);
            for _ in 0..2 {
                let claim = case.claim_as(who, FIRST).await;
                case.that(matches!(claim, Claim::InProgress { .. }));
            }
            case.is(case.renew(fence).await, Held::Yes);
        })
        .await;
    suite
        .fact(
            "who asked in vain is granted once the key is free",
            async |case| {
                let (who, fence) = (Claimant::unique(), case.fence().await);
                case.claim_as(who, FIRST).await;
                case.claim_as(who, OTHER).await;
                case.release(fence).await;
                let (next, _) = case.grant_of(case.claim_as(who, FIRST).await);
                case.that(next > fence);
            },
        )
        .await;
    suite
        .fact(
            "who released is granted again, with a greater token",
            async |case| {
                let who = Claimant::unique();
                let (fence, _) = case.grant_of(case.claim_as(who, FIRST).await);
                case.release(fence).await;
                let (next, _) = case.grant_of(case.claim_as(who, FIRST).await);
                case.that(next > fence);
            },
        )
        .await;
    suite
        .fact(
            "who let its lease run out may ask again, and holds the key",
            async |case| {
                let who = Claimant::unique();
                case.claim_as(who, FIRST).await;
                case.pass(11).await;
                let (fence, _) = case.grant_of(case.claim_as(who, FIRST).await);
                case.is_in_progress().await;
                case.is(case.renew(fence).await, Held::Yes);
            },
        )
        .await;
}
