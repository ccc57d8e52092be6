//! What the routes do.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tower_webhook::outbound::admin::{Admin, AdminBody};
use tower_webhook::outbound::endpoint::EndpointId;
use tower_webhook::outbound::{OutboundError, SealingKey, Tenant};
use tower_webhook::time::ManualClock;

use super::store::{Mood, Moody};
use super::world::{NOW, World, ask, builder};

#[tokio::test]
async fn an_endpoint_is_made_read_changed_and_forgotten() {
    let world = World::new().await;
    let body = json!({
        "url": "https://example.com/ok",
        "description": "orders",
        "events": ["order.*"],
        "headers": { "X-Token": "the-token-of-the-shop" },
        "max_per_second": 5,
    });
    let made = world.got(ask("POST", "/").json(&body)).await;
    assert_eq!((made.status, made.header("etag")), (201, "\"1\""));
    assert!(made.text("secret").starts_with("whsec_"));
    assert_eq!(made.body["headers"], json!(["x-token"]));
    assert_eq!(made.text("created_at"), "2027-01-15T08:00:00.000Z");
    let path = format!("/{}", made.text("id"));

    let read = world.got(ask("GET", &path)).await;
    let mut expected = made.body.clone();
    let expected = expected.as_object_mut().unwrap();
    expected.remove("secret");
    expected.remove("previous_secret_until");
    assert_eq!(read.body, Value::Object(expected.clone()));
    let head = world.got(ask("HEAD", &path)).await;
    assert_eq!(
        (head.status, head.header("etag"), head.bytes.len()),
        (200, "\"1\"", 0)
    );

    let patch = json!({ "max_per_second": null, "max_concurrent": 2, "enabled": false });
    let changed = world.got(ask("PATCH", &path).json(&patch)).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    assert_eq!(changed.body["max_per_second"], Value::Null);
    assert_eq!(changed.body["max_concurrent"], 2);
    assert_eq!(changed.body["headers"], json!(["x-token"]));
    assert_eq!(changed.text("disabled_reason"), "asked");
    let none = json!({ "headers": {} });
    let changed = world.got(ask("PATCH", &path).json(&none)).await;
    assert_eq!(changed.body["headers"], json!([]));

    assert_eq!(world.got(ask("DELETE", &path)).await.status, 204);
    assert_eq!(world.got(ask("DELETE", &path)).await.status, 404);
    assert_eq!(world.got(ask("GET", "/")).await.body["data"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_taken_is_named_and_not_repeated() {
    let world = World::new().await;
    let ok = "https://example.com/";
    for (body, field) in [
        (json!({}), "url"),
        (json!({ "url": 7_777_777 }), "url"),
        (json!({ "url": "7_777_777" }), "url"),
        (json!({ "url": "https://127.0.0.1/7777777" }), "url"),
        (json!({ "url": "https://user:7777777@example.com/" }), "url"),
        (json!({ "url": ok, "events": "7777777" }), "events"),
        (
            json!({ "url": ok, "events": ["order.created", 7_777_777] }),
            "events[1]",
        ),
        (json!({ "url": ok, "events": [] }), "events"),
        (json!({ "url": ok, "events": ["user.*"] }), "events"),
        (json!({ "url": ok, "events": ["*.created"] }), "events"),
        (
            json!({ "url": ok, "headers": { "x-a": 7_777_777 } }),
            "headers.x-a",
        ),
        (
            json!({ "url": ok, "headers": { "host": "7777777" } }),
            "headers",
        ),
        (
            json!({ "url": ok, "headers": { "x-a": "7777777\r\n" } }),
            "headers",
        ),
        (
            json!({ "url": ok, "headers": { "x-a": "1", "X-A": "7777777" } }),
            "headers",
        ),
        (
            json!({ "url": ok, "description": "7777777".repeat(40) }),
            "description",
        ),
        (json!({ "url": ok, "max_concurrent": 0 }), "max_concurrent"),
        (
            json!({ "url": ok, "max_concurrent": -7_777_777 }),
            "max_concurrent",
        ),
        (
            json!({ "url": ok, "max_per_second": "7777777" }),
            "max_per_second",
        ),
        (json!({ "url": ok, "secret": "7777777" }), "secret"),
        (json!([ok, "7777777"]), ""),
    ] {
        let got = world.got(ask("POST", "/").json(&body)).await;
        assert_eq!(
            (got.status, got.text("field").as_str()),
            (422, field),
            "{body}"
        );
        assert_eq!(got.header("content-type"), "application/problem+json");
        assert!(
            !got.text("detail").is_empty()
                && !String::from_utf8_lossy(&got.bytes).contains("7777777"),
            "{}",
            got.body
        );
    }
    let twice = r#"{"url":"https://example.com/","url":"https://example.org/"}"#;
    let got = world
        .got(ask("POST", "/").text("application/json; charset=utf-8", twice))
        .await;
    assert_eq!((got.status, got.text("field").as_str()), (422, "url"));
    for broken in [
        "",
        "{",
        "{\"url\":\"https://example.com/\"} {}",
        "nonsense",
        "\u{feff}{}",
    ] {
        let got = world
            .got(ask("POST", "/").text("application/json", broken))
            .await;
        assert_eq!(
            (got.status, got.text("type").as_str()),
            (400, "urn:tower-webhook:malformed"),
            "{broken}"
        );
    }
    let id = world.endpoint("/ok").await;
    for field in ["url", "description", "events", "headers", "enabled"] {
        let got = world
            .got(ask("PATCH", format!("/{id}")).json(&json!({ field: null })))
            .await;
        assert_eq!((got.status, got.text("field").as_str()), (422, field));
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=",
        "state=gone",
        "before=x",
        "after=1",
        "limit=1&limit=2",
    ] {
        let got = world
            .got(ask("GET", format!("/{id}/deliveries?{query}")))
            .await;
        let field = query.split('=').next().unwrap();
        assert_eq!(
            (got.status, got.text("field").as_str()),
            (400, field),
            "{query}"
        );
    }
    for since in ["yesterday", "2026-01-01", "2026-01-01T00:00:00+01:00"] {
        let got = world
            .got(ask("POST", format!("/{id}/replay")).json(&json!({ "since": since })))
            .await;
        assert_eq!((got.status, got.text("field").as_str()), (422, "since"));
    }
    let long = json!({ "grace_seconds": 604_801 });
    let got = world
        .got(ask("POST", format!("/{id}/rotate")).json(&long))
        .await;
    assert_eq!(
        (got.status, got.text("field").as_str()),
        (422, "grace_seconds")
    );
    let form = ask("POST", format!("/{id}/test")).text("application/x-www-form-urlencoded", "");
    assert_eq!(world.got(form).await.status, 415);
    let packed = ask("POST", "/")
        .json(&json!({}))
        .header("content-encoding", "gzip");
    assert_eq!(world.got(packed).await.status, 415);
}

#[tokio::test]
async fn a_tenant_sees_its_own_endpoints_only() {
    let world = World::new().await;
    let theirs = world.endpoint("/fails").await;
    let event = world.emit().await;
    let other = |method, path: String| ask(method, path).header("x-tenant", "shop-8");
    let body = json!({ "since": "2026-01-01T00:00:00Z" });
    for (method, rest, body) in [
        ("GET", String::new(), None),
        ("PATCH", String::new(), Some(json!({ "enabled": false }))),
        ("DELETE", String::new(), None),
        ("GET", "/deliveries".into(), None),
        ("GET", "/dead-letters".into(), None),
        (
            "POST",
            format!("/deliveries/{event}/retry"),
            Some(json!({})),
        ),
        ("POST", "/replay".into(), Some(body)),
        ("POST", "/rotate".into(), Some(json!({}))),
        ("POST", "/test".into(), Some(json!({}))),
    ] {
        let with = |id: &str| {
            let ask = other(method, format!("/{id}{rest}")).header("if-match", "\"1\"");
            match &body {
                Some(body) => ask.json(body),
                None => ask,
            }
        };
        let (got, missing) = (
            world.got(with(&theirs)).await,
            world.got(with("ep_none")).await,
        );
        assert_eq!(
            (got.status, &got.bytes),
            (404, &missing.bytes),
            "{method} {rest}"
        );
        assert_eq!(got.headers, missing.headers);
    }
    assert_eq!(
        world.got(other("GET", "/".into())).await.body["data"],
        json!([])
    );
    let after = |id: &str| other("GET", format!("/?after={id}"));
    let (got, missing) = (
        world.got(after(&theirs)).await,
        world.got(after("ep_none")).await,
    );
    assert_eq!((got.status, &got.bytes), (400, &missing.bytes));
    assert_eq!(
        world.got(ask("GET", format!("/{theirs}"))).await.body["enabled"],
        true
    );
}

#[tokio::test]
async fn a_request_of_nobody_is_refused_unless_there_is_one_party_only() {
    let world = World::new().await;
    for tenant in [None, Some("")] {
        for path in [
            "/",
            "/openapi.json",
            "/event-types",
            "/ep_1",
            "/nowhere/at/all",
        ] {
            let mut nobodys = ask("GET", path);
            nobodys.headers.clear();
            if let Some(tenant) = tenant {
                nobodys = nobodys.header("x-tenant", tenant);
            }
            assert_eq!(world.got(nobodys).await.status, 403, "{path} {tenant:?}");
        }
    }
    let admin = world.sender.admin().single_tenant();
    let (status, ..) = direct(&admin, "GET", "/", None, "").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn only_the_version_that_was_seen_is_changed() {
    let world = World::new().await;
    let path = format!("/{}", world.endpoint("/ok").await);
    let patch = |seen: &str| {
        let body = json!({ "description": seen });
        ask("PATCH", &path).json(&body).header("if-match", seen)
    };
    for (seen, status) in [
        ("\"2\"", 412),
        ("W/\"1\"", 412),
        ("1", 412),
        ("", 412),
        ("\"9\", \"1\"", 200),
        ("\"1\"", 412),
        ("*", 200),
    ] {
        assert_eq!(world.got(patch(seen)).await.status, status, "{seen}");
    }
    // Between the look and the change.
    world.store.set(Mood::Contended);
    assert_eq!(world.got(patch("\"3\"")).await.status, 412);
    world.store.set(Mood::Well);
    let delete = |seen: &str| ask("DELETE", &path).header("if-match", seen);
    assert_eq!(world.got(delete("\"2\"")).await.status, 412);
    assert_eq!(world.got(delete("\"3\"")).await.status, 204);
}

#[tokio::test]
async fn pages_lead_from_the_first_to_the_last() {
    let world = World::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.endpoint("/fails").await);
    }
    for _ in 0..5 {
        world.emit().await;
    }
    for (start, size) in [
        ("/?limit=2".to_owned(), 2),
        (format!("/{}/deliveries?limit=2&state=dead", made[0]), 2),
    ] {
        let base = start.split('?').next().unwrap().to_owned();
        let (mut path, mut found, mut pages) = (start, Vec::new(), 0);
        loop {
            let page = world.got(ask("GET", &path)).await;
            let data = page.body["data"].as_array().unwrap().clone();
            assert!(data.len() <= size);
            found.extend(data);
            pages += 1;
            let link = page.header("link");
            assert_eq!(link.is_empty(), page.body["next"].is_null());
            let Some(query) = link
                .strip_prefix('<')
                .and_then(|link| link.strip_suffix(">; rel=\"next\""))
            else {
                break;
            };
            assert!(!base.ends_with("deliveries") || query.contains("state=dead"));
            path = format!("{base}{query}");
        }
        assert_eq!((found.len(), pages), (5, 3));
        found.dedup();
        assert_eq!(found.len(), 5);
    }
}

#[tokio::test]
async fn deliveries_tell_their_attempts_and_dead_letters_are_sent_again() {
    let world = World::new().await;
    let id = world.endpoint("/fails").await;
    let event = world.emit().await;
    let list = |rest: &str| ask("GET", format!("/{id}{rest}"));
    let got = world.got(list("/deliveries")).await;
    let delivery = &got.body["data"][0];
    let of = |field: &str| delivery[field].clone();
    // The receiver says 418: that message is not tried again.
    assert_eq!(
        (of("event_id"), of("state"), of("reason")),
        (json!(event), json!("dead"), json!("refused"))
    );
    assert_eq!(
        (of("attempt_count"), of("retry_count"), of("failed_count")),
        (json!(1), json!(0), json!(1))
    );
    assert_eq!(
        (of("last_status"), of("last_error")),
        (json!(418), Value::Null)
    );
    assert_eq!(of("attempts")[0]["number"], 1);
    assert_eq!(of("attempts")[0]["at"], "2027-01-15T08:00:00.000Z");
    assert_eq!(
        world.got(list("/dead-letters")).await.body["data"][0],
        *delivery
    );
    assert_eq!(
        world.got(list("/deliveries?state=delivered")).await.body["data"],
        json!([])
    );

    let retry = || ask("POST", format!("/{id}/deliveries/{event}/retry"));
    let again = world.got(retry()).await;
    assert_eq!((again.status, again.text("event_id")), (202, event.clone()));
    let pending = world.got(retry()).await;
    assert_eq!(
        (pending.status, pending.text("type").as_str()),
        (409, "urn:tower-webhook:pending")
    );
    let waiting = world.got(list("/deliveries")).await;
    assert_eq!(
        waiting.body["data"][0]["next_attempt_at"],
        "2027-01-15T08:00:00.000Z"
    );
    world.send().await;
    assert_eq!(
        world.got(list("/deliveries")).await.body["data"][0]["retry_count"],
        1
    );

    let replay =
        |since: &str| ask("POST", format!("/{id}/replay")).json(&json!({ "since": since }));
    assert_eq!(
        world.got(replay("2027-01-15T08:00:01Z")).await.body["deliveries"],
        0
    );
    assert_eq!(
        world.got(replay("2027-01-15T08:00:00Z")).await.body["deliveries"],
        1
    );
    let test = world.got(ask("POST", format!("/{id}/test"))).await;
    assert_eq!(test.status, 202);
    let newest = world.got(list("/deliveries?limit=1")).await;
    assert_eq!(newest.body["data"][0]["event_id"], test.body["event_id"]);
    assert_eq!(newest.body["data"][0]["event_type"], "webhook.test");
}

#[tokio::test]
async fn an_event_id_of_the_callers_is_found_by_its_encoded_path() {
    use tower_webhook::outbound::event::{Event, EventId};
    let world = World::new().await;
    let id = world.endpoint("/fails").await;
    let event = Event::new("order.created", "{}").unwrap().tenant("shop-7");
    let event = event.id(EventId::new("order/7?v=1#a%2F").unwrap());
    world.sender.emit(event).await.unwrap();
    world.send().await;
    let path = format!("/{id}/deliveries/order%2F7%3Fv=1%23a%252F/retry");
    assert_eq!(world.got(ask("POST", path)).await.status, 202);
    for unknown in ["order/7", "%FF", "%00", "a.b", ""] {
        let path = format!("/{id}/deliveries/{unknown}/retry");
        assert_eq!(world.got(ask("POST", path)).await.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn a_store_that_is_down_is_told_to_the_host_and_not_to_the_client() {
    let world = World::new().await;
    world.store.set(Mood::Down);
    let admin = world.sender.admin().single_tenant();
    let request = Request::builder()
        .uri("/")
        .body(Full::new(Bytes::new()))
        .unwrap();
    let response = admin.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let err = response.extensions().get::<Arc<OutboundError>>().unwrap();
    assert!(
        std::error::Error::source(err)
            .unwrap()
            .to_string()
            .contains("hunter2")
    );
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&body).contains("hunter2"));
}

#[tokio::test]
async fn a_path_that_is_not_stripped_is_named() {
    let clock = Arc::new(ManualClock::new(NOW));
    let sender = builder(Moody::default(), SealingKey::generate(), &clock)
        .build()
        .unwrap();
    let admin = sender.admin().at("/hooks/").single_tenant();
    let body = r#"{"url":"https://example.com/ok"}"#;
    let (status, location, made) = direct(&admin, "POST", "/hooks", None, body).await;
    assert_eq!(
        (status, location),
        (201, format!("/hooks/{}", made["id"].as_str().unwrap()))
    );
    assert_eq!(
        direct(&admin, "GET", &location_of(&made), None, "").await.0,
        200
    );
    for outside in ["/", "/hooksy", "/other/hooks", &location_of(&made)[6..]] {
        assert_eq!(
            direct(&admin, "GET", outside, None, "").await.0,
            404,
            "{outside}"
        );
    }
    let (_, _, document) = direct(&admin, "GET", "/hooks/openapi.json", None, "").await;
    assert_eq!(document["servers"], json!([{ "url": "/hooks" }]));
    let tenant = Some(Tenant::from("another"));
    assert_eq!(
        direct(&admin, "GET", &location_of(&made), tenant, "")
            .await
            .0,
        404
    );
    let id = EndpointId::from(made["id"].as_str().unwrap());
    assert_eq!(
        sender.endpoints().get(&id).await.unwrap().tenant,
        Tenant::default()
    );
}

#[tokio::test]
async fn a_body_of_unknown_length_is_bounded_too() {
    let world = World::new().await;
    let chunk = || Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(vec![b' '; 40 << 10])));
    let chunks = futures_util::stream::iter([chunk(), chunk()]);
    let request = Request::builder()
        .method("POST")
        .uri("/")
        .header("content-type", "application/json");
    let request = request
        .body(http_body_util::StreamBody::new(chunks))
        .unwrap();
    let response = world
        .sender
        .admin()
        .single_tenant()
        .oneshot(request)
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn hyper_serves_it_without_a_framework() {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto;
    use hyper_util::service::TowerToHyperService;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let world = World::new().await;
    let admin = world.sender.admin().at("/webhooks").single_tenant();
    let (mut client, stream) = tokio::io::duplex(1 << 16);
    let served = tokio::spawn(async move {
        let server = auto::Builder::new(TokioExecutor::new());
        let service = TowerToHyperService::new(admin);
        server
            .serve_connection(TokioIo::new(stream), service)
            .await
            .is_ok()
    });
    let body = r#"{"url":"https://example.com/ok"}"#;
    let requests = format!(
        "HEAD /webhooks HTTP/1.1\r\nhost: a\r\n\r\n\
         POST /webhooks HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len(),
    );
    client.write_all(requests.as_bytes()).await.unwrap();
    let mut answers = String::new();
    client.read_to_string(&mut answers).await.unwrap();
    let (head, post) = answers.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        post.starts_with("HTTP/1.1 201") && post.contains("whsec_"),
        "{post}"
    );
    assert!(served.await.unwrap());
}

fn location_of(made: &Value) -> String {
    format!("/hooks/{}", made["id"].as_str().unwrap())
}

async fn direct(
    admin: &Admin<Moody>,
    method: &str,
    path: &str,
    tenant: Option<Tenant>,
    body: &'static str,
) -> (u16, String, Value) {
    let mut request = Request::builder().method(method).uri(path);
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    if let Some(tenant) = tenant {
        request = request.extension(tenant);
    }
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let response: http::Response<AdminBody> = admin.clone().oneshot(request).await.unwrap();
    let location = response.headers().get("location");
    let location = location
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (
        status,
        location,
        serde_json::from_slice(&body).unwrap_or_default(),
    )
}
