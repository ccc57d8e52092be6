//! The SDKs sign, a running receiver judges.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tower_webhook::time::{Clock, SystemClock};

use crate::providers::PROVIDERS;
use crate::receiver::{public_url, receiver};
use crate::tools::{self, NODE, PYTHON};

/// Each SDK that signs, a scheme of it, and in how many cases.
const SIGNERS: &[(&str, &str, usize)] = &[
    ("@notionhq/client (npm)", "notion.sha256", 12),
    ("@octokit/webhooks-methods (npm)", "github.sha256", 12),
    ("@workos-inc/node (npm)", "workos.v1", 9),
    ("adyen (PyPI)", "adyen.payments_fields", 11),
    ("adyen (PyPI)", "adyen.platform_raw", 12),
    ("hubspot-api-client (PyPI)", "hubspot.v1_legacy", 12),
    ("hubspot-api-client (PyPI)", "hubspot.v2_legacy", 12),
    ("hubspot-api-client (PyPI)", "hubspot.v3", 13),
    ("paddle-python-sdk (PyPI)", "paddle.h1", 13),
    ("pynacl (PyPI)", "discord.ed25519", 13),
    ("slack_sdk (PyPI)", "slack.v0", 13),
    ("standardwebhooks (PyPI)", "standard_webhooks.v1", 13),
    ("standardwebhooks (npm)", "standard_webhooks.v1", 13),
    ("stripe (PyPI)", "stripe.v1", 13),
    ("stripe (npm)", "stripe.v1", 13),
    ("svix (PyPI)", "svix.v1", 13),
    ("svix (npm)", "svix.v1", 13),
    ("twilio (PyPI)", "twilio.body_sha256", 12),
    ("twilio (PyPI)", "twilio.form", 8),
    ("twilio (PyPI)", "twilio.shared_key", 8),
    ("twilio (npm)", "twilio.body_sha256", 12),
    ("twilio (npm)", "twilio.form", 8),
];

/// What the scripts need to know of the schemes.
fn schemes() -> Value {
    let schemes = PROVIDERS.iter().map(|provider| {
        let entry = provider.entry();
        let facts = json!({
            "secret": provider.secret,
            "other": provider.other,
            "url": public_url(provider.scheme),
            "media": provider.media(),
            "signature": provider.signature,
            "prefix": provider.prefix,
            "payloads": provider.payloads(),
            "tolerance": provider.signs_time().then_some(entry.tolerance.unwrap_or(300)),
        });
        (provider.scheme.to_owned(), facts)
    });
    Value::Object(schemes.collect())
}

#[tokio::test]
async fn what_an_sdk_signs_is_accepted_and_what_is_changed_is_not() {
    if !tools::ready().await {
        return;
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = receiver(&clock);
    tokio::spawn(async move { axum::serve(listener, app).await });

    let input = json!({ "base": base, "schemes": schemes() });
    let (node, python) = tokio::join!(NODE.run("sign.mjs", &input), PYTHON.run("sign.py", &input));
    let mut counts = BTreeMap::new();
    let mut failures = Vec::new();
    for line in node.into_iter().chain(python) {
        let [sdk, scheme, case, status, sent, answered] = line.try_into().unwrap();
        let expected = match case.split(':').next().unwrap() {
            "signed" => "2",
            "stale" => "409",
            _ => "401",
        };
        // Adyen's id is all that it signs, which begins with the one of the payment.
        let is_other = !answered.starts_with(&sent) && !answered.is_empty();
        if !status.starts_with(expected) || (expected == "2" && is_other) {
            failures.push(format!("{sdk} {scheme} {case}: {status} {answered}"));
        }
        *counts.entry((sdk, scheme)).or_insert(0) += 1;
    }
    let total: usize = counts.values().sum();
    for ((sdk, scheme), count) in &counts {
        println!("{sdk}\t{scheme}\t{count}");
    }
    println!("{total} requests");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let expected = SIGNERS.iter();
    let expected =
        expected.map(|(sdk, scheme, count)| (((*sdk).to_owned(), (*scheme).to_owned()), *count));
    assert_eq!(counts, expected.collect());
}
