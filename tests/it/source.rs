//! Who may send, by address; which events are taken.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::connection::{ConnectionMap, Connections};
use tower_webhook::event::EventPatterns;
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::outcome::Outcome;
use tower_webhook::scheme::{Authenticator, HmacScheme};
use tower_webhook::secret::Secret;
use tower_webhook::source::{AllowList, ClientAddress, SourceLayer};
use tower_webhook::stack::InboundBuilder;
use tower_webhook::store::MokaStore;

const KEY: &str = "0123456789abcdef";

fn list() -> AllowList {
    AllowList::parse(["192.0.2.0/24", "2001:db8::/32", "203.0.113.7"]).unwrap()
}

fn delivery() -> http::request::Builder {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(b"{}");
    let mac = const_hex::encode(mac.finalize().into_bytes());
    Request::post("/webhooks/github/a").header("x-hub-signature-256", format!("sha256={mac}"))
}

fn github() -> InboundBuilder<HmacScheme, MokaStore> {
    Inbound::builder(HmacScheme::github(Secret::new(KEY).unwrap()))
}

async fn send<V: Authenticator>(
    builder: InboundBuilder<V, MokaStore>,
    req: http::request::Builder,
) -> Response<()> {
    let handler = service_fn(|_: Request<ClaimedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let req = req.body(Full::new(Bytes::from_static(b"{}"))).unwrap();
    let Ok(response) = builder.build().unwrap().layer(handler).oneshot(req).await;
    response.map(drop)
}

#[tokio::test]
async fn who_is_not_on_the_list_is_403_and_no_address_is_too() {
    for (peer, status) in [
        (Some("192.0.2.200"), 200),
        (Some("::ffff:192.0.2.200"), 200),
        (Some("2001:db8::1"), 200),
        (Some("203.0.113.7"), 200),
        (Some("203.0.113.8"), 403),
        (Some("::ffff:203.0.113.8"), 403),
        (Some("2001:db9::1"), 403),
        (None, 403),
    ] {
        let mut req = delivery();
        if let Some(peer) = peer {
            let address = SocketAddr::new(peer.parse().unwrap(), 4711);
            req = req.extension(address);
        }
        let response = send(github().source(SourceLayer::new(list())), req).await;
        assert_eq!(response.status(), status, "{peer:?}");
    }
}

#[test]
fn behind_proxies_the_address_is_counted_from_the_right() {
    let find = |client: &ClientAddress, name: &str, lines: &[&str]| {
        let lines = lines.iter();
        let req = lines.fold(Request::post("/"), |req, line| req.header(name, *line));
        let peer: IpAddr = "198.51.100.1".parse().unwrap();
        let (head, ()) = req.extension(peer).body(()).unwrap().into_parts();
        client.find(&head).map(|address| address.to_string())
    };
    let x = "x-forwarded-for";
    for (hops, lines, expected) in [
        (0, &["203.0.113.7"][..], Some("198.51.100.1")),
        (1, &["203.0.113.7"], Some("203.0.113.7")),
        (1, &["192.0.2.1, 203.0.113.7"], Some("203.0.113.7")),
        (2, &["192.0.2.1, 203.0.113.7"], Some("192.0.2.1")),
        (2, &["192.0.2.1", "203.0.113.7"], Some("192.0.2.1")),
        (1, &["192.0.2.1", "203.0.113.7"], Some("203.0.113.7")),
        (3, &["192.0.2.1, 203.0.113.7"], None),
        (1, &["203.0.113.7:443"], Some("203.0.113.7")),
        (1, &["[2001:db8::1]:443"], Some("2001:db8::1")),
        (1, &["2001:db8::1"], Some("2001:db8::1")),
        (1, &["::ffff:192.0.2.1"], Some("192.0.2.1")),
        (1, &["192.0.2.1, "], None),
        (1, &["unknown"], None),
        (1, &["0300.0.2.1"], None),
        (1, &[], None),
    ] {
        let found = find(&ClientAddress::forwarded_for(hops), x, lines);
        assert_eq!(found.as_deref(), expected, "{hops} {lines:?}");
    }
    for (line, expected) in [
        ("for=192.0.2.1;proto=https", Some("192.0.2.1")),
        ("proto=https; For=\"192.0.2.1:80\"", Some("192.0.2.1")),
        ("for=\"[2001:db8::1]\"", Some("2001:db8::1")),
        ("for=192.0.2.9, for=192.0.2.1", Some("192.0.2.1")),
        ("for=192.0.2.1;for=192.0.2.2", None),
        ("for=_hidden", None),
        ("by=192.0.2.1", None),
        (";for=192.0.2.1 ; proto=https;", Some("192.0.2.1")),
        ("for=192.0.2.1 proto=https", None),
        ("for=192.0.2.1, for", None),
    ] {
        let found = find(&ClientAddress::forwarded(1), "forwarded", &[line]);
        assert_eq!(found.as_deref(), expected, "{line}");
    }
}

#[test]
fn what_a_proxy_quotes_is_no_address() {
    // A sender asks a proxy for a host of its choice, behind a header of its own, in the same line or before it.
    for (lines, expected) in [
        (&["for=192.0.2.1;host=\"x,y\""][..], Some("192.0.2.1")),
        (
            &["for=192.0.2.1;host=\"x;for=203.0.113.7\""],
            Some("192.0.2.1"),
        ),
        (
            &["for=192.0.2.1;host=\"x,for=203.0.113.7;y=\""],
            Some("192.0.2.1"),
        ),
        (
            &["host=\"\\\",for=203.0.113.7;y=\";for=192.0.2.1"],
            Some("192.0.2.1"),
        ),
        (&["for=203.0.113.7;host=\"x", "for=192.0.2.1"], None),
        (
            &["for=\"x, for=192.0.2.1;host=\",for=203.0.113.7;y=\""],
            None,
        ),
        (
            &["for=\"x, for=192.0.2.1;host=\",for=203.0.113.7;y=\\\"\""],
            None,
        ),
        (&["for=192.0.2.1;host=\"x\"y"], None),
        (&["for=192.0.2.1;host=x\"y\""], None),
        (&["for=192.0.2.1;host=x\""], None),
    ] {
        let lines = lines.iter();
        let req = lines.fold(Request::post("/"), |req, line| {
            req.header("forwarded", *line)
        });
        let (head, ()) = req.body(()).unwrap().into_parts();
        let found = ClientAddress::forwarded(1).find(&head);
        let expected = expected.map(|address| address.parse().unwrap());
        assert_eq!(found, expected, "{:?}", head.headers);
    }
}

#[test]
fn a_list_that_is_no_list_is_refused_by_name() {
    for networks in [
        &[][..],
        &["192.0.2.0/33"],
        &["example.com"],
        &["192.0.2.1", ""],
    ] {
        let refused = AllowList::parse(networks.iter().copied()).unwrap_err();
        assert_eq!(refused.field(), "allow_from");
    }
}

#[tokio::test]
async fn a_connection_has_a_list_and_events_of_its_own() {
    let text = format!(
        "[[connection]]\ntype = \"github\"\nname = \"a\"\nsigning_secrets = [\"{KEY}\"]\n\
         allow_from = [\"192.0.2.0/24\"]\nevents = [\"push\", \"check_run.*\"]"
    );
    let map = ConnectionMap::from_file(&toml::from_str(&text).unwrap()).unwrap();
    let builder = || Inbound::builder(Connections::new(map.clone()));
    let inside: IpAddr = "192.0.2.1".parse().unwrap();
    let outside: IpAddr = "198.51.100.1".parse().unwrap();
    assert_eq!(
        send(builder(), delivery().extension(outside))
            .await
            .status(),
        403
    );
    assert_eq!(send(builder(), delivery()).await.status(), 403);
    for (event, ignored) in [
        ("push", false),
        ("check_run.created", false),
        ("check_run", true),
        ("star", true),
    ] {
        let req = delivery().extension(inside).header("x-github-event", event);
        let response = send(builder(), req).await;
        let outcome = response.extensions().get() == Some(&Outcome::Ignored);
        assert_eq!(outcome, ignored, "{event}");
        assert_eq!(response.status(), if ignored { 204 } else { 200 });
    }
}

#[tokio::test]
async fn an_event_that_nobody_asked_for_is_answered_and_claims_nothing() {
    let store = Arc::new(MokaStore::new());
    let runs = Arc::new(AtomicUsize::new(0));
    let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
    let inbound = Inbound::builder_with_store(scheme, Arc::clone(&store))
        .events(EventPatterns::parse(["pull_request.opened"]).unwrap())
        .ignored_status(StatusCode::OK)
        .build()
        .unwrap();
    let count = Arc::clone(&runs);
    let handler = service_fn(move |_: Request<ClaimedBody>| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
    });
    let stack = inbound.layer(handler);
    // What comes after the dot stands in GitHub's payload.
    for (event, ran) in [("star", 0), ("pull_request_review", 0), ("pull_request", 1)] {
        let req = delivery().header("x-github-event", event);
        let req = req.body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        let Ok(response) = stack.clone().oneshot(req).await;
        assert_eq!(response.status(), 200);
        assert_eq!(
            (runs.load(Ordering::Relaxed), store.len()),
            (ran, ran),
            "{event}"
        );
    }
}

#[test]
fn a_pattern_with_a_star_in_the_middle_is_refused() {
    for pattern in ["", "a*", "*.a", "a.*.b", "**"] {
        assert_eq!(
            EventPatterns::parse([pattern]).unwrap_err().field(),
            "events"
        );
    }
    assert!(EventPatterns::parse(["*"]).unwrap().matches("anything"));
}

#[test]
fn a_pattern_means_what_lies_below_it_and_what_it_lies_below() {
    let matches = |pattern, event| EventPatterns::parse([pattern]).unwrap().matches(event);
    for (pattern, event, expected) in [
        ("a.*", "a.b", true),
        ("a.*", "a.", false),
        ("a.*", "a", false),
        ("a.*", "ab", false),
        ("pull_request.opened", "pull_request.opened", true),
        ("pull_request.opened", "pull_request", true),
        ("pull_request.opened", "pull", false),
        ("pull_request.opened", "push_request", false),
        ("pull_request.opened", "pull_request.closed", false),
    ] {
        assert_eq!(matches(pattern, event), expected, "{pattern} {event}");
    }
}

#[test]
fn a_peer_is_found_where_it_was_said_to_be() {
    let elsewhere: IpAddr = "203.0.113.7".parse().unwrap();
    let (head, ()) = Request::new(()).into_parts();
    assert_eq!(ClientAddress::peer().find(&head), None);
    let told = ClientAddress::peer().of_peer(move |_| Some(elsewhere));
    assert_eq!(told.find(&head), Some(elsewhere));
}
