//! Schemes that are made from the catalog, and what an option changes of them.

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::request::Parts;
use http::{HeaderName, Request};
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::scheme::catalog::{self, Options};
use tower_webhook::scheme::{AnyScheme, AuthErrorKind, Claims, Pass as _, Scheme as _};
use tower_webhook::secret::Secret;
use tower_webhook::time::ManualClock;

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
    assert!(refused("github.sha256", &short("  ")).contains("is empty"));
    assert!(refused("github.sha256", &Options::new()).contains("must hold a secret"));
    build("github.sha256", &short("short"));
    let fifteen = "0123456789abcde";
    build("dropbox.hmac", &Options::new().secret(fifteen));
    for (id, text) in [("dropbox.hmac", &fifteen[1..]), ("github.sha256", fifteen)] {
        let told = refused(id, &Options::new().secret(text));
        assert!(told.starts_with("`signing_secrets` "), "{told}");
    }
}
