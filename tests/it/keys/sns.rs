//! AWS SNS beyond its vectors, and what the envelope says of it and of PayPal.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use serde_json::Value;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::{AuthErrorKind, PinnedKeys, Scheme, SnsScheme, VerifyingKey};
use tower_webhook::verify::{Verified as _, VerifiedBody, VerifyLayer};

use super::{parts, vector, verdict};
use crate::vectors_keys::{body, paypal, sns};

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:MyTopic";

fn keys(vector: &Value) -> PinnedKeys {
    let pem = vector["secrets"][0].as_str().unwrap();
    PinnedKeys::one(VerifyingKey::certificate_pem(pem).unwrap())
}

#[test]
fn only_the_topics_that_were_named_are_accepted() {
    let vector = vector("pub-aws_sns-001");
    let (head, body) = (parts(vector), body(vector));
    let ours = SnsScheme::for_topic(keys(vector), TOPIC);
    assert!(verdict(&ours, &head, &body).is_ok());
    let other = SnsScheme::for_topic(keys(vector), "arn:aws:sns:us-east-1:123456789012:Other");
    let refused = Err(AuthErrorKind::OtherTopic);
    assert_eq!(verdict(&other, &head, &body), refused);
    assert!(verdict(&other.or_topic(TOPIC), &head, &body).is_ok());
}

#[test]
fn sha1_can_be_switched_off() {
    for (id, kind) in [
        ("pub-aws_sns-001", None),
        ("pub-aws_sns-002", Some(AuthErrorKind::UnsupportedVersion)),
    ] {
        let vector = vector(id);
        let scheme = sns(vector).sha256_only();
        assert_eq!(verdict(&scheme, &parts(vector), &body(vector)).err(), kind);
    }
}

#[test]
fn headers_that_contradict_the_body_are_refused() {
    let vector = vector("pub-aws_sns-001");
    for name in ["x-amz-sns-message-type", "x-amz-sns-message-id"] {
        let mut head = parts(vector);
        head.headers.insert(name, "Other".parse().unwrap());
        let refused = Err(AuthErrorKind::MalformedHeader);
        assert_eq!(verdict(&sns(vector), &head, &body(vector)), refused);
        head.headers.remove(name);
        assert!(verdict(&sns(vector), &head, &body(vector)).is_ok());
    }
}

#[test]
fn bodies_that_could_be_read_in_two_ways_are_refused() {
    let vector = vector("pub-aws_sns-001");
    let text = String::from_utf8(body(vector)).unwrap();
    let message: Value = serde_json::from_str(&text).unwrap();
    let mut head = parts(vector);
    head.headers.clear();
    let malformed = Err(AuthErrorKind::MalformedBody);
    let refuse = |body: &str| assert_eq!(verdict(&sns(vector), &head, body.as_bytes()), malformed);

    refuse(&text.replacen('{', r#"{"Message": "other","#, 1));
    refuse(&format!("{text} x"));
    refuse("");
    refuse("raw message delivery");
    let fields: Vec<_> = message.as_object().unwrap().values().collect();
    refuse(&serde_json::to_string(&fields).unwrap());
    for name in ["MessageId", "TopicArn", "Subject"] {
        let mut other = message.clone();
        other[name] = format!("{}\nSubject\nother", message[name].as_str().unwrap()).into();
        refuse(&other.to_string());
    }
    let mut other = message;
    other["Type"] = "SomethingElse".into();
    refuse(&other.to_string());
}

/// What a handler behind the envelope is told.
async fn opened<S: Scheme>(vector: &Value, scheme: S) -> Delivery {
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme))
        .layer(OpenEnvelopeLayer::new())
        .service(service_fn(|req: Request<VerifiedBody>| async move {
            let mut response = Response::new(Empty::<Bytes>::new());
            response
                .extensions_mut()
                .insert(req.body().delivery().clone());
            Ok::<_, Infallible>(response)
        }));
    let request = crate::vectors_keys::head(vector);
    let request = request.body(Full::new(Bytes::from(body(vector))));
    let response = stack.oneshot(request.unwrap()).await.unwrap();
    response.extensions().get::<Delivery>().unwrap().clone()
}

#[tokio::test]
async fn text_plain_is_opened_as_an_object() {
    let vector = vector("pub-aws_sns-005");
    let delivery = opened(vector, sns(vector)).await;
    let event_type = delivery.event_type.as_deref();
    assert_eq!(event_type, Some("SubscriptionConfirmation"));
    assert!(delivery.event_type_signed);
    assert!(matches!(delivery.id, DeliveryId::Signed(_)));
}

#[tokio::test]
async fn the_event_type_under_a_checksum_is_not_signed() {
    let vector = vector("pub-paypal-001");
    let delivery = opened(vector, paypal(vector)).await;
    let event_type = delivery.event_type.as_deref();
    assert_eq!(event_type, Some("PAYMENT.CAPTURE.COMPLETED"));
    assert!(!delivery.event_type_signed);
    assert!(matches!(delivery.id, DeliveryId::Signed(_)));
}
