use super::{Case, IdemKey, Suite, Testbed};

pub(super) async fn run<T: Testbed>(suite: &mut Suite<'_, T>) {
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
            "keys of 255 characters of four bytes are taken, and told apart by their last",
            async |mut case| {
                let nonce = "\u{1f980}".repeat(254 - "conformance:fact:".len());
                for last in ["\u{1f980}", "\u{1f981}"] {
                    let nonce = format!("{nonce}{last}");
                    case.key = IdemKey::compose("conformance", Some("fact"), &nonce);
                    case.is(case.key.as_str().chars().count(), 255);
                    case.fence().await;
                    case.is_in_progress().await;
                }
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
    suite
        .fact(
            "keys of patterns, quotes and braces are apart",
            async |case| {
                for (one, two) in [
                    ("a%", "ab"),
                    ("b*", "bc"),
                    ("c_", "cd"),
                    ("{d}", "d"),
                    ("e'", "e\""),
                ] {
                    apart(case.beside(one), one, two).await;
                }
            },
        )
        .await;
    suite
        .fact("an empty nonce is one", async |case| {
            apart(case, "", " ").await;
        })
        .await;
    suite
        .fact(
            "a nonce of two connections, or of two types, is three",
            async |mut case| {
                let name = case.key.as_str().to_owned();
                for (connection, event_type) in [("one", "a"), ("two", "a"), ("one", "b")] {
                    case.key = IdemKey::compose(connection, Some(event_type), &name);
                    case.fence().await;
                    case.is_in_progress().await;
                }
            },
        )
        .await;
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
