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
            "a duplicate hears the whole answer, every byte of it",
            async |case| {
                let fence = case.fence().await;
                case.complete(fence, &answer()).await;
                case.is_done(&answer()).await;
            },
        )
        .await;
    suite
        .fact("an answer without body or type stays one", async |case| {
            let fence = case.fence().await;
            case.complete(fence, &another()).await;
            case.is_done(&another()).await;
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
        .fact(
            "a tombstone keeps status and time of the answer",
            async |case| {
                let fence = case.fence().await;
                case.complete(fence, &answer()).await;
                case.pass(11).await;
                case.is_done(&answer().to_tombstone()).await;
            },
        )
        .await;
    suite
        .fact("a tombstone knows its payload", async |case| {
            let fence = case.fence().await;
            case.complete(fence, &answer()).await;
            case.pass(11).await;
            case.is(case.claim(OTHER).await, Claim::Mismatch);
        })
        .await;
    suite
        .fact(
            "a forgotten key is granted with a greater token, to any payload",
            async |case| {
                let first = case.fence().await;
                case.complete(first, &answer()).await;
                case.pass(31).await;
                let (fence, reclaimed) = case.grant(OTHER).await;
                case.that(fence > first && !reclaimed);
            },
        )
        .await;
    suite
        .fact("a forgotten completion cannot be repeated", async |case| {
            let first = case.fence().await;
            case.complete(first, &answer()).await;
            case.pass(31).await;
            case.fence().await;
            case.is(case.complete(first, &answer()).await, Held::Lost);
            case.is_in_progress().await;
        })
        .await;
}
