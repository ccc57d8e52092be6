//! Questions that a provider asks before it delivers, and what an answer says of itself.

use http::request::Parts;
use http::{HeaderValue, Request, StatusCode, header};
use tower_webhook::scheme::{
    AuthErrorKind, CloudEventsScheme, Handshake, HmacScheme, OpenError, Scheme as _,
};
use tower_webhook::secret::Secret;

#[test]
fn an_answer_says_its_status_headers_body_and_the_secret_that_came() {
    let bare = Handshake::new(StatusCode::NO_CONTENT);
    assert_eq!(bare.status(), StatusCode::NO_CONTENT);
    assert!(bare.headers().is_empty() && bare.body().is_empty());
    assert!(bare.secret().is_none());

    let secret = Secret::new("an example secret").unwrap();
    let echo = Handshake::echo("challenge").with_secret(secret);
    let echo = echo.with_header(header::ALLOW, HeaderValue::from_static("GET"));
    assert_eq!(echo.status(), StatusCode::OK);
    assert_eq!(echo.body(), "challenge");
    assert_eq!(echo.headers()[header::CONTENT_TYPE], "text/plain");
    assert_eq!(echo.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(echo.headers()[header::ALLOW], "GET");
    assert!(echo.secret().is_some());

    let json = Handshake::json("{}");
    assert_eq!(json.body(), "{}");
    assert_eq!(json.headers()[header::CONTENT_TYPE], "application/json");
}

fn head(method: &str, uri: &str, headers: &[(&'static str, &str)]) -> Parts {
    let mut req = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        req = req.header(*name, *value);
    }
    req.body(()).unwrap().into_parts().0
}

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

#[test]
fn a_question_of_meta_is_answered_by_the_scheme_that_takes_its_deliveries() {
    let scheme = HmacScheme::meta(secret("an example secret"));
    let uri = "/?hub.mode=subscribe&hub.verify_token=an-example-token&hub.challenge=7";
    let asked = head("GET", uri, &[]);
    assert!(scheme.greet(&asked).is_none());
    let scheme = scheme.verify_token(secret("an-example-token"));
    let answer = scheme.greet(&asked).unwrap().unwrap();
    assert_eq!(answer.body(), "7");
    assert!(scheme.greet(&head("POST", uri, &[])).is_none());
    for uri in [
        "/?hub.mode=unsubscribe&hub.verify_token=an-example-token&hub.challenge=7",
        "/?hub.mode=subscribe&hub.verify_token=another-token&hub.challenge=7",
        "/?hub.mode=subscribe&hub.verify_token=an-example-token",
        "/?hub.mode=subscribe&hub.verify_token=an-example-token&hub.challenge=7&hub.challenge=8",
        "/",
    ] {
        let refused = scheme.greet(&head("GET", uri, &[])).unwrap();
        assert!(matches!(refused, Err(OpenError::Auth(_))), "{uri}");
    }
}

#[test]
fn consent_to_cloud_events_names_the_rate_that_was_asked_for() {
    let scheme = CloudEventsScheme::consent_only(["example.com"]).with_rate("120");
    let ask = |origin: &str, rate: &[(&'static str, &str)]| {
        let headers = [&[("webhook-request-origin", origin)], rate].concat();
        scheme.greet(&head("OPTIONS", "/", &headers)).unwrap()
    };
    let granted = |answer: Result<Handshake, OpenError>| {
        let rate = answer
            .unwrap()
            .headers()
            .get("webhook-allowed-rate")
            .cloned();
        rate.map(|rate| rate.to_str().unwrap().to_owned())
    };
    assert_eq!(granted(ask("Example.com", &[])), None);
    let rate = |rate| [("webhook-request-rate", rate)];
    assert_eq!(granted(ask("example.com", &rate("1"))).unwrap(), "120");
    for refused in [
        ask("example.com", &rate("0")),
        ask("example.com", &rate("many")),
        ask("example.org", &[]),
    ] {
        assert_eq!(refused.unwrap_err(), OpenError::Method);
    }
    assert!(scheme.greet(&head("POST", "/", &[])).is_none());
}

#[test]
fn why_a_verification_cannot_begin_is_told_in_words() {
    for (why, words) in [
        (
            OpenError::Media,
            "the media type is not one of the scheme's",
        ),
        (OpenError::Method, "the method is not one of the scheme's"),
        (OpenError::Denied, "the sender's address is not on the list"),
        (OpenError::Malformed, "the question lacks what is asked"),
        (OpenError::Unavailable, "the secrets are unavailable"),
        (
            OpenError::Auth(AuthErrorKind::Mismatch.into()),
            "no signature matches",
        ),
    ] {
        assert_eq!(why.to_string(), words);
    }
}
