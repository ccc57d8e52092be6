use super::{Claim, Claimant, FIRST, Held, OTHER, Suite, Testbed, another, answer};

pub(super) async fn run<T: Testbed>(suite: &mut Suite<'_, T>) {
    suite
        .fact("the holder may complete", async |case| {
            let fence = case.fence().await;
            case.is(case.complete(fence, &answer()).await, Held::Yes);
        })
        .await;
    suite
        .fact(
            "a repeated completion is held and keeps the first answer",
            async |case| {
                let fence = case.fence().await;
                case.complete(fence, &answer()).await;
                case.is(case.complete(fence, &another()).await, Held::Yes);
                case.is_done(&answer()).await;
            },
        )
        .await;
    suite
        .fact(
            "a completion with another token is refused and leaves the claim",
            async |case| {
                let fence = case.fence().await;
                let other = super::later(fence);
                case.is(case.complete(other, &answer()).await, Held::Lost);
                case.is_in_progress().await;
            },
        )
        .await;
    suite
        .fact(
            "a completion of an unknown key is refused and makes nothing",
            async |case| {
                let fence = super::elsewhere(&case).await;
                case.is(case.complete(fence, &answer()).await, Held::Lost);
                case.is(case.grant(FIRST).await.1, false);
            },
        )
        .await;
    suite
        .fact("a completion after release is refused", async |case| {
            let fence = case.fence().await;
            case.release(fence).await;
            case.is(case.complete(fence, &answer()).await, Held::Lost);
            case.fence().await;
        })
        .await;
    suite
        .fact("a completion after a takeover is refused", async |case| {
            let first = case.fence().await;
            case.pass(11).await;
            case.fence().await;
            case.is(case.complete(first, &answer()).await, Held::Lost);
            case.is_in_progress().await;
        })
        .await;
    suite
        .fact("who took over may complete", async |case| {
            case.fence().await;
            case.pass(11).await;
            let fence = case.fence().await;
            case.is(case.complete(fence, &answer()).await, Held::Yes);
            case.is_done(&answer()).await;
        })
        .await;
    suite
        .fact(
            "the first holder cannot complete what its successor completed",
            async |case| {
                let first = case.fence().await;
                case.pass(11).await;
                let fence = case.fence().await;
                case.complete(fence, &answer()).await;
                case.is(case.complete(first, &another()).await, Held::Lost);
                case.is_done(&answer()).await;
            },
        )
        .await;
    suite
        .fact("a late completion without a rival is held", async |case| {
            let fence = case.fence().await;
            case.pass(11).await;
            case.is(case.complete(fence, &answer()).await, Held::Yes);
            case.is_done(&answer()).await;
        })
        .await;
    suite
        .fact(
            "another payload under a completed key is refused",
            async |case| {
                let fence = case.fence().await;
                case.complete(fence, &answer()).await;
                case.is(case.claim(OTHER).await, Claim::Mismatch);
            },
        )
        .await;
    suite
        .fact("the claimant itself hears that it is done", async |case| {
            let who = Claimant::unique();
            let Claim::Acquired { fence, .. } = case.claim_as(who, FIRST).await else {
                panic!("{}", case.fact);
            };
            case.complete(fence, &answer()).await;
            let answer = answer();
            case.is(case.claim_as(who, FIRST).await, Claim::Done { answer });
        })
        .await;
    suite
        .fact("a completion leaves other keys alone", async |case| {
            let (fence, beside) = (case.fence().await, case.beside("other"));
            beside.fence().await;
            case.complete(fence, &answer()).await;
            beside.is_in_progress().await;
        })
        .await;
    suite
        .fact(
            "a refused payload leaves a completion alone",
            async |case| {
                let fence = case.fence().await;
                case.complete(fence, &answer()).await;
                case.claim(OTHER).await;
                case.is_done(&answer()).await;
            },
        )
        .await;
    suite
        .fact(
            "the payload of who took over is the one that was completed",
            async |case| {
                case.fence().await;
                case.pass(11).await;
                let (fence, _) = case.grant(OTHER).await;
                case.complete(fence, &answer()).await;
                case.is(case.claim(FIRST).await, Claim::Mismatch);
                let answer = answer();
                case.is(case.claim(OTHER).await, Claim::Done { answer });
            },
        )
        .await;
    suite
        .fact(
            "a claim that was asked for twice is completed by its one token",
            async |case| {
                let who = Claimant::unique();
                let (fence, _) = case.grant_of(case.claim_as(who, FIRST).await);
                case.claim_as(who, FIRST).await;
                case.is(case.complete(fence, &answer()).await, Held::Yes);
                case.is_done(&answer()).await;
            },
        )
        .await;
    suite
        .fact("a renewed claim is completed by its token", async |case| {
            let fence = case.fence().await;
            case.pass(6).await;
            case.renew(fence).await;
            case.is(case.complete(fence, &answer()).await, Held::Yes);
            case.is_done(&answer()).await;
        })
        .await;
}
