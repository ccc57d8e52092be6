//! Whatever a stranger sends is refused, and nothing panics.

use proptest::prelude::*;
use tower_webhook::scheme::{PinnedKeys, PlaidScheme, Rfc9421Scheme, Scheme as _, VerifyingKey};
use tower_webhook::secret::Secret;

use super::{Absent, parts, request, vector, verdict};
use crate::vectors_keys::{paypal, sns};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn rfc9421_refuses_any_text(
        input in r#"(sig1=\("?[@a-z-]{0,9}"?(;name)?(="[a-z%]{0,4}")?\)(;created=[-0-9.]{0,16})?(;keyid=("k"|1))?)|[ -~]{0,60}"#,
        signature in "(sig1=:[A-Za-z0-9+/=]{0,90}:?)|[ -~]{0,60}",
        uri in r"/[a-z/%]{0,9}(\?[a-z=&%+]{0,12})?",
    ) {
        let key = VerifyingKey::hmac_sha256(Secret::new("an example secret").unwrap());
        let scheme = Rfc9421Scheme::new(PinnedKeys::one(key)).with_required_components([]).unwrap();
        let scheme = scheme.dangerous().allow_unsigned_body();
        let head = request(&uri).header("signature-input", input).header("signature", signature);
        let head = head.header("host", "a").body(()).unwrap().into_parts().0;
        prop_assert!(scheme.begin(&head).is_err());
    }

    #[test]
    fn plaid_refuses_any_text(token in r"([A-Za-z0-9_-]{0,80}\.){0,4}[A-Za-z0-9_-]{0,90}|[ -~]{0,60}") {
        let head = request("/").header("plaid-verification", token);
        let head = head.body(()).unwrap().into_parts().0;
        prop_assert!(PlaidScheme::new(Absent::default()).begin(&head).is_err());
    }

    #[test]
    fn paypal_refuses_any_text(place in 0..5_usize, text in "[ -~]{0,60}") {
        let vector = vector("pub-paypal-001");
        let mut head = parts(vector);
        let name = [
            "paypal-transmission-id",
            "paypal-transmission-time",
            "paypal-transmission-sig",
            "paypal-cert-url",
            "paypal-auth-algo",
        ][place];
        // Without the algorithm there is only one it can be.
        prop_assume!(place < 4 || !text.is_empty());
        head.headers.insert(name, text.parse().unwrap());
        let verdict = verdict(&paypal(vector), &head, &crate::vectors_keys::body(vector));
        prop_assert!(verdict.is_err());
    }

    #[test]
    fn sns_refuses_any_field(
        name in "Type|MessageId|TopicArn|Message|Timestamp|SignatureVersion|Signature|SigningCertURL",
        text: String,
    ) {
        let vector = vector("pub-aws_sns-001");
        let mut message: serde_json::Value =
            serde_json::from_slice(&crate::vectors_keys::body(vector)).unwrap();
        // What stood there is no garbage.
        prop_assume!(message[&name] != text.as_str());
        message[name] = text.into();
        let body = message.to_string();
        prop_assert!(verdict(&sns(vector), &parts(vector), body.as_bytes()).is_err());
    }

    #[test]
    fn sns_refuses_any_body(body: Vec<u8>) {
        let vector = vector("pub-aws_sns-001");
        prop_assert!(verdict(&sns(vector), &parts(vector), &body).is_err());
    }
}
