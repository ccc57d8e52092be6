use std::time::Duration;

use super::{Claim, Held, OTHER, Retention, Suite, Testbed, another, answer};

pub(super) async fn run<T: Testbed>(suite: &mut Suite<'_, T>) {
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
    suite
        .fact(
            "an answer is kept from its completion on, not from its claim",
            async |case| {
                let fence = case.fence().await;
                case.pass(6).await;
                case.complete(fence, &answer()).await;
                case.pass(6).await;
                case.is_done(&answer()).await;
            },
        )
        .await;
    suite
        .fact(
            "an answer that came late is kept as long as any",
            async |case| {
                let fence = case.fence().await;
                case.pass(11).await;
                case.complete(fence, &answer()).await;
                case.pass(6).await;
                case.is_done(&answer()).await;
            },
        )
        .await;
    suite
        .fact("a repeated completion prolongs nothing", async |case| {
            let fence = case.fence().await;
            case.complete(fence, &answer()).await;
            case.pass(6).await;
            case.complete(fence, &answer()).await;
            case.pass(6).await;
            case.is_done(&answer().to_tombstone()).await;
        })
        .await;
    suite
        .fact("a duplicate prolongs nothing", async |case| {
            let fence = case.fence().await;
            case.complete(fence, &answer()).await;
            case.pass(8).await;
            case.is_done(&answer()).await;
            case.pass(8).await;
            case.is_done(&answer().to_tombstone()).await;
            case.pass(16).await;
            case.is(case.grant(OTHER).await.1, false);
        })
        .await;
    suite
        .fact(
            "a completion repeated over its tombstone is held and brings nothing back",
            async |case| {
                let fence = case.fence().await;
                case.complete(fence, &answer()).await;
                case.pass(11).await;
                case.is(case.complete(fence, &another()).await, Held::Yes);
                case.is_done(&answer().to_tombstone()).await;
            },
        )
        .await;
    suite
        .fact(
            "a tombstone can be neither released nor renewed",
            async |case| {
                let fence = case.fence().await;
                case.complete(fence, &answer()).await;
                case.pass(11).await;
                case.is(case.release(fence).await, Held::Lost);
                case.is(case.renew(fence).await, Held::Lost);
                case.is_done(&answer().to_tombstone()).await;
            },
        )
        .await;
    suite
        .fact("each completion has a retention of its own", async |case| {
            let (short, long) = (case.beside("short"), case.beside("long"));
            for (case, leases) in [(&short, 1), (&long, 3)] {
                let keep = Retention::new(case.lease() * leases, Duration::ZERO);
                let fence = case.fence().await;
                case.complete_for(fence, &answer(), keep).await;
            }
            case.pass(11).await;
            case.is(short.grant(OTHER).await.1, false);
            long.is_done(&answer()).await;
        })
        .await;
    suite
        .fact("a memory of 30 days is one, and of 365", async |case| {
            for days in [30, 365] {
                let case = case.beside(&days.to_string());
                let long = Duration::from_secs(days * 86_400);
                let fence = case.fence().await;
                let keep = Retention::new(long, long);
                case.complete_for(fence, &answer(), keep).await;
                case.is_done(&answer()).await;
            }
        })
        .await;
}
