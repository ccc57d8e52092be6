//! What a scheme reads from the head before it verifies anything, and how it refuses the rest.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Request;
use http::request::Parts;
use tower_webhook::scheme::catalog::{self, Options};
use tower_webhook::scheme::{
    AuthErrorKind, Authenticator, Ed25519Key, HmacPass, HmacScheme, MailgunScheme, OpenError,
    Opened, P256Key, Part, Pass as _, Profile, PublicKeyError, PublicKeyScheme, PublicUrl, Scheme,
    SetupScheme, Shape, Swap, TokenScheme, TwilioScheme,
};
use tower_webhook::secret::Secret;

const TIME: &str = "1763724670";

fn secret() -> Secret {
    Secret::new("an example secret").unwrap()
}

fn head(headers: &[(&'static str, &str)]) -> Parts {
    let req = headers
        .iter()
        .fold(Request::post("/"), |req, (name, value)| {
            req.header(*name, *value)
        });
    req.body(()).unwrap().into_parts().0
}

/// Why `scheme` reads no further than the head.
fn refusal(scheme: &impl Scheme, headers: &[(&'static str, &str)]) -> Option<AuthErrorKind> {
    scheme.begin(&head(headers)).err().map(|err| err.kind())
}

#[test]
fn a_signature_of_another_length_is_malformed() {
    let scheme = HmacScheme::github(secret());
    for (bytes, expected) in [
        (0, Some(AuthErrorKind::MalformedHeader)),
        (31, Some(AuthErrorKind::MalformedHeader)),
        (32, None),
        (33, Some(AuthErrorKind::MalformedHeader)),
        (73, Some(AuthErrorKind::MalformedHeader)),
    ] {
        let text = format!("sha256={}", "ab".repeat(bytes));
        let headers = [("x-hub-signature-256", &*text)];
        assert_eq!(refusal(&scheme, &headers), expected, "{bytes}");
    }
    let odd = format!("sha256={}a", "ab".repeat(32));
    let malformed = Some(AuthErrorKind::MalformedHeader);
    assert_eq!(
        refusal(&scheme, &[("x-hub-signature-256", &odd)]),
        malformed
    );
}

#[test]
fn a_signature_of_no_fixed_length_has_72_bytes_at_most_and_one_at_least() {
    let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdrA+WLljhpVowzdmuCizMkIz9TVJawZyO22lWn6TecWza+fMXjU+8Wp6Yu+cdrifqUKNkwattTS4OhDAwN+Rgw==";
    let scheme = PublicKeyScheme::sendgrid(P256Key::spki(key).unwrap());
    for (bytes, expected) in [
        (0, Some(AuthErrorKind::MalformedHeader)),
        (1, None),
        (72, None),
        (73, Some(AuthErrorKind::MalformedHeader)),
        (75, Some(AuthErrorKind::MalformedHeader)),
        (300, Some(AuthErrorKind::MalformedHeader)),
    ] {
        let text = STANDARD.encode(vec![7; bytes]);
        let headers = [
            ("x-twilio-email-event-webhook-signature", &*text),
            ("x-twilio-email-event-webhook-timestamp", TIME),
        ];
        assert_eq!(refusal(&scheme, &headers), expected, "{bytes}");
    }
}

/// The headers of Standard Webhooks with this list of signatures.
fn standard(signatures: &str) -> [(&'static str, &str); 3] {
    [
        ("webhook-id", "1"),
        ("webhook-timestamp", TIME),
        ("webhook-signature", signatures),
    ]
}

#[test]
fn of_many_signatures_seventeen_are_read_and_one_more_is_too_many() {
    let scheme = HmacScheme::standard_webhooks(secret());
    let one = format!("v1,{}", STANDARD.encode([7; 32]));
    for (count, expected) in [
        (1, None),
        (17, None),
        (18, Some(AuthErrorKind::MalformedHeader)),
        (19, Some(AuthErrorKind::MalformedHeader)),
    ] {
        let list = vec![one.as_str(); count].join(" ");
        assert_eq!(refusal(&scheme, &standard(&list)), expected, "{count}");
    }
}

#[test]
fn a_time_that_is_not_signed_is_not_read_and_one_that_is_signed_must_be_found() {
    let digits = "ab".repeat(32);
    let signature = ("x-signature", &*digits);
    let unsigned = HmacScheme::sha256(secret()).timestamp("x-time");
    assert_eq!(refusal(&unsigned, &[signature]), None);
    assert_eq!(refusal(&unsigned, &[signature, ("x-time", "soon")]), None);

    let parts = [Part::Timestamp, Part::Literal("."), Part::Body];
    let lost = HmacScheme::sha256(secret()).signed_content(parts);
    let missing = Some(AuthErrorKind::MissingHeader);
    assert_eq!(refusal(&lost, &[signature, ("x-time", TIME)]), missing);
    let signed = lost.timestamp("x-time");
    assert_eq!(refusal(&signed, &[signature]), missing);
    assert_eq!(refusal(&signed, &[signature, ("x-time", TIME)]), None);
}

#[test]
fn a_token_in_the_query_stands_for_a_header_that_is_missing_and_for_no_other() {
    let scheme = TokenScheme::new("x-token", secret()).or_in_query("token");
    let kind = |headers: &[(&'static str, &str)]| {
        let mut head = head(headers);
        head.uri = "/?token=an+example+secret".parse().unwrap();
        scheme.begin(&head).err().map(|err| err.kind())
    };
    let right = ("x-token", "an example secret");
    assert_eq!(kind(&[]), None);
    assert_eq!(kind(&[right]), None);
    assert_eq!(kind(&[("x-token", "")]), Some(AuthErrorKind::Mismatch));
    assert_eq!(kind(&[right, right]), Some(AuthErrorKind::DuplicateHeader));
}

#[test]
fn a_secret_is_handed_over_in_a_post_and_in_no_other_request() {
    let told = Arc::new(AtomicUsize::new(0));
    let ear = Arc::clone(&told);
    let scheme = SetupScheme::asana(move |_| {
        ear.fetch_add(1, Ordering::Relaxed);
    });
    let mut offer = head(&[("x-hook-secret", "an example secret")]);
    offer.method = http::Method::GET;
    assert!(scheme.greet(&offer).is_none());
    assert_eq!(told.load(Ordering::Relaxed), 0);
    offer.method = http::Method::POST;
    let answer = scheme.greet(&offer).unwrap().unwrap();
    assert_eq!(answer.headers()["x-hook-secret"], "an example secret");
    assert_eq!(told.load(Ordering::Relaxed), 1);
}

/// A scheme whose deliveries may be as old as they say.
#[derive(Clone)]
struct Patient(HmacScheme, Duration);

impl Authenticator for Patient {
    type Pass = HmacPass;
    type Opening = Ready<Result<Opened<HmacPass>, OpenError>>;

    fn open(&self, head: &Parts) -> Self::Opening {
        let pass = self.0.begin(head).map_err(OpenError::Auth);
        ready(pass.map(|pass| Opened::new(pass, Scheme::profile(&self.0))))
    }

    fn max_window(&self) -> Duration {
        self.1
    }
}

#[test]
fn a_scheme_that_is_swapped_is_replaced_for_all_clones() {
    let with_shape = |shape| HmacScheme::sha256(secret()).profile(Profile::new(shape));
    let scheme = Swap::new(with_shape(Shape::Object));
    let clone = scheme.clone();
    let shape = |scheme: &Swap<HmacScheme>| Authenticator::profile(scheme).unwrap().shape();
    assert_eq!(shape(&clone), Shape::Object);
    scheme.replace(with_shape(Shape::Array));
    assert_eq!(
        (shape(&scheme), shape(&clone)),
        (Shape::Array, Shape::Array)
    );

    let patient = |seconds| Patient(with_shape(Shape::Object), Duration::from_secs(seconds));
    let scheme = Swap::new(patient(60));
    assert_eq!(scheme.max_window().as_secs(), 60);
    scheme.replace(patient(7));
    assert_eq!(scheme.max_window().as_secs(), 7);
    // Who says nothing has neither a window nor a profile of its own.
    assert!(Authenticator::profile(&scheme).is_none());
    assert_eq!(with_shape(Shape::Object).max_window(), Duration::ZERO);
}

#[test]
fn why_a_request_is_not_authentic_is_told_in_words() {
    let words = |kind: AuthErrorKind| tower_webhook::scheme::AuthError::from(kind).to_string();
    assert_eq!(words(AuthErrorKind::Mismatch), "no signature matches");
    assert_eq!(
        words(AuthErrorKind::MissingHeader),
        "a header of the signature is missing"
    );
}

#[test]
fn of_many_signatures_by_private_keys_four_are_tried_and_one_more_is_too_many() {
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let key = Ed25519Key::new(key.verifying_key().as_bytes()).unwrap();
    let scheme = PublicKeyScheme::standard_webhooks(key);
    let one = format!("v1a,{}", STANDARD.encode([7; 64]));
    for (count, expected) in [
        (4, None),
        (5, Some(AuthErrorKind::MalformedHeader)),
        (6, Some(AuthErrorKind::MalformedHeader)),
    ] {
        let list = vec![one.as_str(); count].join(" ");
        assert_eq!(refusal(&scheme, &standard(&list)), expected, "{count}");
    }
}

#[test]
fn a_payload_of_mailgun_without_a_token_or_a_signature_is_malformed() {
    let mac = |content: &str| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"an example secret").unwrap();
        mac.update(content.as_bytes());
        const_hex::encode(mac.finalize().into_bytes())
    };
    let verdict = |token: &str, signature: &str| {
        let body = serde_json::json!({
            "signature": { "timestamp": TIME, "token": token, "signature": signature },
        });
        let body = body.to_string();
        let pass = MailgunScheme::new(secret()).begin(&head(&[])).unwrap();
        pass.finish(body.as_bytes()).err().map(|err| err.kind())
    };
    let malformed = Some(AuthErrorKind::MalformedBody);
    assert_eq!(verdict("1", &mac(&format!("{TIME}1"))), None);
    assert_eq!(verdict("", &mac(TIME)), malformed);
    assert_eq!(verdict("1", ""), malformed);
    assert_eq!(verdict("1", &mac(TIME)), Some(AuthErrorKind::Mismatch));
}

#[test]
fn what_is_no_public_key_says_why() {
    let words = |key: Result<Ed25519Key, PublicKeyError>| key.unwrap_err().to_string();
    let key = [&[1][..], &[0; 31]].concat();
    for (told, reason) in [
        (words(Ed25519Key::new(&[7; 31])), "must have 32 bytes"),
        (words(Ed25519Key::new(&key)), "is of small order"),
        (words(Ed25519Key::hex("no digits")), "is not hex digits"),
        (words(Ed25519Key::base64("no base64!")), "is not base64"),
        (
            P256Key::spki("AAAA").unwrap_err().to_string(),
            "is not a P-256 key in DER",
        ),
    ] {
        assert_eq!(told, format!("`public_key` {reason}"));
    }
    let entry = catalog::find("discord.ed25519").unwrap();
    let refused = entry.build(&Options::new().secret("no digits"));
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("is not hex digits"), "{told}");
}

#[test]
fn a_form_of_twilio_that_is_no_text_is_malformed() {
    let url = PublicUrl::new("https://hooks.example.com/in").unwrap();
    let signature = STANDARD.encode([7; 20]);
    let verdict = |body: &[u8]| {
        let scheme = TwilioScheme::new(url.clone(), secret());
        let pass = scheme.begin(&head(&[("x-twilio-signature", &signature)]));
        pass.unwrap().finish(body).unwrap_err().kind()
    };
    assert_eq!(verdict(b"a=b"), AuthErrorKind::Mismatch);
    for body in [&b"a=%FF"[..], b"%FF=a", b"a=\xff", b"a=b&c=%C3"] {
        assert_eq!(verdict(body), AuthErrorKind::MalformedBody);
    }
}
