//! The running service and its description say the same.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::store::Mood;
use super::world::{METHODS, World, ask};

type Seen = (String, String, u16);

/// All that the document promises.
fn promised(document: &Value) -> BTreeSet<Seen> {
    let mut promised = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for status in operation["responses"]
                .as_object()
                .into_iter()
                .flat_map(|all| all.keys())
            {
                let status = status.parse().unwrap();
                promised.insert((method.clone(), path.clone(), status));
            }
        }
    }
    promised
}

/// Nothing may be answered that the schemas do not name.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") {
                object.insert("additionalProperties".to_owned(), false.into());
            }
            object.values_mut().for_each(closed);
        }
        Value::Array(all) => all.iter_mut().for_each(closed),
        _ => {}
    }
}

fn check(schema: &Value, components: &Value, body: &Value, what: &str) {
    let mut schema = schema.clone();
    schema["components"] = components.clone();
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(body)
        .map(|err| err.to_string())
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:?} in {body}");
}

/// Walks every route to each of its answers.
async fn walk(world: &World) {
    let ok = world.endpoint("/ok").await;
    let failing = world.endpoint("/fails").await;
    let event = world.emit().await;
    let of = |id: &str, rest: &str| format!("/{id}{rest}");
    let good = json!({ "url": "https://example.com/ok" });
    let get = |path: String| ask("GET", path);

    for path in ["/", "/event-types", "/openapi.json"] {
        assert_eq!(world.got(get(path.into())).await.status, 200);
    }
    for path in [
        of(&ok, ""),
        of(&failing, "/deliveries"),
        of(&failing, "/dead-letters"),
    ] {
        assert_eq!(world.got(get(path)).await.status, 200);
    }
    let page = world.got(get("/?limit=1".into())).await;
    assert!(page.body["next"].is_string());
    for path in [
        "/?limit=0".into(),
        of(&ok, "/deliveries?state=x"),
        of(&ok, "/dead-letters?a=b"),
    ] {
        assert_eq!(world.got(get(path)).await.status, 400);
    }

    // What takes a body, and one that it takes.
    let bodies = [
        ("POST", "/".to_owned(), good.clone(), 201),
        ("PATCH", of(&ok, ""), json!({ "description": "x" }), 200),
        (
            "POST",
            of(&failing, "/replay"),
            json!({ "since": "2026-01-01T00:00:00Z" }),
            202,
        ),
        ("POST", of(&ok, "/rotate"), json!({}), 200),
        ("POST", of(&ok, "/test"), json!({}), 202),
        (
            "POST",
            of(&ok, &format!("/deliveries/{event}/retry")),
            json!({}),
            202,
        ),
    ];
    for (method, path, body, done) in &bodies {
        let send = || ask(method, path.clone());
        assert_eq!(world.got(send().json(body)).await.status, *done, "{path}");
        world.send().await;
        assert_eq!(
            world.got(send().text("application/json", "{")).await.status,
            400
        );
        let unknown = world.got(send().json(&json!({ "colour": 1 }))).await;
        assert_eq!(
            (unknown.status, unknown.text("field")),
            (422, "colour".into()),
            "{path}"
        );
        assert_eq!(world.got(send().text("text/plain", "{}")).await.status, 415);
        let long = format!("{{\"url\":\"{}\"}}", "x".repeat(64 << 10));
        assert_eq!(
            world
                .got(send().text("application/json", long))
                .await
                .status,
            413
        );
    }

    // Nobody's, nowhere, not any more, at the same time, unreadable, down.
    let all: Vec<_> = promised(&world.document)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let disabled = world.endpoint("/disabled").await;
    let body = json!({ "enabled": false });
    assert_eq!(
        world
            .got(ask("PATCH", of(&disabled, "")).json(&body))
            .await
            .status,
        200
    );
    let unsealed = world.with_another_key().await;
    for (method, template) in &all {
        let method = METHODS
            .iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(method));
        let method: &'static str = match method.unwrap().as_str() {
            "GET" => "GET",
            "POST" => "POST",
            "PATCH" => "PATCH",
            _ => "DELETE",
        };
        let path = |id: &str| template.replace("{id}", id).replace("{event_id}", &event);
        let body = bodies.iter().find(|(other, at, ..)| {
            *other == method && at.rsplit('/').next() == path(&ok).rsplit('/').next()
        });
        let send = |id: &str| match body {
            Some((_, _, body, _)) => ask(method, path(id)).json(body),
            None => ask(method, path(id)),
        };
        let mut nobodys = send(&ok);
        nobodys.headers.retain(|(name, _)| *name != "x-tenant");
        assert_eq!(world.got(nobodys).await.status, 403);
        let is_promised = |status: u16| {
            let seen = (method.to_lowercase(), template.clone(), status);
            promised(&world.document).contains(&seen)
        };
        if is_promised(404) {
            assert_eq!(world.got(send("ep_none")).await.status, 404, "{template}");
        }
        if is_promised(412) {
            let stale = send(&ok).header("if-match", "\"77\"");
            assert_eq!(world.got(stale).await.status, 412, "{template}");
        }
        if is_promised(409) && method == "POST" && !template.ends_with("rotate") {
            assert_eq!(world.got(send(&disabled)).await.status, 409, "{template}");
        } else if is_promised(409) {
            world.store.set(Mood::Contended);
            assert_eq!(world.got(send(&ok)).await.status, 409, "{template}");
        }
        world.store.set(Mood::Well);
        if is_promised(500) {
            let body = json!({ "headers": { "x-a": "b" } });
            let send = match method {
                "PATCH" => ask(method, path(&ok)).json(&body),
                _ => send(&ok),
            };
            assert_eq!(
                world.got_from(&unsealed, send).await.status,
                500,
                "{template}"
            );
        }
        if is_promised(503) {
            world.store.set(Mood::Down);
            let got = world.got(send(&ok)).await;
            assert_eq!(
                (got.status, got.header("retry-after")),
                (503, "5"),
                "{template}"
            );
            world.store.set(Mood::Well);
        }
    }
    let deleted = ask("DELETE", of(&failing, ""));
    assert_eq!(world.got(deleted).await.status, 204);
}

#[tokio::test]
async fn every_answer_is_as_described_and_everything_described_is_answered() {
    let world = World::new().await;
    walk(&world).await;
    let mut components = world.document["components"].clone();
    closed(&mut components);
    let log = world.log.lock().unwrap();
    let mut seen = BTreeSet::new();
    for exchange in &*log {
        let Some((method, path)) = &exchange.operation else {
            continue;
        };
        let status = exchange.status.as_u16();
        let what = format!("{method} {path} {status}");
        let answer = &world.document["paths"][path][method]["responses"][status.to_string()];
        assert!(answer.is_object(), "{what} is not described");
        seen.insert((method.clone(), path.clone(), status));
        let media_type = exchange.headers.get("content-type");
        match media_type.map(|value| value.to_str().unwrap()) {
            None => assert!(
                answer["content"].is_null() && exchange.body.is_empty(),
                "{what}"
            ),
            Some(media_type) => {
                let schema = &answer["content"][media_type]["schema"];
                assert!(schema.is_object(), "{what} is {media_type}");
                let body = serde_json::from_slice(&exchange.body).unwrap();
                check(schema, &components, &body, &what);
            }
        }
        for name in answer["headers"]
            .as_object()
            .into_iter()
            .flat_map(|all| all.keys())
        {
            let is_there = exchange.headers.contains_key(name);
            assert!(is_there || name == "Link", "{what} lacks {name}");
        }
        assert_eq!(exchange.headers["cache-control"], "no-store");
    }
    let missing: Vec<_> = promised(&world.document)
        .difference(&seen)
        .cloned()
        .collect();
    assert!(
        missing.is_empty(),
        "described and never answered: {missing:?}"
    );
}

#[tokio::test]
async fn methods_that_are_not_described_are_refused_with_those_that_are() {
    let world = World::new().await;
    for (path, item) in world.document["paths"].as_object().unwrap() {
        let mut described: BTreeSet<_> = item
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "parameters")
            .map(|method| method.to_uppercase())
            .collect();
        if described.contains("GET") {
            described.insert("HEAD".to_owned());
        }
        let at = path.replace("{id}", "ep_1").replace("{event_id}", "msg_1");
        for method in METHODS
            .iter()
            .filter(|method| !described.contains(method.as_str()))
        {
            let got = world
                .got(ask(
                    Box::leak(method.to_string().into_boxed_str()),
                    at.clone(),
                ))
                .await;
            assert_eq!(got.status, 405, "{method} {path}");
            let allowed = got.header("allow").split(", ").map(str::to_owned);
            assert_eq!(allowed.collect::<BTreeSet<_>>(), described);
        }
    }
    for nowhere in [
        "/ep_1/",
        "/ep_1/deliveries/",
        "/ep_1/deliveries/msg_1",
        "/ep_1/x",
        "/a/b/c/d/e",
    ] {
        let got = world.got(ask("GET", nowhere)).await;
        assert_eq!(
            (got.status, got.header("content-type")),
            (404, "application/problem+json"),
            "{nowhere}"
        );
    }
}

#[tokio::test]
async fn the_document_is_openapi_whose_references_lead_somewhere() {
    let world = World::new().await;
    let document = &world.document;
    assert_eq!(document["openapi"], "3.1.1");
    assert!(document["webhooks"]["order.created"]["post"].is_object());
    super::super::catalogue::assert_references_lead_somewhere(document);
    let ids: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    assert_eq!(ids.len(), 13);
    let again = World::new().await;
    assert_eq!(again.document, world.document);
}

#[tokio::test]
async fn the_document_says_what_it_said() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/openapi.json");
    let mut document = World::new().await.document;
    assert_eq!(
        document["info"]["version"].take(),
        env!("CARGO_PKG_VERSION")
    );
    if std::env::var_os("BLESS").is_some() {
        let text = serde_json::to_string_pretty(&document).unwrap();
        std::fs::write(path, text + "\n").unwrap();
    }
    let text = std::fs::read_to_string(path).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    for (part, said) in document.as_object().unwrap() {
        assert_eq!(said, &written[part], "run with `BLESS=1`");
    }
    assert_eq!(document, written, "run with `BLESS=1`");
}
