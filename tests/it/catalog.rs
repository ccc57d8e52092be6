//! Schemes that are made from the catalog, and what an option changes of them.

use std::convert::Infallible;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::request::Parts;
use http::{HeaderName, Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::scheme::catalog::{self, Options};
use tower_webhook::scheme::{
    AnyScheme, AuthErrorKind, Authenticator, Claims, OpenError, Pass as _, Scheme, Shape,
};
use tower_webhook::secret::Secret;
use tower_webhook::time::ManualClock;
use tower_webhook::verify::Verified as _;
use tower_webhook::{Inbound, testing};

const KEY: &str = "an example secret";

fn build(id: &str, options: &Options) -> AnyScheme {
    catalog::find(id).unwrap().build(options).unwrap()
}

fn refused(id: &str, options: &Options) -> String {
    let built = catalog::find(id).unwrap().build(options);
    built.unwrap_err().to_string()
}

fn mac(key: &[u8], body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(body.as_bytes());
    const_hex::encode(mac.finalize().into_bytes())
}

fn head(method: &str, uri: &str, headers: &[(&'static str, &str)]) -> Parts {
    let mut req = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        req = req.header(*name, *value);
    }
    req.body(()).unwrap().into_parts().0
}

fn verdict(
    scheme: &AnyScheme,
    headers: &[(&'static str, &str)],
) -> Result<Delivery, AuthErrorKind> {
    let pass = scheme.begin(&head("POST", "/", headers));
    let mut pass = pass.map_err(|err| err.kind())?;
    pass.update(b"{}");
    match pass.finish(b"{}").map_err(|err| err.kind())? {
        Claims::Delivery(delivery) => Ok(delivery),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_scheme_answers_the_questions_of_its_provider() {
    let uri = "/?challenge=7&hub.mode=subscribe&hub.verify_token=an-example-token&hub.challenge=8";
    let with_token = Options::new().secret(KEY).verify_token("an-example-token");
    let without = Options::new().secret(KEY);
    for (id, options, method, body) in [
        ("dropbox.hmac", &without, "GET", Some("7")),
        ("dropbox.hmac", &without, "HEAD", None),
        ("intercom.hub_sha1", &without, "HEAD", Some("")),
        ("intercom.hub_sha1", &without, "GET", None),
        ("meta.hub256", &with_token, "GET", Some("8")),
        ("meta.hub256", &without, "GET", None),
        ("github.sha256", &with_token, "GET", None),
    ] {
        let answer = build(id, options).greet(&head(method, uri, &[]));
        let told = answer.map(|answer| answer.unwrap().body().clone());
        assert_eq!(told, body.map(bytes::Bytes::from), "{id} {method}");
    }
}

#[test]
fn headers_that_a_proxy_renamed_are_read_by_their_new_names() {
    let options = Options::new()
        .secret(KEY)
        .signature_header(HeaderName::from_static("x-renamed"))
        .nonce_header(HeaderName::from_static("x-id"));
    let text = format!("sha256={}", mac(KEY.as_bytes(), "{}"));
    let delivery = verdict(
        &build("github.sha256", &options),
        &[
            ("x-renamed", &text),
            ("x-id", "1"),
            ("x-github-delivery", "2"),
        ],
    );
    assert_eq!(delivery.unwrap().id, DeliveryId::Unsigned("1".into()));
    let usual = build("github.sha256", &Options::new().secret(KEY));
    let renamed = verdict(&usual, &[("x-renamed", &text)]);
    assert_eq!(renamed.unwrap_err(), AuthErrorKind::MissingHeader);
}

#[test]
fn a_secret_that_is_decoded_already_is_taken_as_it_is_with_its_dates_and_its_id() {
    let key = [0, 159, 146, 150, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let secret = Secret::new(key).unwrap().with_id("first").not_after(20);
    let text = format!("sha256={}", mac(&key, "{}"));
    let at = |now| {
        let options = Options::new().secret(secret.clone());
        let scheme = build("github.sha256", &options.with_clock(ManualClock::new(now)));
        verdict(&scheme, &[("x-hub-signature-256", &text)])
    };
    assert_eq!(at(20).unwrap().key_id.as_deref(), Some("first"));
    assert_eq!(at(21).unwrap_err(), AuthErrorKind::Mismatch);
}

#[test]
fn a_secret_of_blanks_is_none_and_one_of_dropbox_has_15_characters() {
    let short = |text: &str| {
        Options::new()
            .secret(text)
            .dangerous()
            .allow_short_secrets()
    };
    for id in ["github.sha256", "standard_webhooks.v1", "square.hmacsha256"] {
        let told = refused(id, &short("  ").public_url("https://a.example/"));
        assert!(told.contains("is empty"), "{id}: {told}");
    }
    assert!(refused("github.sha256", &Options::new()).contains("must hold a secret"));
    let _ = build("github.sha256", &short("short"));
    let fifteen = "0123456789abcde";
    let _ = build("dropbox.hmac", &Options::new().secret(fifteen));
    for (id, text) in [("dropbox.hmac", &fifteen[1..]), ("github.sha256", fifteen)] {
        let told = refused(id, &Options::new().secret(text));
        assert!(told.starts_with("`signing_secrets` "), "{told}");
    }
}

#[test]
fn shapes_methods_and_clocks_are_the_provider_s() {
    let url = "https://hooks.example.com/in";
    let options = Options::new().secret(KEY).public_url(url);
    let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdrA+WLljhpVowzdmuCizMkIz9TVJawZyO22lWn6TecWza+fMXjU+8Wp6Yu+cdrifqUKNkwattTS4OhDAwN+Rgw==";
    let whsec = Options::new().secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3");
    let facts = |id: &str| {
        let options = match id {
            "sendgrid.ecdsa_p256" => &Options::new().secret(key),
            "standard_webhooks.v1" | "svix.v1" | "gitlab.signing_token" => &whsec,
            _ => &options,
        };
        let scheme = build(id, options);
        let profile = Scheme::profile(&scheme);
        let opened = Authenticator::open(&scheme, &head("GET", "/", &[])).into_inner();
        let takes_get = !matches!(opened, Err(OpenError::Method));
        (profile.shape(), takes_get, profile.future_skew().as_secs())
    };
    let told = [
        "github.sha256",
        "slack.v0",
        "sendgrid.ecdsa_p256",
        "hubspot.v1_legacy",
        "hubspot.v2_legacy",
        "hubspot.v3",
        "standard_webhooks.v1",
        "svix.v1",
        "gitlab.signing_token",
    ]
    .map(|id| (id, facts(id)));
    assert_eq!(
        told,
        [
            ("github.sha256", (Shape::Object, false, 60)),
            ("slack.v0", (Shape::ObjectOrForm, false, 300)),
            ("sendgrid.ecdsa_p256", (Shape::Array, false, 60)),
            ("hubspot.v1_legacy", (Shape::Array, false, 60)),
            ("hubspot.v2_legacy", (Shape::Opaque, true, 60)),
            ("hubspot.v3", (Shape::Array, false, 60)),
            ("standard_webhooks.v1", (Shape::Object, false, 300)),
            ("svix.v1", (Shape::Object, false, 300)),
            ("gitlab.signing_token", (Shape::Object, false, 300)),
        ]
    );
}

#[tokio::test]
async fn an_event_type_in_a_header_is_not_looked_for_in_the_payload() {
    let sent = testing::Delivery::of(
        "gitlab.signing_token",
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3",
    );
    let sent = sent
        .id("1")
        .event_type("Push Hook")
        .body(r#"{"type":"other"}"#);
    let handler = service_fn(|req: Request<ClaimedBody>| async move {
        let mut response = Response::new(String::new());
        let told = req.body().delivery().event_type.clone();
        response.extensions_mut().insert(told);
        Ok::<_, Infallible>(response)
    });
    let scheme = build("gitlab.signing_token", &sent.options());
    let stack = Inbound::builder(scheme).build().unwrap().layer(handler);
    let Ok(response) = stack.oneshot(sent.request()).await;
    let told: &Option<Box<str>> = response.extensions().get().unwrap();
    assert_eq!(told.as_deref(), Some("Push Hook"));
}
