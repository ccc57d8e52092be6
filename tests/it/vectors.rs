//! Published and generated vectors of the five schemes.

use base64::Engine as _;
use serde_json::Value;
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::scheme::{AuthErrorKind, HmacScheme, Pass as _, Scheme as _};
use tower_webhook::secret::Secret;

fn body(vector: &Value) -> Vec<u8> {
    if let Some(text) = vector["body_utf8"].as_str() {
        return text.into();
    }
    if let Some(text) = vector["body_base64"].as_str() {
        return base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap();
    }
    let rule = &vector["body_gen"];
    let text = |key: &str| rule[key].as_str().unwrap();
    let times = usize::try_from(rule["times"].as_u64().unwrap()).unwrap();
    format!(
        "{}{}{}",
        text("prefix"),
        text("unit").repeat(times),
        text("suffix")
    )
    .into()
}

fn scheme(vector: &Value) -> HmacScheme {
    let standard = vector["scheme"] == "standard_webhooks.v1";
    let mut secrets = vector["secrets"].as_array().unwrap().iter().map(|secret| {
        let secret = secret.as_str().unwrap();
        if standard {
            Secret::standard_webhooks(secret).unwrap()
        } else {
            Secret::dangerous_any_length(secret).unwrap()
        }
    });
    let first = secrets.next().unwrap();
    let scheme = match vector["scheme"].as_str().unwrap() {
        "github.sha256" => HmacScheme::github(first),
        "stripe.v1" => HmacScheme::stripe(first),
        "standard_webhooks.v1" => HmacScheme::standard_webhooks(first),
        "slack.v0" => HmacScheme::slack(first),
        "shopify.hmac" => HmacScheme::shopify(first),
        other => panic!("unknown scheme {other}"),
    };
    secrets.fold(scheme, HmacScheme::or_secret)
}

fn verify(vector: &Value, chunk: usize) -> Result<Delivery, AuthErrorKind> {
    let mut request = http::Request::post(vector["url"].as_str().unwrap());
    for header in vector["headers"].as_array().unwrap() {
        request = request.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let body = body(vector);
    let mut pass = scheme(vector).begin(&head).map_err(|err| err.kind())?;
    body.chunks(chunk).for_each(|chunk| pass.update(chunk));
    pass.finish(&body).map_err(|err| err.kind())
}

#[test]
fn every_vector_gives_its_verdict_however_the_body_is_cut() {
    let file: Value = serde_json::from_str(include_str!("../vectors/inbound.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 156);
    for vector in vectors {
        for chunk in [usize::MAX, 4096, 7] {
            let verdict = verify(vector, chunk);
            // Freshness is the replay window's to judge: a stale delivery is authentic.
            let authentic = matches!(
                vector["expect"].as_str().unwrap(),
                "ok" | "challenge" | "stale" | "future"
            );
            assert_eq!(verdict.is_ok(), authentic, "{}: {verdict:?}", vector["id"]);
            let meta = &vector["expect_meta"];
            let Ok(delivery) = verdict else { continue };
            if let Some(raw) = meta["timestamp"]["raw"].as_str() {
                let signed = meta["timestamp"]["signed"] == true;
                assert_eq!(delivery.timestamp, raw.parse().ok().filter(|_| signed));
            }
            if let DeliveryId::Signed(id) | DeliveryId::Unsigned(id) = &delivery.id {
                assert_eq!(Some(&**id), meta["delivery_id"].as_str().or(Some(id)));
            }
        }
    }
}
