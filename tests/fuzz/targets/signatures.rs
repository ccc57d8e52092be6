//! Signature headers: whole ones, pairs, lists.
//!
//! Input: a byte that says whose, and the header, in which 0x01 stands for the right signature, 0x02 for it
//! in capitals, 0x03 for a wrong one, 0x04 for the time.

use http::request::Parts;
use http::{HeaderValue, Request};
use tower_webhook::scheme::HmacScheme;

use crate::compare::{Verdict, judge};
use crate::sign::{base64, hex, mac, secret};

const BODY: &[u8] = br#"{"number":7}"#;
const TIME: &str = "1763700000";
/// Most entries of a list that are read.
const MAX_ENTRIES: usize = 17;

/// How a provider writes its signatures.
struct Form {
    header: &'static str,
    scheme: fn() -> HmacScheme,
    /// What is signed before the body.
    before: &'static str,
    /// The sign between entries; `None` where there is one entry.
    between: Option<&'static str>,
    /// What stands before a signature, the sign after it included.
    version: &'static str,
    /// The name of the time, where it stands in the header.
    time: Option<&'static str>,
    encode: fn(&[u8]) -> String,
}

static FORMS: [Form; 6] = [
    Form {
        header: "x-hub-signature-256",
        scheme: || HmacScheme::github(secret()),
        before: "",
        between: None,
        version: "sha256=",
        time: None,
        encode: hex,
    },
    Form {
        header: "x-shopify-hmac-sha256",
        scheme: || HmacScheme::shopify(secret()),
        before: "",
        between: None,
        version: "",
        time: None,
        encode: base64,
    },
    Form {
        header: "stripe-signature",
        scheme: || HmacScheme::stripe(secret()),
        before: "1763700000.",
        between: Some(","),
        version: "v1=",
        time: Some("t"),
        encode: hex,
    },
    Form {
        header: "paddle-signature",
        scheme: || HmacScheme::paddle(secret()),
        before: "1763700000:",
        between: Some(";"),
        version: "h1=",
        time: Some("ts"),
        encode: hex,
    },
    Form {
        header: "x-pagerduty-signature",
        scheme: || HmacScheme::pagerduty(secret()),
        before: "",
        between: Some(","),
        version: "v1=",
        time: None,
        encode: hex,
    },
    Form {
        header: "webhook-signature",
        scheme: || HmacScheme::standard_webhooks(secret()),
        before: "id-1.1763700000.",
        between: Some(" "),
        version: "v1,",
        time: None,
        encode: base64,
    },
];

/// A header is accepted if and only if it is one that the provider may write, with a signature that matches.
pub fn signatures(data: &[u8]) {
    let Some((choice, template)) = data.split_first() else {
        return;
    };
    let form = &FORMS[usize::from(*choice) % FORMS.len()];
    let right = mac(&[form.before.as_bytes(), BODY]);
    let text = form.fill(template, &right);
    let Some(head) = form.head(&text) else {
        return;
    };
    let verdict = judge(&(form.scheme)(), &head, BODY);
    let accepted = matches!(verdict, Verdict::Delivery(_));
    let text = String::from_utf8(text).unwrap_or_default();
    assert_eq!(
        accepted,
        form.accepts(&text, &right),
        "{verdict:?} {text:?}"
    );
    // Whatever else is read out of it.
    let spelt = (form.encode)(&right);
    let holds = text.contains(&spelt) || text.to_ascii_lowercase().contains(&spelt);
    assert!(
        !accepted || holds,
        "accepted without the signature: {text:?}"
    );
}

impl Form {
    fn fill(&self, template: &[u8], right: &[u8; 32]) -> Vec<u8> {
        let right_text = (self.encode)(right);
        let fill = |byte: &u8| match byte {
            1 => right_text.clone().into_bytes(),
            2 => right_text.to_uppercase().into_bytes(),
            3 => (self.encode)(&[7; 32]).into_bytes(),
            4 => TIME.into(),
            other => vec![*other],
        };
        template.iter().flat_map(fill).collect()
    }

    fn head(&self, text: &[u8]) -> Option<Parts> {
        let (mut head, ()) = Request::post("/").body(()).ok()?.into_parts();
        head.headers
            .insert("webhook-id", HeaderValue::from_static("id-1"));
        head.headers
            .insert("webhook-timestamp", HeaderValue::from_static(TIME));
        let value = HeaderValue::from_bytes(text).ok()?;
        head.headers.insert(self.header, value);
        Some(head)
    }

    /// Reads the header once more, in another way.
    fn accepts(&self, text: &str, right: &[u8; 32]) -> bool {
        let spelt = (self.encode)(right);
        let is_hex = spelt.len() == 64;
        let is_right =
            |value: &str| value == spelt || (is_hex && value.eq_ignore_ascii_case(&spelt));
        if !text
            .bytes()
            .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
        {
            return false;
        }
        let Some(between) = self.between else {
            return text.strip_prefix(self.version).is_some_and(is_right);
        };
        let (version, joint) = self.version.split_at(self.version.len() - 1);
        let entries: Vec<_> = text.split(between).collect();
        let pairs = entries
            .iter()
            .map(|entry| entry.strip_prefix(' ').unwrap_or(entry));
        let pairs: Option<Vec<_>> = pairs.map(|entry| entry.split_once(joint)).collect();
        let Some(pairs) = pairs.filter(|_| entries.len() <= MAX_ENTRIES) else {
            return false;
        };
        let named = |name: &str| -> Vec<&str> {
            let pairs = pairs.iter().filter(|(key, _)| *key == name);
            pairs.map(|(_, value)| *value).collect()
        };
        let ours = named(version);
        self.time.is_none_or(|name| named(name) == [TIME])
            && ours.iter().all(|value| self.is_signature(value))
            && ours.iter().any(|value| is_right(value))
    }

    /// Whether a text can be a signature of 32 bytes.
    fn is_signature(&self, text: &str) -> bool {
        if (self.encode)(&[0; 32]).len() == 64 {
            return text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        }
        let Some((digits, "=")) = text.split_at_checked(43) else {
            return false;
        };
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        // 43 digits are 258 bits: the last two are none of the signature's, and zero.
        let ends = "AEIMQUYcgkosw048".contains(&digits[42..]);
        digits.bytes().all(is_digit) && ends
    }
}
