use super::{Claimant, FIRST, Held, OTHER, Suite, Testbed};

pub(super) async fn run<T: Testbed>(suite: &mut Suite<'_, T>) {
    suite
        .fact("the holder may renew", async |case| {
            let fence = case.fence().await;
            case.is(case.renew(fence).await, Held::Yes);
        })
        .await;
    suite
        .fact("a renewed lease counts from the renewal", async |case| {
            let fence = case.fence().await;
            case.pass(6).await;
            case.renew(fence).await;
            case.pass(6).await;
            case.is_in_progress().await;
        })
        .await;
    suite
        .fact("a renewal with another token is refused", async |case| {
            let fence = case.fence().await;
            case.is(case.renew(super::later(fence)).await, Held::Lost);
        })
        .await;
    suite
        .fact(
            "a renewal of an unknown key is refused and makes nothing",
            async |case| {
                let fence = super::elsewhere(&case).await;
                case.is(case.renew(fence).await, Held::Lost);
                case.is(case.grant(FIRST).await.1, false);
            },
        )
        .await;
    suite
        .fact("a renewal after release is refused", async |case| {
            let fence = case.fence().await;
            case.release(fence).await;
            case.is(case.renew(fence).await, Held::Lost);
        })
        .await;
    suite
        .fact(
            "a renewal after completion is refused and changes nothing",
            async |case| {
                let fence = case.fence().await;
                case.complete(fence, &super::answer()).await;
                case.is(case.renew(fence).await, Held::Lost);
                case.is_done(&super::answer()).await;
            },
        )
        .await;
    suite
        .fact(
            "a lapsed claim is taken over, and is known to be one",
            async |case| {
                case.fence().await;
                case.pass(11).await;
                case.is(case.grant(FIRST).await.1, true);
            },
        )
        .await;
    suite
        .fact("a takeover has a greater token", async |case| {
            let first = case.fence().await;
            case.pass(11).await;
            case.that(case.fence().await > first);
        })
        .await;
    suite
        .fact("a takeover may bring another payload", async |case| {
            case.fence().await;
            case.pass(11).await;
            case.is(case.grant(OTHER).await.1, true);
        })
        .await;
    suite
        .fact("a renewal after a takeover is refused", async |case| {
            let first = case.fence().await;
            case.pass(11).await;
            case.fence().await;
            case.is(case.renew(first).await, Held::Lost);
            case.is_in_progress().await;
        })
        .await;
    suite
        .fact(
            "the first claimant is not let in after a takeover",
            async |case| {
                let who = Claimant::unique();
                case.claim_as(who, FIRST).await;
                case.pass(11).await;
                case.fence().await;
                let claim = case.claim_as(who, FIRST).await;
                case.that(matches!(claim, super::Claim::InProgress { .. }));
            },
        )
        .await;
    suite
        .fact(
            "a lapsed claim that nobody took can be renewed",
            async |case| {
                let fence = case.fence().await;
                case.pass(11).await;
                case.is(case.renew(fence).await, Held::Yes);
                case.is_in_progress().await;
            },
        )
        .await;
    suite
        .fact("the wait counts from the renewal", async |case| {
            let fence = case.fence().await;
            case.pass(6).await;
            case.renew(fence).await;
            let left = case.wait().await;
            case.that(left > case.lease() / 2 && left <= case.lease());
        })
        .await;
    suite
        .fact("a renewal may ask for more", async |case| {
            let fence = case.fence().await;
            case.renew_for(fence, case.lease() * 3).await;
            case.pass(11).await;
            case.is_in_progress().await;
        })
        .await;
    suite
        .fact(
            "a claim that is renewed in time is never let go",
            async |case| {
                let fence = case.fence().await;
                for _ in 0..4 {
                    case.pass(6).await;
                    case.is(case.renew(fence).await, Held::Yes);
                }
                case.is_in_progress().await;
            },
        )
        .await;
    suite
        .fact("a renewal leaves other keys alone", async |case| {
            let (fence, beside) = (case.fence().await, case.beside("other"));
            beside.fence().await;
            case.pass(6).await;
            case.renew(fence).await;
            case.pass(6).await;
            case.is(beside.grant(FIRST).await.1, true);
        })
        .await;
    suite
        .fact(
            "after a takeover the payload of who took over counts",
            async |case| {
                case.fence().await;
                case.pass(11).await;
                case.grant(OTHER).await;
                case.is(case.claim(FIRST).await, super::Claim::Mismatch);
            },
        )
        .await;
    suite
        .fact("who took over has a whole lease", async |case| {
            case.fence().await;
            case.pass(11).await;
            case.fence().await;
            case.pass(6).await;
            case.is_in_progress().await;
        })
        .await;
    suite
        .fact(
            "a takeover of a takeover has the greatest token",
            async |case| {
                let first = case.fence().await;
                case.pass(11).await;
                let second = case.fence().await;
                case.pass(11).await;
                let third = case.fence().await;
                case.that(first < second && second < third);
                case.is(case.renew(second).await, Held::Lost);
            },
        )
        .await;
}
