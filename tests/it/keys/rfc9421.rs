//! RFC 9421 beyond its vectors, with signatures made here from bases written by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::request::Parts;
use p256::ecdsa::signature::Signer as _;
use sha2::{Digest as _, Sha256, Sha512};
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::scheme::{
    AuthErrorKind, PinnedKeys, Profile, Rfc9421Scheme, Rfc9421Signer, Scheme as _, Shape,
    VerifyingKey,
};
use tower_webhook::secret::Secret;
use tower_webhook::time::ManualClock;

use super::{request, verdict};

const SECRET: &str = "an example secret";
const BODY: &[u8] = b"{}";
const COVERED: &str = r#"("@method" "@target-uri" "content-digest")"#;
const PARAMS: &str = r#";created=1763769526;keyid="key-1""#;

fn scheme() -> Rfc9421Scheme {
    let key = VerifyingKey::hmac_sha256(Secret::new(SECRET).unwrap());
    Rfc9421Scheme::new(PinnedKeys::new().with("key-1", key))
        .with_clock(ManualClock::new(1_763_769_526))
}

fn digest() -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(BODY)))
}

fn hmac(base: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let mac = mac.chain_update(base).finalize().into_bytes();
    STANDARD.encode(mac)
}

/// The lines of `COVERED` for `https://hooks.example.com/in`.
fn lines() -> String {
    format!(
        "\"@method\": POST\n\"@target-uri\": https://hooks.example.com/in\n\"content-digest\": {}\n",
        digest()
    )
}

/// A head whose signature covers `list`, written as `lines`.
fn head(list: &str, lines: &str) -> Parts {
    let signature = hmac(&format!("{lines}\"@signature-params\": {list}"));
    request("https://hooks.example.com/in")
        .header("content-digest", digest())
        .header("signature-input", format!("sig1={list}"))
        .header("signature", format!("sig1=:{signature}:"))
        .body(())
        .unwrap()
        .into_parts()
        .0
}

fn verify(head: &Parts) -> Result<Delivery, AuthErrorKind> {
    verdict(&scheme(), head, BODY)
}

#[test]
fn the_base_is_the_one_of_the_rfc() {
    let delivery = verify(&head(&format!("{COVERED}{PARAMS}"), &lines())).unwrap();
    assert_eq!(delivery.timestamp, Some(1_763_769_526));
    assert_eq!(delivery.id, DeliveryId::Digest);
}

#[test]
fn every_derived_component_is_the_one_of_the_rfc() {
    let list = format!(
        r#"("@method" "@target-uri" "@authority" "@scheme" "@request-target" "@path" "@query" "@query-param";name="a" "@query-param";name="b%20c" "x-many" "x-empty" "content-digest"){PARAMS}"#
    );
    let lines = format!(
        "\"@method\": POST\n\
         \"@target-uri\": https://hooks.example.com/in?a=1%202&b+c=%2b\n\
         \"@authority\": hooks.example.com\n\
         \"@scheme\": https\n\
         \"@request-target\": /in?a=1%202&b+c=%2b\n\
         \"@path\": /in\n\
         \"@query\": ?a=1%202&b+c=%2b\n\
         \"@query-param\";name=\"a\": 1%202\n\
         \"@query-param\";name=\"b%20c\": %2B\n\
         \"x-many\": one, two\n\
         \"x-empty\": \n\
         \"content-digest\": {}\n",
        digest()
    );
    let mut head = head(&list, &lines);
    head.uri = "/in?a=1%202&b+c=%2b".parse().unwrap();
    head.headers
        .insert("host", "Hooks.Example.com:443".parse().unwrap());
    head.headers.append("x-many", " one ".parse().unwrap());
    head.headers.append("x-many", "two".parse().unwrap());
    head.headers.append("x-empty", "".parse().unwrap());
    assert!(verify(&head).is_ok());
    head.headers.append("x-many", "three".parse().unwrap());
    assert_eq!(verify(&head), Err(AuthErrorKind::Mismatch));
    head.headers.remove("x-many");
    assert_eq!(verify(&head), Err(AuthErrorKind::MissingHeader));
    head.uri = "/in?a=1&a=1".parse().unwrap();
    assert_eq!(verify(&head), Err(AuthErrorKind::DuplicateHeader));
}

#[test]
fn the_public_url_stands_for_what_a_proxy_changed() {
    let mut head = head(&format!("{COVERED}{PARAMS}"), &lines());
    head.uri = "http://10.0.0.7:8080/in".parse().unwrap();
    assert_eq!(verify(&head), Err(AuthErrorKind::Mismatch));
    let scheme = scheme()
        .with_public_url("https://HOOKS.example.com:443")
        .unwrap();
    assert!(verdict(&scheme, &head, BODY).is_ok());

    // A router that took `/in` off leaves `/`.
    head.uri = "/".parse().unwrap();
    let nested = scheme
        .clone()
        .with_public_url("https://hooks.example.com/in")
        .unwrap();
    assert_eq!(verdict(&nested, &head, BODY), Err(AuthErrorKind::Mismatch));
    head.uri = "/in".parse().unwrap();
    let under = |prefix: &str| {
        let url = format!("https://hooks.example.com{prefix}");
        let scheme = scheme.clone().with_public_url(&url).unwrap();
        verdict(&scheme, &head, BODY)
    };
    assert!(under("/").is_ok());
    assert_eq!(under("/api"), Err(AuthErrorKind::Mismatch));
    for url in [
        "",
        "/in",
        "hooks.example.com",
        "https://a.example/?b",
        "ftp://a.example",
    ] {
        assert!(
            super::Rfc9421Scheme::new(PinnedKeys::new())
                .with_public_url(url)
                .is_err()
        );
    }
}

#[test]
fn a_prefix_that_a_router_takes_off_is_put_back() {
    let lines = lines().replace("/in", "/api/in");
    let head = head(&format!("{COVERED}{PARAMS}"), &lines);
    let scheme = scheme()
        .with_public_url("https://hooks.example.com/api/")
        .unwrap();
    assert!(verdict(&scheme, &head, BODY).is_ok());
}

#[test]
fn the_algorithm_belongs_to_the_key() {
    let with = |name| format!("{COVERED}{PARAMS};alg=\"{name}\"");
    assert!(verify(&head(&with("hmac-sha256"), &lines())).is_ok());
    for name in ["ed25519", "HMAC-SHA256", "hmac-sha512", "none", ""] {
        let refused = Err(AuthErrorKind::UnsupportedVersion);
        assert_eq!(verify(&head(&with(name), &lines())), refused, "{name}");
    }
    // The public key as an HMAC secret: the key knows what it is.
    let seed = [3; 32];
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
    let key = VerifyingKey::ed25519(public.as_bytes()).unwrap();
    let scheme = Rfc9421Scheme::new(PinnedKeys::one(key));
    let list = format!("{COVERED}{PARAMS}");
    let mut forged = head(&list, &lines());
    let mac = Hmac::<Sha256>::new_from_slice(public.as_bytes()).unwrap();
    let base = format!("{}\"@signature-params\": {list}", lines());
    let mac = STANDARD.encode(mac.chain_update(base).finalize().into_bytes());
    let forgery = format!("sig1=:{mac}:").parse().unwrap();
    forged.headers.insert("signature", forgery);
    assert_eq!(
        verdict(&scheme, &forged, BODY),
        Err(AuthErrorKind::Mismatch)
    );
}

#[test]
fn p256_and_rsa_keys_verify_what_was_signed_elsewhere() {
    let list = format!("{COVERED}{PARAMS};alg=\"ecdsa-p256-sha256\"");
    let signing = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let base = format!("{}\"@signature-params\": {list}", lines());
    let signature: p256::ecdsa::Signature = signing.sign(base.as_bytes());
    let mut of_p256 = head(&list, &lines());
    let text = format!("sig1=:{}:", STANDARD.encode(signature.to_bytes()));
    of_p256.headers.insert("signature", text.parse().unwrap());
    let point = signing.verifying_key().to_sec1_point(true);
    let key = VerifyingKey::p256_sec1(point.as_bytes()).unwrap();
    let scheme = Rfc9421Scheme::new(PinnedKeys::one(key));
    assert!(verdict(&scheme, &of_p256, BODY).is_ok());

    // Signed by `openssl dgst -sha256 -sign`.
    let key = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvR6Q/+OsJ26eZ7kmEKqIqs0y/qfW/9AIneiJoQD/TSn1diuSFwy0T/dPe7HP78c2kc+OJXxorUTUs6Do89hgCt18gdMgdD99m19+YoKupCQe0s1rdQb7XuinfBL63g66x6lJF+p7g8Cms1nbAhWhsZN5kgvXODrGBtmIpNmBf9p1v0HfOkQJcD9xeIkpMzEWYr8lDCC4aSEJe0Ac1eW2kFkCRPeszBtTvy2KkBIOpHDeHzqHh43QgjsVQthndUy6YShF/4ZPinI+NAmbv4lx05T25v5LPD4vDtW09XUbwL2fkeT4CaIdfuK55KCEOocNusEQum7Wp8zOB3OIu6ZYkQIDAQAB";
    let signature = "r/1k1lLrCpAiX5AheVww5EInnH7W7sR+/tekCpJERLf/IUNZvOdo+P5L5nWGRaqJqTCBBfFB2GIQOUI1SGNnJELMFpgCrPprBWSWOWgjDzCEPFwrEwSI4jcj5/Jo5wQ0QRz5I5xVNsKyqVScJkEKilIE6AdimyyIBGqD6jJPJcIuDMAAcdJT7wwb1aFxr14siALDwGq7/AyUBG4H/baXsfrz4Jm6UxhxbI5fKfJL9yhaOxklqgiDQWSXL7Dax8ud5QA/4yFsqf76Q+gMAYiAER7VflQ/c9e42rK+Y7nqN/bv7q6qzg2UjG7Wjm87bsqRyFSQdcChTNmhROctVOaN5w==";
    let mut of_rsa = head(
        &format!("{COVERED}{PARAMS};alg=\"rsa-v1_5-sha256\""),
        &lines(),
    );
    let text = format!("sig1=:{signature}:");
    of_rsa.headers.insert("signature", text.parse().unwrap());
    let key = VerifyingKey::rsa_spki_der(&STANDARD.decode(key).unwrap()).unwrap();
    let scheme = Rfc9421Scheme::new(PinnedKeys::one(key));
    assert!(verdict(&scheme, &of_rsa, BODY).is_ok());
}

#[test]
fn every_digest_must_be_the_body_s() {
    let sha512 = STANDARD.encode(Sha512::digest(BODY));
    let wrong = STANDARD.encode(Sha256::digest(b"other"));
    let sha256 = digest();
    for (text, verdict) in [
        (format!("sha-512=:{sha512}:"), Ok(())),
        (format!("{sha256}, sha-512=:{sha512}:"), Ok(())),
        (format!("{sha256}, md5=:AAAA:"), Ok(())),
        (
            format!("sha-256=:{wrong}:, sha-512=:{sha512}:"),
            Err(AuthErrorKind::BodyDigest),
        ),
        (
            format!("{sha256}, sha-512=:{wrong}:"),
            Err(AuthErrorKind::BodyDigest),
        ),
        ("sha-256=::".to_owned(), Err(AuthErrorKind::BodyDigest)),
        (
            "md5=:AAAA:".to_owned(),
            Err(AuthErrorKind::UnsupportedVersion),
        ),
        ("sha-256=1".to_owned(), Err(AuthErrorKind::MalformedHeader)),
        (
            "sha-256=(1)".to_owned(),
            Err(AuthErrorKind::MalformedHeader),
        ),
        ("sha-256".to_owned(), Err(AuthErrorKind::MalformedHeader)),
        ("=".to_owned(), Err(AuthErrorKind::MalformedHeader)),
    ] {
        let lines = lines().replace(&digest(), &text);
        let mut head = head(&format!("{COVERED}{PARAMS}"), &lines);
        head.headers.insert("content-digest", text.parse().unwrap());
        assert_eq!(verify(&head).map(drop), verdict, "{text}");
    }
}

#[test]
fn a_signature_must_say_when_it_was_made_and_may_end() {
    for (params, kind) in [
        (r#";keyid="key-1""#, Some(AuthErrorKind::MalformedTimestamp)),
        (
            r#";created=-1;keyid="key-1""#,
            Some(AuthErrorKind::MalformedTimestamp),
        ),
        (
            r#";created="1";keyid="key-1""#,
            Some(AuthErrorKind::MalformedTimestamp),
        ),
        (
            r#";created=1.5;keyid="key-1""#,
            Some(AuthErrorKind::MalformedTimestamp),
        ),
        (
            r#";created=1763769526;keyid=key-1"#,
            Some(AuthErrorKind::MalformedHeader),
        ),
        (r#";created=1763769526"#, Some(AuthErrorKind::UnknownKey)),
        (
            r#";created=1763769526;keyid="key-2""#,
            Some(AuthErrorKind::UnknownKey),
        ),
        (
            r#";created=1763769526;keyid="key-1";expires=1763769526"#,
            None,
        ),
        (
            r#";created=1763769526;keyid="key-1";expires=1763769525"#,
            Some(AuthErrorKind::Expired),
        ),
        (
            r#";created=1763769526;keyid="key-1";nonce="n";tag="t";other=?0"#,
            None,
        ),
    ] {
        let head = head(&format!("{COVERED}{params}"), &lines());
        assert_eq!(verify(&head).err(), kind, "{params}");
    }
}

#[test]
fn lists_that_cover_too_little_or_the_wrong_things_are_refused() {
    let many: Vec<_> = (0..33).map(|n| format!("\"x-{n}\"")).collect();
    let many = format!(
        r#"("@method" "@target-uri" "content-digest" {})"#,
        many.join(" ")
    );
    for (list, kind) in [
        (r#"("@method" "@target-uri")"#, AuthErrorKind::Uncovered),
        (r#"("content-digest")"#, AuthErrorKind::Uncovered),
        ("()", AuthErrorKind::Uncovered),
        (
            r#"("@method" "@method" "@target-uri" "content-digest")"#,
            AuthErrorKind::MalformedHeader,
        ),
        (
            r#"("@method" "@target-uri" "content-digest" "@status")"#,
            AuthErrorKind::MalformedHeader,
        ),
        (
            r#"("@method" "@target-uri" "content-digest" "@signature-params")"#,
            AuthErrorKind::MalformedHeader,
        ),
        (
            r#"("@method" "@target-uri" "content-digest" "X-Upper")"#,
            AuthErrorKind::MalformedHeader,
        ),
        (
            r#"("@method" "@target-uri" "content-digest" "a b")"#,
            AuthErrorKind::MalformedHeader,
        ),
        (
            r#"("@method" "@target-uri" "content-digest" token)"#,
            AuthErrorKind::MalformedHeader,
        ),
        (
            r#"("@method" "@target-uri" "content-digest" "@query-param")"#,
            AuthErrorKind::MalformedHeader,
        ),
        (
            r#"("@method" "@target-uri" "content-digest";sf)"#,
            AuthErrorKind::UnsupportedVersion,
        ),
        (
            r#"("@method";req "@target-uri" "content-digest")"#,
            AuthErrorKind::UnsupportedVersion,
        ),
        (
            r#"("@method" "@target-uri" "content-digest";bs)"#,
            AuthErrorKind::UnsupportedVersion,
        ),
        (&many, AuthErrorKind::MalformedHeader),
    ] {
        let head = head(&format!("{list}{PARAMS}"), &lines());
        assert_eq!(verify(&head).err(), Some(kind), "{list}");
    }
}

#[test]
fn which_of_several_signatures_counts_is_for_the_receiver_to_say() {
    let mut head = head(&format!("{COVERED}{PARAMS}"), &lines());
    let of = |name: &str| head.headers[name].to_str().unwrap().to_owned();
    let input = format!("proxy=();created=1, {}", of("signature-input"));
    let signature = format!("{}, proxy=:AAAA:", of("signature"));
    head.headers
        .insert("signature-input", input.parse().unwrap());
    head.headers.insert("signature", signature.parse().unwrap());
    assert_eq!(verify(&head), Err(AuthErrorKind::MalformedHeader));
    let label = |label| verdict(&scheme().with_label(label), &head, BODY);
    assert!(label("sig1").is_ok());
    assert_eq!(label("proxy"), Err(AuthErrorKind::Uncovered));
    assert_eq!(label("other"), Err(AuthErrorKind::MissingHeader));

    // As a proxy joins two headers: the second would replace the first.
    for (name, other) in [("signature", "sig1=:AAAA:"), ("signature-input", "sig1=()")] {
        let mut head = head.clone();
        let joined = format!("{other}, {}", head.headers[name].to_str().unwrap());
        head.headers.insert(name, joined.parse().unwrap());
        let verdict = verdict(&scheme().with_label("sig1"), &head, BODY);
        assert_eq!(verdict, Err(AuthErrorKind::MalformedHeader));
    }
}

#[test]
fn headers_of_another_form_are_refused() {
    let good = head(&format!("{COVERED}{PARAMS}"), &lines());
    let long = format!("sig1=:{}:", "A".repeat(5000));
    let labels: Vec<_> = (0..9).map(|n| format!("s{n}=:AAAA:")).collect();
    let labels = labels.join(", ");
    for text in [
        "",
        "sig1",
        "sig1=1",
        "sig1=()",
        "sig1=:A:",
        "sig1=:AAAA:,",
        &long,
        &labels,
    ] {
        let mut head = good.clone();
        head.headers.insert("signature", text.parse().unwrap());
        assert!(verify(&head).is_err(), "{text}");
    }
    for name in ["signature", "signature-input"] {
        let mut head = good.clone();
        let again = head.headers[name].clone();
        head.headers.append(name, again);
        assert_eq!(verify(&head), Err(AuthErrorKind::DuplicateHeader));
        head.headers.remove(name);
        assert_eq!(verify(&head), Err(AuthErrorKind::MissingHeader));
    }
}

#[test]
fn an_id_is_signed_when_its_header_is_covered() {
    let scheme = || {
        scheme()
            .with_delivery_id("webhook-id")
            .with_event_type("webhook-type")
    };
    let covered = COVERED.replace(')', r#" "webhook-id" "webhook-type")"#);
    let extra = "\"webhook-id\": msg_1\n\"webhook-type\": push\n";
    for (list, lines, signed) in [
        (COVERED, lines(), false),
        (&*covered, lines() + extra, true),
    ] {
        let mut head = head(&format!("{list}{PARAMS}"), &lines);
        head.headers.insert("webhook-id", "msg_1".parse().unwrap());
        head.headers.insert("webhook-type", "push".parse().unwrap());
        let delivery = verdict(&scheme(), &head, BODY).unwrap();
        let id = "msg_1".into();
        let id = if signed {
            DeliveryId::Signed(id)
        } else {
            DeliveryId::Unsigned(id)
        };
        assert_eq!(delivery.id, id);
        assert_eq!(delivery.event_type.as_deref(), Some("push"));
        assert_eq!(delivery.event_type_signed, signed);
    }
}

#[test]
fn nothing_in_a_body_that_may_be_unsigned_counts_as_signed() {
    let own = || scheme().with_profile(Profile::new(Shape::Object).with_id(&["id"]));
    assert!(scheme().profile().signs_body() && own().profile().signs_body());
    let later = scheme().dangerous().allow_unsigned_body();
    let later = later.with_profile(Profile::new(Shape::Object).with_id(&["id"]));
    for open in [own().dangerous().allow_unsigned_body(), later] {
        assert!(!open.profile().signs_body());
    }
}

#[test]
fn the_signer_of_test_util_is_believed() {
    let seed = [3; 32];
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
    let keys = PinnedKeys::new()
        .with("h", VerifyingKey::hmac_sha256(Secret::new(SECRET).unwrap()))
        .with("e", VerifyingKey::ed25519(public.as_bytes()).unwrap());
    for signer in [
        Rfc9421Signer::hmac_sha256("h", &Secret::new(SECRET).unwrap()),
        Rfc9421Signer::ed25519("e", &seed),
    ] {
        let covered = [
            "@method",
            "@target-uri",
            "@query",
            "content-digest",
            "content-type",
        ];
        let signer = signer.with_components(covered);
        let request = request("https://hooks.example.com/in?a=b");
        let request = request
            .header("content-type", "application/json")
            .body(BODY);
        let mut request = request.unwrap();
        signer.sign(&mut request, 1_763_769_526).unwrap();
        let head = request.into_parts().0;
        let scheme = Rfc9421Scheme::new(keys.clone());
        let delivery = verdict(&scheme, &head, BODY).unwrap();
        assert_eq!(delivery.timestamp, Some(1_763_769_526));
        assert_eq!(
            verdict(&scheme, &head, b"{ }"),
            Err(AuthErrorKind::BodyDigest)
        );
    }
}
