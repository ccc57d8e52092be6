//! Secrets are shown once, and values of headers never.

use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{Ask, World, ask};

const TOKEN: &str = "Bearer-of-the-shop-0123456789";

/// The path of every route, for an endpoint and an event.
fn paths(id: &str, event: &str) -> Vec<String> {
    let of = |rest: &str| format!("/{id}{rest}");
    vec![
        "/".into(),
        "/event-types".into(),
        "/openapi.json".into(),
        of(""),
        of("/deliveries"),
        of("/dead-letters"),
        of("/replay"),
        of("/rotate"),
        of("/test"),
        of(&format!("/deliveries/{event}/retry")),
    ]
}

/// Asks, and looks for secrets in the answer; those that it may have are known from then on.
async fn asked(world: &World, ask: Ask, secrets: &mut Vec<String>) -> StatusCode {
    let path = ask.path.split('?').next().unwrap();
    let may_show = ask.method == "POST" && (path == "/" || path.ends_with("/rotate"));
    let got = world.got(ask).await;
    let told = format!("{:?} {}", got.headers, String::from_utf8_lossy(&got.bytes));
    for secret in &*secrets {
        let bare = secret.trim_start_matches("whsec_");
        assert!(!told.contains(bare), "{told}");
    }
    assert_eq!(got.header("cache-control"), "no-store");
    let new = got.text("secret");
    match new.is_empty() {
        true => assert!(!told.contains("whsec_"), "{told}"),
        false => {
            assert!(may_show && got.status < 300);
            secrets.push(new);
        }
    }
    StatusCode::from_u16(got.status).unwrap()
}

async fn world() -> (World, Vec<String>, Vec<String>) {
    let world = World::new().await;
    let mut secrets = vec![TOKEN.to_owned()];
    for path in ["/ok", "/fails"] {
        let url = format!("https://example.com{path}");
        let body = json!({ "url": url, "headers": { "authorization": TOKEN } });
        let status = asked(&world, ask("POST", "/").json(&body), &mut secrets).await;
        assert_eq!(status, StatusCode::CREATED);
    }
    let event = world.emit().await;
    let list = world.got(ask("GET", "/")).await;
    let of = |at: usize| list.body["data"][at]["id"].as_str().unwrap().to_owned();
    // The receivers repeated what they were sent, and that was recorded.
    let query = tower_webhook::outbound::store::DeliveryQuery::new(of(1).as_str().into());
    let audited = world.sender.deliveries(&query).await.unwrap();
    let response = String::from_utf8_lossy(&audited[0].attempts[0].response).into_owned();
    assert!(response.contains(TOKEN) && response.contains("v1,"));
    secrets.push(response.split("v1,").nth(1).unwrap()[..40].to_owned());
    let mut all = paths(&of(0), &event);
    all.extend(paths(&of(1), &event));
    (world, secrets, all)
}

#[tokio::test]
async fn no_answer_but_those_that_make_a_secret_holds_one() {
    let (world, mut secrets, paths) = world().await;
    for path in &paths {
        for method in ["GET", "HEAD", "POST", "PATCH", "PUT", "OPTIONS"] {
            for body in [
                Value::Null,
                json!({}),
                json!({ "url": "https://example.com/ok", "headers": { "x-a": TOKEN } }),
                json!({ "url": TOKEN, "headers": TOKEN }),
                json!({ "headers": { "x-b": [TOKEN] }, "grace_seconds": TOKEN, "since": TOKEN }),
                json!({ "description": { "authorization": TOKEN } }),
                json!({ "since": "2026-01-01T00:00:00Z", "delivered": true }),
            ] {
                let ask = ask(method, path).json(&body);
                asked(&world, ask, &mut secrets).await;
                world.send().await;
            }
        }
    }
    assert!(secrets.len() > 6, "there were {} secrets", secrets.len());
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(TOKEN.into()),
        Just("https://example.com/ok".into()),
        Just("order.*".into()),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z-]{1,8}", inner), 0..4)
                .prop_map(|all| all.into_iter().collect::<Value>()),
        ]
    })
}

fn body() -> impl Strategy<Value = Value> {
    let fields = [
        "url",
        "description",
        "events",
        "headers",
        "max_concurrent",
        "max_per_second",
        "enabled",
        "grace_seconds",
        "since",
        "delivered",
        "other",
    ];
    let field = (prop::sample::select(fields.to_vec()), value());
    prop::collection::vec(field, 0..5).prop_map(|all| {
        let all = all
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        all.collect::<Value>()
    })
}

#[test]
fn whatever_is_asked_is_answered_without_a_secret() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (world, secrets, paths) = runtime.block_on(world());
    let secrets = std::cell::RefCell::new(secrets);
    let method = prop::sample::select(vec!["GET", "POST", "PATCH"]);
    let query =
        "(|\\?[a-z]{1,6}=[a-z0-9]{0,4}|\\?limit=[0-9]{1,3}&state=dead|\\?after=[a-z_0-9]{1,9})";
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    };
    proptest!(config, |(method in method, path in prop::sample::select(paths), query in query, body in body())| {
        let ask = ask(method, format!("{path}{query}")).json(&body);
        let status = runtime.block_on(asked(&world, ask, &mut secrets.borrow_mut()));
        prop_assert!(status.as_u16() < 500, "{method} {path}{query} {body}: {status}");
    });
}
