use std::time::{SystemTime, UNIX_EPOCH};

use http::request::Parts;
use tower_webhook::scheme::{HmacScheme, PublicUrl};
use webhook_verify::Provider;

use super::Sent;
use super::peers::{Peer, URL};
use crate::request::{read, split, write};
use crate::sign::{base64, hex, mac, secret};
use crate::{KEY, NOW};

/// How a request is signed here.
pub(super) struct Form {
    peer: Peer,
    id: &'static str,
    pub(super) scheme: fn() -> HmacScheme,
    /// What is signed of the head, before the body.
    before: fn(&Parts) -> Option<Vec<u8>>,
    encode: fn(&[u8]) -> String,
}

const fn form(
    provider: Provider,
    id: &'static str,
    scheme: fn() -> HmacScheme,
    before: fn(&Parts) -> Option<Vec<u8>>,
    encode: fn(&[u8]) -> String,
) -> Form {
    let peer = Peer::Verify(provider);
    Form {
        peer,
        id,
        scheme,
        before,
        encode,
    }
}

const STANDARD: &str = "standard_webhooks.v1";

pub(super) static FORMS: [Form; 10] = [
    form(
        Provider::GitHub,
        "github.sha256",
        || HmacScheme::github(secret()),
        nothing,
        hex,
    ),
    form(
        Provider::Shopify,
        "shopify.hmac",
        || HmacScheme::shopify(secret()),
        nothing,
        base64,
    ),
    form(
        Provider::Linear,
        "linear.hmac",
        || HmacScheme::linear(secret()),
        nothing,
        hex,
    ),
    form(
        Provider::Dropbox,
        "dropbox.hmac",
        || HmacScheme::dropbox(secret()),
        nothing,
        hex,
    ),
    form(
        Provider::Stripe,
        "stripe.v1",
        || HmacScheme::stripe(secret()),
        stripe,
        hex,
    ),
    form(
        Provider::Slack,
        "slack.v0",
        || HmacScheme::slack(secret()),
        slack,
        hex,
    ),
    form(
        Provider::Zoom,
        "zoom.v0",
        || HmacScheme::zoom(secret()),
        zoom,
        hex,
    ),
    form(
        Provider::Square,
        "square.hmacsha256",
        square,
        |_| Some(URL.into()),
        base64,
    ),
    form(
        Provider::StandardWebhooks,
        STANDARD,
        standard,
        standard_content,
        base64,
    ),
    Form {
        peer: Peer::Standard,
        id: STANDARD,
        scheme: standard,
        before: standard_content,
        encode: base64,
    },
];

fn standard() -> HmacScheme {
    HmacScheme::standard_webhooks(secret())
}

fn square() -> HmacScheme {
    HmacScheme::square(PublicUrl::new(URL).expect("a URL"), secret())
}

fn nothing(_: &Parts) -> Option<Vec<u8>> {
    Some(Vec::new())
}

fn header<'h>(head: &'h Parts, name: &str) -> Option<&'h [u8]> {
    head.headers.get(name).map(|value| value.as_bytes())
}

fn stripe(head: &Parts) -> Option<Vec<u8>> {
    let (_, after) = split(header(head, "stripe-signature")?, b"t=");
    let (time, _) = split(after, b",");
    Some([time, b"."].concat())
}

fn slack(head: &Parts) -> Option<Vec<u8>> {
    Some([b"v0:", header(head, "x-slack-request-timestamp")?, b":"].concat())
}

fn zoom(head: &Parts) -> Option<Vec<u8>> {
    Some([b"v0:", header(head, "x-zm-request-timestamp")?, b":"].concat())
}

fn standard_content(head: &Parts) -> Option<Vec<u8>> {
    let (id, time) = (
        header(head, "webhook-id")?,
        header(head, "webhook-timestamp")?,
    );
    Some([id, b".", time, b"."].concat())
}

impl Form {
    /// The secret, as the provider writes it.
    pub(super) fn secret(&self) -> String {
        match self.id {
            STANDARD => format!("whsec_{}", base64(KEY)),
            _ => String::from_utf8(KEY.to_vec()).expect("it is text"),
        }
    }

    pub(super) fn fill(&self, text: &[u8]) -> Sent {
        let (top, body) = split(text, b"\n\n");
        // That crate has no clock but the machine's.
        let now = match self.peer {
            Peer::Standard => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs() as i64),
            Peer::Verify(_) => NOW,
        };
        let fill = |signature: &str| -> Vec<u8> {
            let fill = |byte: &u8| match byte {
                1 => signature.as_bytes().to_vec(),
                2 => signature.to_uppercase().into_bytes(),
                3 => (self.encode)(&[7; 32]).into_bytes(),
                4 => now.to_string().into_bytes(),
                other => vec![*other],
            };
            top.iter().flat_map(fill).collect()
        };
        // Once for what is signed of the head, then with the signature.
        let (head, _) = read(&fill("x"));
        let before = (self.before)(&head).unwrap_or_default();
        let signature = (self.encode)(&mac(&[&before, body]));
        let (head, _) = read(&fill(&signature));
        let (head, body) = read(&write(&head, body));
        Sent {
            peer: self.peer,
            scheme: self.id,
            head,
            body,
            now,
        }
    }
}
