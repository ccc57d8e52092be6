//! Questions that a provider asks before it delivers, and what an answer says of itself.

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode, header};
use tower_webhook::scheme::{
    AuthErrorKind, Claims, CloudEventsScheme, Ed25519Key, GreetingScheme, Handshake, HmacScheme,
    OpenError, Pass as _, PublicKeyScheme, Scheme as _,
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

/// What Slack's scheme makes of a signed payload.
fn slack(body: &str) -> Claims {
    let key = "an example secret";
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("v0:1763724670:{body}").as_bytes());
    let mac = const_hex::encode(mac.finalize().into_bytes());
    let headers = [
        ("x-slack-signature", &*format!("v0={mac}")),
        ("x-slack-request-timestamp", "1763724670"),
    ];
    let scheme = HmacScheme::slack(secret(key));
    let mut pass = scheme.begin(&head("POST", "/", &headers)).unwrap();
    pass.update(body.as_bytes());
    pass.finish(body.as_bytes()).unwrap()
}

#[test]
fn a_payload_is_a_question_where_it_says_so_to_the_letter_and_is_short() {
    let asked = |kind: &str, length: usize| {
        let fill = " ".repeat(length);
        format!(r#"{{"type":"{kind}","challenge":"7"{fill}}}"#)
    };
    let short = asked("url_verification", 0);
    let room = (16 << 10) - short.len();
    for (body, is_question) in [
        (short, true),
        (asked("url_verification", room), true),
        (asked("url_verification", room + 1), false),
        (asked("url\\u005fverification", 0), false),
        (asked("url_verification_", 0), false),
        (r#"{"type":"a","text":"url_verification"}"#.into(), false),
    ] {
        let claims = slack(&body);
        assert_eq!(matches!(claims, Claims::Handshake(_)), is_question);
    }
}

#[test]
fn a_provider_asks_by_its_own_method() {
    let dropbox = HmacScheme::dropbox(secret("an example secret"));
    let intercom = HmacScheme::intercom(secret("an example secret"));
    let meta = GreetingScheme::meta(secret("an-example-token"));
    let uri = "/?challenge=7&hub.mode=subscribe&hub.verify_token=an-example-token&hub.challenge=8";
    for (method, answers) in [
        ("GET", [Some("7"), None, Some("8")]),
        ("HEAD", [None, Some(""), None]),
        ("PUT", [None; 3]),
        ("POST", [None; 3]),
    ] {
        let asked = head(method, uri, &[]);
        let told = [
            dropbox.greet(&asked),
            intercom.greet(&asked),
            meta.greet(&asked),
        ];
        let told = told.map(|answer| answer.map(|answer| answer.unwrap().body().clone()));
        let expected = answers.map(|body| body.map(bytes::Bytes::from));
        assert_eq!(told, expected, "{method}");
    }
    let doubled = head("GET", "/?challenge=7&challenge=8", &[]);
    let refused = dropbox.greet(&doubled).unwrap();
    assert_eq!(refused.unwrap_err(), OpenError::Malformed);
}

#[test]
fn a_ping_of_discord_has_no_event() {
    use ed25519_dalek::Signer as _;
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let public = Ed25519Key::new(key.verifying_key().as_bytes()).unwrap();
    let scheme = PublicKeyScheme::discord(public);
    for (body, answer) in [
        (r#"{"type":1}"#, Some((200, r#"{"type":1}"#))),
        (r#"{"type":1,"version":1}"#, Some((200, r#"{"type":1}"#))),
        (r#"{"type":0,"version":1}"#, Some((204, ""))),
        (r#"{"type":1,"version":1,"event":{"type":"a"}}"#, None),
        (r#"{"type":0}"#, None),
        (r#"{"type":2}"#, None),
    ] {
        let signature = key.sign(format!("1763724670{body}").as_bytes()).to_bytes();
        let headers = [
            ("x-signature-ed25519", &*const_hex::encode(signature)),
            ("x-signature-timestamp", "1763724670"),
        ];
        let mut pass = scheme.begin(&head("POST", "/", &headers)).unwrap();
        pass.update(body.as_bytes());
        let told = match pass.finish(body.as_bytes()).unwrap() {
            Claims::Handshake(answer) => Some((answer.status().as_u16(), answer.body().clone())),
            _ => None,
        };
        let expected = answer.map(|(status, body)| (status, body.into()));
        assert_eq!(told, expected, "{body}");
    }
}

#[test]
fn zoom_asks_by_its_event_and_gets_no_signature_of_a_delivery() {
    let key = "an example secret";
    let mac = |content: &str| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(content.as_bytes());
        const_hex::encode(mac.finalize().into_bytes())
    };
    for (event, token, is_question) in [
        ("endpoint.url_validation", "7", true),
        ("endpoint.url_validation", "v0:1763724670:{}", false),
        ("endpoint.url_validation_", "7", false),
        ("meeting.started", "v0:1763724670:{}", false),
    ] {
        let text = "endpoint.url_validation";
        let payload = serde_json::json!({ "plainToken": token, "text": text });
        let body = serde_json::json!({ "event": event, "payload": payload }).to_string();
        let headers = [
            (
                "x-zm-signature",
                &*format!("v0={}", mac(&format!("v0:1763724670:{body}"))),
            ),
            ("x-zm-request-timestamp", "1763724670"),
        ];
        let scheme = HmacScheme::zoom(secret(key));
        let mut pass = scheme.begin(&head("POST", "/", &headers)).unwrap();
        pass.update(body.as_bytes());
        match pass.finish(body.as_bytes()).unwrap() {
            Claims::Handshake(answer) => {
                let answer: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
                assert_eq!(answer["plainToken"], token);
                assert_eq!(answer["encryptedToken"], mac(token));
                assert!(is_question, "{event} {token}");
            }
            _ => assert!(!is_question, "{event} {token}"),
        }
    }
}
