use super::{Case, Claim, Claimant, FIRST, IdemKey, LEASE, OTHER, Suite, Testbed};

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
            case.that(wait(&case).await <= LEASE);
            case.pass(5).await;
            let left = wait(&case).await;
            case.that(!left.is_zero() && left <= LEASE / 2);
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
            case.claim(OTHER).await;
            case.is(case.renew(fence).await, super::Held::Yes);
        })
        .await;
    suite
        .fact("keys that differ in case are two", async |case| {
            apart(case, "Nonce", "nonce").await;
        })
        .await;
    suite
        .fact(
            "keys that differ in a trailing space are two",
            async |case| {
                apart(case, "nonce ", "nonce").await;
            },
        )
        .await;
    suite
        .fact(
            "keys that differ in the form of a letter are two",
            async |case| {
                apart(case, "e\u{301}", "\u{e9}").await;
            },
        )
        .await;
    suite
        .fact("keys of control characters are taken", async |case| {
            apart(case, "\0", "\u{7f}").await;
        })
        .await;
    suite
        .fact(
            "a key of 255 characters of four bytes is taken",
            async |mut case| {
                let nonce = "\u{1f980}".repeat(255 - "conformance:fact:".len());
                case.key = IdemKey::compose("conformance", Some("fact"), &nonce);
                case.is(case.key.as_str().chars().count(), 255);
                case.fence().await;
                case.is_in_progress().await;
            },
        )
        .await;
    suite
        .fact(
            "long keys that share their beginning are two",
            async |case| {
                let long = "n".repeat(1000);
                apart(case, &format!("{long}a"), &format!("{long}b")).await;
            },
        )
        .await;
}

async fn wait<T: Testbed>(case: &Case<'_, T>) -> std::time::Duration {
    match case.claim(FIRST).await {
        Claim::InProgress { retry_after } => retry_after,
        other => panic!("{}: {other:?}", case.fact),
    }
}

/// Both nonces are granted, and both are then held.
async fn apart<T: Testbed>(mut case: Case<'_, T>, one: &str, two: &str) {
    let number = case.key.as_str().to_owned();
    for nonce in [one, two] {
        case.key = IdemKey::compose(&number, None, nonce);
        case.fence().await;
        case.is_in_progress().await;
    }
}
