//! No change of a single bit of what is signed is accepted.

use http::HeaderValue;
use http::request::Parts;
use proptest::prelude::*;
use serde_json::Value;
use tower_webhook::scheme::Scheme;

use super::{parts, vector, verdict};
use crate::vectors_keys::{body, paypal, plaid, rfc9421, sns};

fn flip(bytes: &mut [u8], bit: usize) {
    let bit = bit % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// The vector with one bit of the body or of a header changed; `None` where HTTP has no such value.
fn changed(
    vector: &Value,
    headers: &[&'static str],
    place: usize,
    bit: usize,
) -> Option<(Parts, Vec<u8>)> {
    let (mut head, mut body) = (parts(vector), body(vector));
    match headers.get(place % (headers.len() + 1)) {
        Some(name) => {
            let mut value = head.headers[*name].as_bytes().to_vec();
            flip(&mut value, bit);
            head.headers
                .insert(*name, HeaderValue::from_bytes(&value).ok()?);
        }
        None => flip(&mut body, bit),
    }
    Some((head, body))
}

fn refused<S: Scheme>(
    scheme: &S,
    vector: &Value,
    headers: &[&'static str],
    place: usize,
    bit: usize,
) {
    if let Some((head, body)) = changed(vector, headers, place, bit) {
        assert!(
            verdict(scheme, &head, &body).is_err(),
            "bit {bit} of {place}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn plaid_accepts_no_changed_bit(place: usize, bit: usize) {
        let vector = vector("pub-plaid-001");
        refused(&plaid(vector), vector, &["plaid-verification"], place, bit);
    }

    #[test]
    fn paypal_accepts_no_changed_bit(place: usize, bit: usize) {
        let vector = vector("pub-paypal-001");
        let headers = [
            "paypal-transmission-id",
            "paypal-transmission-time",
            "paypal-transmission-sig",
            "paypal-cert-url",
            "paypal-auth-algo",
        ];
        refused(&paypal(vector), vector, &headers, place, bit);
    }

    #[test]
    fn rfc9421_accepts_no_changed_bit(place: usize, bit: usize, is_hmac: bool) {
        let vector = vector(if is_hmac { "pub-rfc9421-001" } else { "pub-rfc9421-002" });
        let headers = ["signature-input", "signature", "content-digest", "content-type"];
        refused(&rfc9421(vector), vector, &headers, place, bit);
    }

    #[test]
    fn sns_accepts_no_changed_bit_of_what_is_signed(is_v1: bool, bit: usize) {
        let vector = vector(if is_v1 { "pub-aws_sns-002" } else { "pub-aws_sns-001" });
        let (head, mut changed) = (parts(vector), body(vector));
        flip(&mut changed, bit);
        if verdict(&sns(vector), &head, &changed).is_ok() {
            // SNS does not sign the name and the value of this field, nor what nobody knows.
            let read = |body: &[u8]| -> Value {
                let mut value: Value = serde_json::from_slice(body).unwrap();
                let fields = value.as_object_mut().unwrap();
                fields.retain(|name, _| {
                    let signed = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
                    signed.contains(&&**name)
                });
                value
            };
            prop_assert_eq!(read(&changed), read(&body(vector)));
        }
    }
}
