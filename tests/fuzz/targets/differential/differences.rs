//! Where another crate and we do not judge alike, and why.

use super::Sent;
use super::peers::form;

pub(super) struct Difference {
    pub(super) peer: &'static str,
    pub(super) they_accept: bool,
    #[expect(dead_code, reason = "it is there to be read")]
    pub(super) why: &'static str,
    pub(super) is: fn(&Sent) -> bool,
}

const VERIFY: &str = "webhook-verify";
const STANDARD: &str = "standardwebhooks";

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        peer: VERIFY,
        they_accept: true,
        why: "it takes the first of a header that comes twice, and leaves that to its layers; we refuse it",
        is: Sent::has_doubles,
    },
    Difference {
        peer: STANDARD,
        they_accept: true,
        why: "the same, and it has no layers",
        is: Sent::has_doubles,
    },
    Difference {
        peer: VERIFY,
        they_accept: true,
        why: "it does not read ids and event types; we refuse those that are no text",
        is: Sent::has_no_text,
    },
    Difference {
        peer: VERIFY,
        they_accept: true,
        why: "a dot in the id lets two contents share a signature, and an empty id is none",
        is: Sent::has_odd_id,
    },
    Difference {
        peer: STANDARD,
        they_accept: true,
        why: "the same",
        is: Sent::has_odd_id,
    },
    Difference {
        peer: VERIFY,
        they_accept: true,
        why: "to it zeros before a time are part of a number; no provider writes them",
        is: |sent| sent.time().is_some_and(|time| time.starts_with('0')),
    },
    Difference {
        peer: VERIFY,
        they_accept: true,
        why: "it skips what is no pair in a list, and reads as many as there are; we refuse them, and 18",
        is: Sent::has_odd_list,
    },
    Difference {
        peer: STANDARD,
        they_accept: true,
        why: "it skips what is no pair and no signature in a list; we refuse them, and 18",
        is: Sent::has_odd_list,
    },
    Difference {
        peer: VERIFY,
        they_accept: true,
        why: "it takes the prefix in capitals; GitHub writes it small",
        is: |sent| {
            let value = sent.header("x-hub-signature-256");
            sent.scheme == "github.sha256"
                && value.is_some_and(|value| !value.starts_with("sha256="))
        },
    },
    Difference {
        peer: VERIFY,
        they_accept: true,
        why: "Linear signs a time in its payload, which it does not read",
        is: |sent| sent.scheme == "linear.hmac",
    },
    Difference {
        peer: VERIFY,
        they_accept: false,
        why: "we take a space after the comma between pairs, as some providers write it",
        is: |sent| {
            let value = sent.header("stripe-signature");
            sent.scheme == "stripe.v1"
                && value.is_some_and(|value| value.contains(", ") || value.starts_with(' '))
        },
    },
    Difference {
        peer: VERIFY,
        they_accept: false,
        why: "of a field that comes twice, Twilio's SDKs sign each value once, in order",
        is: |sent| sent.scheme == "twilio.form" && has_doubles(&form(&sent.body)),
    },
    Difference {
        peer: STANDARD,
        they_accept: false,
        why: "it wants bodies in UTF-8; a signature is over bytes",
        is: |sent| std::str::from_utf8(&sent.body).is_err(),
    },
];

/// What we read beside the signature, where it is there.
const BESIDE: [&str; 8] = [
    "i-twilio-idempotency-token",
    "x-github-delivery",
    "x-github-event",
    "x-shopify-webhook-id",
    "x-shopify-topic",
    "linear-delivery",
    "linear-event",
    "x-shopify-event-id",
];

/// What both read.
const READ: [&str; 18] = [
    "linear-signature",
    "stripe-signature",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-dropbox-signature",
    "x-hub-signature-256",
    "x-shopify-hmac-sha256",
    "x-signature-ed25519",
    "x-signature-timestamp",
    "x-slack-request-timestamp",
    "x-slack-signature",
    "x-square-hmacsha256-signature",
    "x-twilio-email-event-webhook-signature",
    "x-twilio-email-event-webhook-timestamp",
    "x-twilio-signature",
    "x-zm-request-timestamp",
    "x-zm-signature",
];

impl Sent {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    fn has_doubles(&self) -> bool {
        let names = BESIDE.iter().chain(&READ);
        names
            .into_iter()
            .any(|name| self.head.headers.get_all(*name).iter().count() > 1)
    }

    fn has_no_text(&self) -> bool {
        let beside = BESIDE
            .iter()
            .filter_map(|name| self.head.headers.get(*name));
        beside.into_iter().any(|value| value.to_str().is_err())
    }

    fn has_odd_id(&self) -> bool {
        self.scheme == "standard_webhooks.v1"
            && self
                .header("webhook-id")
                .is_some_and(|id| id.is_empty() || id.contains('.'))
    }

    /// The time as it is written.
    fn time(&self) -> Option<&str> {
        let names = READ.iter().filter(|name| name.ends_with("timestamp"));
        let in_header = names.into_iter().find_map(|name| self.header(name));
        in_header.or_else(|| {
            let mut pairs = self.header("stripe-signature")?.split(',');
            pairs.find_map(|pair| pair.strip_prefix("t="))
        })
    }

    fn has_odd_list(&self) -> bool {
        let (name, between, joint) = match self.scheme {
            "stripe.v1" => ("stripe-signature", ',', '='),
            "standard_webhooks.v1" => ("webhook-signature", ' ', ','),
            _ => return false,
        };
        let Some(value) = self.header(name) else {
            return false;
        };
        let is_odd = |entry: &str| match entry.split_once(joint) {
            None => true,
            // 32 bytes in base64, in its one spelling.
            Some((version, text)) => joint == ',' && version == "v1" && !is_signature(text),
        };
        value.split(between).any(is_odd) || value.split(between).count() > 17
    }
}

fn has_doubles(fields: &[(String, String)]) -> bool {
    let mut names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
    names.sort();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

fn is_signature(text: &str) -> bool {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    bytes.is_ok_and(|bytes| bytes.len() == 32)
}
