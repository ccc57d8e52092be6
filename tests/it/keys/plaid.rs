//! Plaid beyond its vectors, with tokens signed here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use sha2::{Digest as _, Sha256};
use tower_webhook::delivery::Delivery;
use tower_webhook::scheme::{AuthErrorKind, PinnedKeys, PlaidScheme, VerifyingKey};

use super::{request, verdict};

const BODY: &[u8] = br#"{"webhook_type": "TRANSACTIONS", "webhook_code": "DEFAULT_UPDATE"}"#;
const HEADER: &str = r#"{"alg": "ES256", "kid": "a", "typ": "JWT"}"#;

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn claims() -> String {
    let digest = const_hex::encode(Sha256::digest(BODY));
    format!(r#"{{"iat": 1763715107, "request_body_sha256": "{digest}"}}"#)
}

fn token(header: &str, claims: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let content = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    let signature: Signature = key().sign(content.as_bytes());
    format!("{content}.{}", encode(&signature.to_bytes()))
}

fn verify(token: &str) -> Result<Delivery, AuthErrorKind> {
    let point = key().verifying_key().to_sec1_point(false);
    let key = VerifyingKey::p256_sec1(point.as_bytes()).unwrap();
    let scheme = PlaidScheme::new(PinnedKeys::new().with("a", key));
    let head = request("/").header("plaid-verification", token);
    let head = head.body(()).unwrap().into_parts().0;
    verdict(&scheme, &head, BODY)
}

#[test]
fn a_token_says_when_and_what() {
    let delivery = verify(&token(HEADER, &claims())).unwrap();
    assert_eq!(delivery.timestamp, Some(1_763_715_107));
    let event_type = delivery.event_type.as_deref();
    assert_eq!(event_type, Some("TRANSACTIONS.DEFAULT_UPDATE"));
    assert!(delivery.event_type_signed);
}

#[test]
fn signed_tokens_of_another_form_are_refused() {
    let unsupported = AuthErrorKind::UnsupportedVersion;
    let malformed = AuthErrorKind::MalformedHeader;
    for (header, kind) in [
        (r#"{"alg": "ES256K", "kid": "a"}"#, unsupported),
        (r#"{"alg": "es256", "kid": "a"}"#, unsupported),
        (
            r#"{"alg": "ES256", "kid": "a", "typ": "at+jwt"}"#,
            unsupported,
        ),
        (
            r#"{"alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false}"#,
            unsupported,
        ),
        (r#"{"alg": "ES256", "kid": "b"}"#, AuthErrorKind::UnknownKey),
        (r#"{"alg": "ES256", "alg": "ES256", "kid": "a"}"#, malformed),
        (r#"{"alg": "ES256"}"#, malformed),
        (r#"{"alg": "ES256", "kid": 1}"#, malformed),
        (r#"["ES256", "a", null, null]"#, malformed),
        ("", malformed),
    ] {
        assert_eq!(verify(&token(header, &claims())), Err(kind), "{header}");
    }
    let body = const_hex::encode(Sha256::digest(BODY));
    let short = &body[1..];
    for (claims, kind) in [
        (
            format!(r#"{{"iat": 0, "request_body_sha256": "{body}"}}"#),
            AuthErrorKind::MalformedTimestamp,
        ),
        (
            format!(r#"{{"iat": 1763715107000, "request_body_sha256": "{body}"}}"#),
            AuthErrorKind::MalformedTimestamp,
        ),
        (
            format!(r#"{{"iat": -9223372036854775808, "request_body_sha256": "{body}"}}"#),
            AuthErrorKind::MalformedTimestamp,
        ),
        (
            format!(r#"{{"iat": "1763715107", "request_body_sha256": "{body}"}}"#),
            malformed,
        ),
        (
            format!(r#"{{"iat": 1763715107.5, "request_body_sha256": "{body}"}}"#),
            malformed,
        ),
        (
            format!(r#"{{"iat": 99999999999999999999, "request_body_sha256": "{body}"}}"#),
            malformed,
        ),
        (
            format!(r#"{{"iat": 1763715107, "request_body_sha256": "{short}"}}"#),
            malformed,
        ),
        (
            format!(
                r#"{{"iat": 1763715107, "request_body_sha256": "{}"}}"#,
                "0".repeat(64)
            ),
            AuthErrorKind::BodyDigest,
        ),
        (r#"{"iat": 1763715107}"#.to_owned(), malformed),
        (format!(r#"{{"request_body_sha256": "{body}"}}"#), malformed),
    ] {
        assert_eq!(verify(&token(HEADER, &claims)), Err(kind), "{claims}");
    }
}

#[test]
fn tokens_of_another_spelling_are_refused() {
    let good = token(HEADER, &claims());
    assert!(verify(&good).is_ok());
    for bad in [
        format!("{good}="),
        format!("{good}."),
        format!(".{good}"),
        format!("Bearer {good}"),
        good.replacen('.', "", 1),
        good.replace('.', ".."),
        "a".repeat(5000),
        String::new(),
    ] {
        assert!(verify(&bad).is_err(), "{bad}");
    }
}
