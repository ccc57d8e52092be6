//! What is sent: which event in which way, drawn from one seed.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tower_webhook::testing::Delivery;
use tower_webhook::time::{Clock as _, SystemClock};

use super::receiver::scheme_path;

/// One signs no time, the others do; one signs the id in a header, one has it in the payload.
pub(crate) const PROVIDERS: [&str; 3] = ["github.sha256", "stripe.v1", "standard_webhooks.v1"];

/// How old a delivery may be.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// What happens to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Sent once.
    Fresh,
    /// An earlier one, sent again.
    Duplicate,
    /// Sent on both versions of HTTP at once.
    Twice,
    /// With another letter in its payload.
    Tampered,
    /// Signed before the window.
    Stale,
    /// Longer than is taken, which its head says.
    Oversized,
    /// Longer than is taken, which shows when it is there.
    Growing,
    /// Half of it; then its sender hangs up, and sends it whole.
    Half,
    /// Its sender hangs up when its handler runs, and sends it again.
    Hanging,
}

/// In these parts of twenty.
const MIX: [(Kind, u64); 9] = [
    (Kind::Fresh, 9),
    (Kind::Duplicate, 3),
    (Kind::Twice, 1),
    (Kind::Tampered, 2),
    (Kind::Stale, 1),
    (Kind::Oversized, 1),
    (Kind::Growing, 1),
    (Kind::Half, 1),
    (Kind::Hanging, 1),
];

/// What was drawn for the event of this number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawn {
    pub(crate) number: u64,
    pub(crate) kind: Kind,
    pub(crate) provider: &'static str,
    /// Which version of HTTP comes first.
    pub(crate) version: usize,
    /// Bytes that fill its payload.
    filler: usize,
    /// For whatever else is to be chosen.
    pub(crate) choice: usize,
}

/// A number that looks like chance (SplitMix64).
fn scramble(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Drawn {
    pub(crate) fn of(number: u64) -> Self {
        let drawn = scramble(number);
        let mut left = drawn % 20;
        let mut kind = Kind::Fresh;
        for (next, parts) in MIX {
            if left < parts {
                kind = next;
                break;
            }
            left -= parts;
        }
        let part = |shift: u32, of: usize| (drawn >> shift) as usize % of;
        let provider = match kind {
            // Who signs no time is never stale.
            Kind::Stale => PROVIDERS[1 + part(8, 2)],
            _ => PROVIDERS[part(8, 3)],
        };
        Self {
            number,
            kind,
            provider,
            version: part(16, 2),
            // Mostly small, as deliveries are.
            filler: 1 << part(24, 14),
            choice: part(40, 1 << 16),
        }
    }

    /// The delivery, signed.
    pub(crate) fn request(&self) -> Request<Bytes> {
        let (number, filler) = (self.number, "x".repeat(self.filler));
        let mut delivery = blank(self.provider)
            .body(format!(r#"{{"number":{number},"filler":"{filler}"}}"#))
            .id(format!("event-{number}"))
            .event_type("push");
        if self.kind == Kind::Tampered {
            delivery = delivery.tampered();
        }
        if self.kind == Kind::Stale {
            let past = i64::try_from(WINDOW.as_secs()).unwrap() + 1;
            delivery = delivery.at(SystemClock.unix_seconds() - past);
        }
        let mut request = delivery.request();
        *request.uri_mut() = format!("{}/one", request.uri().path()).parse().unwrap();
        request.map(Bytes::from)
    }

    /// The same over this version of HTTP.
    pub(crate) fn over(self, version: usize) -> Self {
        Self { version, ..self }
    }

    /// The connection, as metrics name it.
    pub(crate) fn connection(&self) -> String {
        format!("{}/one", scheme_path(self.provider))
    }
}

/// A delivery with the secret of its connection, which no other has.
pub(crate) fn blank(provider: &str) -> Delivery {
    let secret = match provider {
        "standard_webhooks.v1" => "whsec_c3RhbmRhcmQgd2ViaG9va3MncyBzZWNyZXQ=".to_owned(),
        other => format!("the secret of {other}"),
    };
    Delivery::of(provider, &secret)
}
