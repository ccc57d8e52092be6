//! Connections: found by route, from a file, cached, replaced; unknown ones tell nothing.

use std::convert::Infallible;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower::util::BoxCloneService;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::connection::{
    CachedSource, Connection, ConnectionId, ConnectionMap, ConnectionSource, Connections,
    ConnectionsFile, SourceError,
};
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::testing;
use tower_webhook::time::ManualClock;
use tower_webhook::verify::VerifiedBody;

const KEY: &str = "0123456789abcdef";
const NOW: i64 = 1_763_724_670;

fn delivery(path: &str, key: &str) -> Request<Full<Bytes>> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(b"{}");
    let mac = const_hex::encode(mac.finalize().into_bytes());
    Request::post(path)
        .header("x-hub-signature-256", format!("sha256={mac}"))
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap()
}

fn github(name: &str, key: &str) -> Connection {
    let scheme = HmacScheme::github(Secret::new(key).unwrap());
    Connection::new(ConnectionId::new("github", name), scheme)
}

fn map(text: &str) -> ConnectionMap {
    ConnectionMap::from_file(&toml::from_str(text).unwrap()).unwrap()
}

type Receiver = BoxCloneService<Request<Full<Bytes>>, Response<Bytes>, Infallible>;

/// A receiver whose handler answers with the name of the connection.
fn receiver<S: ConnectionSource>(source: S, clock: &Arc<ManualClock>) -> Receiver {
    let inbound = Inbound::builder(Connections::new(source))
        .clock(Arc::clone(clock))
        .build()
        .unwrap();
    let handler = service_fn(|req: Request<ClaimedBody>| async move {
        let profile = req.extensions().get::<VerifiedBody>().unwrap().profile();
        let name = profile.connection().unwrap().to_string();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(name)))
    });
    let stack = inbound.layer(handler);
    BoxCloneService::new(service_fn(move |req| {
        let stack = stack.clone();
        async move {
            let (head, body) = stack.oneshot(req).await?.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Ok(Response::from_parts(head, body))
        }
    }))
}

async fn send(receiver: &Receiver, req: Request<Full<Bytes>>) -> Response<Bytes> {
    let Ok(response) = receiver.clone().oneshot(req).await;
    response
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(NOW))
}

#[tokio::test]
async fn a_connection_is_found_by_route_and_keeps_its_deliveries_apart() {
    const OTHER: &str = "another key, also long";
    let map = ConnectionMap::new([github("primary", KEY), github("other", OTHER)]);
    let receiver = receiver(map, &clock());
    for (name, key) in [("primary", KEY), ("other", OTHER)] {
        let path = format!("/webhooks/github/{name}");
        let response = send(&receiver, delivery(&path, key)).await;
        assert_eq!(response.body(), &format!("github/{name}"));
        assert!(!response.headers().contains_key("webhook-duplicate"));
        let again = send(&receiver, delivery(&path, key)).await;
        assert_eq!(again.headers()["webhook-duplicate"], "true");
    }
    // The key of one connection opens no other.
    let response = send(&receiver, delivery("/webhooks/github/other", KEY)).await;
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn a_connection_that_is_there_greets_its_provider_and_no_other_does() {
    let scheme = HmacScheme::dropbox(Secret::new(KEY).unwrap());
    let there = Connection::new(ConnectionId::new("dropbox", "a"), scheme);
    let off = there.clone().with_enabled(false);
    let ask = async |connection: Connection, path: &str| {
        let receiver = receiver(ConnectionMap::new([connection]), &clock());
        let uri = format!("/webhooks/dropbox/{path}?challenge=abc");
        let response = send(&receiver, Request::get(uri).body(Full::default()).unwrap()).await;
        (response.status().as_u16(), response.into_body())
    };
    assert_eq!(ask(there.clone(), "a").await, (200, "abc".into()));
    for (connection, path) in [(there, "nobody"), (off, "a")] {
        let (status, body) = ask(connection, path).await;
        assert_eq!(status, 405, "{path}");
        assert!(!body.windows(3).any(|said| said == b"abc"));
    }
}

#[tokio::test]
async fn an_unknown_connection_is_verified_all_the_same_and_gets_the_common_401() {
    let off = github("off", KEY).with_enabled(false);
    let receiver = receiver(ConnectionMap::new([github("on", KEY), off]), &clock());
    let wrong = send(
        &receiver,
        delivery("/webhooks/github/on", "a wrong key, also long"),
    )
    .await;
    assert_eq!(wrong.status(), 401);
    // What decoys were keyed with once.
    let decoy = "00000000000000000000000000000000";
    for (path, key) in [
        ("/webhooks/github/off", KEY),
        ("/webhooks/github/nobody", KEY),
        ("/webhooks/github/nobody", decoy),
        ("/webhooks/nothing/nobody", decoy),
        ("/", decoy),
    ] {
        let response = send(&receiver, delivery(path, key)).await;
        assert_eq!(response.status(), 401, "{path}");
        assert_eq!(response.headers(), wrong.headers());
        assert_eq!(response.body(), wrong.body());
    }
    // The decoy is of the type that was asked for: a head that Stripe does not send is condemned by it.
    let stripe = send(&receiver, delivery("/webhooks/stripe/nobody", KEY)).await;
    assert_eq!(
        (stripe.status(), stripe.body()),
        (wrong.status(), wrong.body())
    );
}

struct Counting {
    asked: AtomicUsize,
    map: ConnectionMap,
    is_down: std::sync::atomic::AtomicBool,
}

impl ConnectionSource for Counting {
    async fn find(&self, id: &ConnectionId) -> Result<Option<Connection>, SourceError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_down.load(Ordering::Relaxed) {
            return Err(SourceError::unavailable("as told"));
        }
        self.map.find(id).await
    }
}

fn counting() -> Arc<Counting> {
    Arc::new(Counting {
        asked: AtomicUsize::new(0),
        map: ConnectionMap::new([github("primary", KEY)]),
        is_down: false.into(),
    })
}

#[tokio::test]
async fn a_source_that_is_down_is_503_and_not_remembered() {
    let source = counting();
    source.is_down.store(true, Ordering::Relaxed);
    let receiver = receiver(CachedSource::new(Arc::clone(&source)), &clock());
    let response = send(&receiver, delivery("/webhooks/github/primary", KEY)).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "5");
    source.is_down.store(false, Ordering::Relaxed);
    let response = send(&receiver, delivery("/webhooks/github/primary", KEY)).await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn what_is_there_and_what_is_not_is_asked_for_once() {
    let source = counting();
    let cached = CachedSource::new(Arc::clone(&source));
    let nobody = ConnectionId::new("github", "nobody");
    for id in [&ConnectionId::new("github", "primary"), &nobody] {
        let before = source.asked.load(Ordering::Relaxed);
        let first = cached.find(id).await.unwrap().is_some();
        assert_eq!(cached.find(id).await.unwrap().is_some(), first);
        assert_eq!(source.asked.load(Ordering::Relaxed), before + 1);
    }
    source.map.replace([github("nobody", KEY)]);
    assert!(cached.find(&nobody).await.unwrap().is_none());
    cached.forget(&nobody);
    assert!(cached.find(&nobody).await.unwrap().is_some());
}

#[tokio::test]
async fn a_connection_of_a_file_has_its_own_window_status_and_headers() {
    let map = map(r#"
        [[connection]]
        type = "slack"
        name = "team"
        signing_secrets = [{ secret = "0123456789abcdef", id = "2026", not_after = 4000000000 }]
        replay_window_seconds = 600
        success_status = 202
        signature_header = "x-renamed"
        "#);
    let clock = clock();
    let receiver = receiver(map, &clock);
    let sign = |time: i64| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(format!("v0:{time}:{{}}").as_bytes());
        let mac = const_hex::encode(mac.finalize().into_bytes());
        Request::post("/webhooks/slack/team")
            .header("x-renamed", format!("v0={mac}"))
            .header("x-slack-request-timestamp", time)
            .body(Full::new(Bytes::from_static(b"{}")))
            .unwrap()
    };
    assert_eq!(
        send(&receiver, sign(NOW - 600)).await.status(),
        StatusCode::ACCEPTED
    );
    assert_eq!(
        send(&receiver, sign(NOW - 601)).await.status(),
        StatusCode::CONFLICT
    );
}

/// A certificate, as a text of TOML.
fn pem() -> String {
    let file = include_str!("../vectors/providers.json");
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let mut vectors = file["vectors"].as_array().unwrap().iter();
    let vector = vectors
        .find(|vector| vector["provider"] == "paypal")
        .unwrap();
    vector["secrets"][0].to_string()
}

#[test]
fn connections_whose_keys_are_looked_up_stand_in_a_file_too() {
    let text = format!(
        "[[connection]]\ntype = \"paypal\"\nname = \"a\"\nsigning_secrets = [{0}]\n\
         webhook_id = \"1\"\n[[connection]]\ntype = \"aws_sns\"\nname = \"a\"\n\
         topics = [\"arn:aws:sns:eu-west-1:1:a\"]\nsigning_secrets = [{0}]\n",
        pem()
    );
    let file: ConnectionsFile = toml::from_str(&text).unwrap();
    // The certificate of both is no secret.
    assert!(ConnectionMap::from_file(&file).is_ok());
}

#[test]
fn a_bad_connection_of_a_file_is_named_with_its_field() {
    let pem = pem();
    let github = r#"type = "github""#;
    let secret = r#"signing_secrets = ["an example secret"]"#;
    for (text, field) in [
        (
            format!("type = \"paypal\"\nname = \"a\"\nsigning_secrets = [{pem}]"),
            "webhook_id",
        ),
        (
            format!("type = \"aws_sns\"\nname = \"a\"\nsigning_secrets = [{pem}]"),
            "topics",
        ),
        // What a provider hands over would be lost.
        (
            "type = \"asana.handshake\"\nname = \"a\"".to_owned(),
            "on_secret",
        ),
        (format!("type = \"nobody\"\nname = \"a\"\n{secret}"), "type"),
        (format!("{github}\nname = \"a/b\"\n{secret}"), "name"),
        (format!("{github}\nname = \"\"\n{secret}"), "name"),
        (format!("{github}\nname = \"a\""), "signing_secrets"),
        (
            format!("{github}\nname = \"a\"\nsigning_secrets = [\"\"]"),
            "signing_secrets",
        ),
        (
            format!("{github}\nname = \"a\"\nsigning_secrets = [\"short\"]"),
            "signing_secrets",
        ),
        (
            format!("{github}\nname = \"a\"\nsigning_secrets_env = [\"NOT_SET_ANYWHERE\"]"),
            "signing_secrets_env",
        ),
        (
            format!("{github}\nname = \"a\"\n{secret}\nsuccess_status = 302"),
            "success_status",
        ),
        (
            format!("{github}\nname = \"a\"\n{secret}\nnonce_header = \"a b\""),
            "nonce_header",
        ),
        (
            format!("type = \"square\"\nname = \"a\"\n{secret}"),
            "public_url",
        ),
        (
            format!("type = \"square\"\nname = \"a\"\n{secret}\npublic_url = \"/here\""),
            "public_url",
        ),
    ] {
        let file: ConnectionsFile = toml::from_str(&format!("[[connection]]\n{text}")).unwrap();
        let err = ConnectionMap::from_file(&file).unwrap_err();
        assert_eq!(err.field(), field, "{text}");
        assert!(err.source().unwrap().to_string().contains(field));
        assert!(!format!("{err:?}{err}").contains("an example secret"));
    }
    let misspelt = format!("[[connection]]\n{github}\nname = \"a\"\nsigning_secret = \"x\"");
    assert!(toml::from_str::<ConnectionsFile>(&misspelt).is_err());
}

#[test]
fn two_connections_have_one_secret_only_where_that_is_said() {
    let with = |name: &str, secret: &str| {
        format!(
            "[[connection]]\ntype = \"github\"\nname = \"{name}\"\n\
             signing_secrets = [\"{secret}\"]\n"
        )
    };
    let one = |name: &str| with(name, "an example secret");
    let own = one("a") + &with("b", "another example secret");
    ConnectionMap::from_file(&toml::from_str(&own).unwrap()).unwrap();
    let refused: ConnectionsFile = toml::from_str(&(one("a") + &one("b"))).unwrap();
    let err = ConnectionMap::from_file(&refused).unwrap_err();
    assert_eq!(
        err.to_string(),
        format!("connection `{}` cannot be made", err.connection())
    );
    assert!(err.source().is_some());
    assert_eq!(
        (err.connection(), err.field()),
        ("github/b", "signing_secrets")
    );
    let said = "allow_shared_secrets = true\n".to_owned() + &one("a") + &one("b");
    assert!(ConnectionMap::from_file(&toml::from_str(&said).unwrap()).is_ok());
    let twice: ConnectionsFile = toml::from_str(&(one("a") + &one("a"))).unwrap();
    assert_eq!(
        ConnectionMap::from_file(&twice).unwrap_err().field(),
        "name"
    );
}

#[tokio::test]
async fn new_secrets_hold_from_the_next_request_on() {
    let map = ConnectionMap::new([github("primary", KEY)]);
    let receiver = receiver(map.clone(), &clock());
    let new = "the new key, also long";
    assert_eq!(
        send(&receiver, delivery("/a/github/primary", new))
            .await
            .status(),
        401
    );
    map.replace([github("primary", new)]);
    assert_eq!(
        send(&receiver, delivery("/a/github/primary", new))
            .await
            .status(),
        200
    );
    assert_eq!(
        send(&receiver, delivery("/a/github/primary", KEY))
            .await
            .status(),
        401
    );
}

#[test]
fn the_memory_must_outlast_the_longest_window_of_a_connection() {
    let connections = || Connections::new(ConnectionMap::new([]));
    let day = Duration::from_secs(86_400);
    assert!(Inbound::builder(connections()).build().is_ok());
    let refused = Inbound::builder(connections().with_max_window(day)).build();
    assert_eq!(refused.unwrap_err().field(), "idempotency_ttl");
}

#[test]
fn a_source_that_cannot_answer_says_so_and_keeps_the_cause() {
    let err = SourceError::unavailable("the file is gone");
    assert_eq!(err.to_string(), "the source of connections is unavailable");
    assert_eq!(err.source().unwrap().to_string(), "the file is gone");
}

#[tokio::test]
async fn no_connection_has_a_longer_window_than_all_may_have() {
    let hour = Duration::from_secs(3600);
    let slack = HmacScheme::slack(Secret::new(KEY).unwrap());
    let slack = Connection::new(ConnectionId::new("slack", "a"), slack);
    let map = ConnectionMap::new([slack.with_replay_window(2 * hour)]);
    let inbound = Inbound::builder(Connections::new(map).with_max_window(hour))
        .clock(clock())
        .build()
        .unwrap();
    for (age, status) in [(3600, 200), (3601, 409)] {
        let delivery = testing::slack(KEY).url("/webhooks/slack/a").at(NOW - age);
        let handler = service_fn(|_: Request<ClaimedBody>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let call = inbound.layer(handler).oneshot(delivery.request());
        let Ok(response) = call.await;
        assert_eq!(response.status(), status, "{age}");
    }
}
