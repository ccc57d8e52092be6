use super::{FIRST, Held, OTHER, Suite, Testbed, answer};

pub(super) async fn run<T: Testbed>(suite: &mut Suite<'_, T>) {
    suite
        .fact("the holder may release", async |case| {
            let fence = case.fence().await;
            case.is(case.release(fence).await, Held::Yes);
        })
        .await;
    suite
        .fact("a repeated release is held", async |case| {
            let fence = case.fence().await;
            case.release(fence).await;
            case.is(case.release(fence).await, Held::Yes);
        })
        .await;
    suite
        .fact(
            "a released key is granted, and nobody vanished",
            async |case| {
                let fence = case.fence().await;
                case.release(fence).await;
                case.is(case.grant(FIRST).await.1, false);
            },
        )
        .await;
    suite
        .fact("the token grows over a release", async |case| {
            let first = case.fence().await;
            case.release(first).await;
            case.that(case.fence().await > first);
        })
        .await;
    suite
        .fact("a released key takes another payload", async |case| {
            let fence = case.fence().await;
            case.release(fence).await;
            case.is(case.grant(OTHER).await.1, false);
        })
        .await;
    suite
        .fact(
            "a release with another token is refused and leaves the claim",
            async |case| {
                let fence = case.fence().await;
                case.is(case.release(super::later(fence)).await, Held::Lost);
                case.is_in_progress().await;
            },
        )
        .await;
    suite
        .fact("a release of an unknown key is refused", async |case| {
            let fence = super::elsewhere(&case).await;
            case.is(case.release(fence).await, Held::Lost);
        })
        .await;
    suite
        .fact(
            "a release after completion is refused and forgets nothing",
            async |case| {
                let fence = case.fence().await;
                case.complete(fence, &answer()).await;
                case.is(case.release(fence).await, Held::Lost);
                case.is_done(&answer()).await;
            },
        )
        .await;
    suite
        .fact(
            "a release after a takeover is refused and leaves the successor",
            async |case| {
                let first = case.fence().await;
                case.pass(11).await;
                case.fence().await;
                case.is(case.release(first).await, Held::Lost);
                case.is_in_progress().await;
            },
        )
        .await;
    suite
        .fact(
            "a holder that released can do nothing to its successor",
            async |case| {
                let first = case.fence().await;
                case.release(first).await;
                case.fence().await;
                case.is(case.release(first).await, Held::Lost);
                case.is(case.renew(first).await, Held::Lost);
                case.is(case.complete(first, &answer()).await, Held::Lost);
                case.is_in_progress().await;
            },
        )
        .await;
    suite
        .fact(
            "a holder that released cannot undo what its successor completed",
            async |case| {
                let first = case.fence().await;
                case.release(first).await;
                let second = case.fence().await;
                case.complete(second, &answer()).await;
                case.is(case.release(first).await, Held::Lost);
                case.is(case.complete(first, &super::another()).await, Held::Lost);
                case.is_done(&answer()).await;
            },
        )
        .await;
    suite
        .fact("a renewed claim can be released", async |case| {
            let fence = case.fence().await;
            case.renew(fence).await;
            case.is(case.release(fence).await, Held::Yes);
            case.is(case.grant(FIRST).await.1, false);
        })
        .await;
    suite
        .fact("a release leaves other keys alone", async |case| {
            let (fence, beside) = (case.fence().await, case.beside("other"));
            beside.fence().await;
            case.release(fence).await;
            beside.is_in_progress().await;
        })
        .await;
}
