//! How times and signatures are written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::scheme::recipe::{Time, Unit};
use crate::scheme::signature::{Encoding, Layout};

/// The time as the scheme writes it; nothing where it signs none.
pub(super) fn write_time(time: Time, unix_seconds: i64) -> String {
    match time {
        Time::Unsigned => String::new(),
        Time::Header(_, unit) | Time::Signature(_, unit) | Time::Payload(_, unit) => match unit {
            Unit::Seconds => unix_seconds.to_string(),
            Unit::Millis => unix_seconds.saturating_mul(1000).to_string(),
            Unit::Rfc3339 => crate::time::to_rfc3339(unix_seconds),
        },
    }
}

pub(super) fn encode(signature: &[u8], encoding: Encoding) -> String {
    match encoding {
        Encoding::Hex => const_hex::encode(signature),
        Encoding::Base64 => STANDARD.encode(signature),
    }
}

/// The signature header. Where it holds one signature only, the first is written.
pub(super) fn lay_out<'s>(
    layout: Layout,
    clock: Time,
    time: &str,
    signatures: impl IntoIterator<Item = &'s str>,
) -> String {
    // One signature, as most have; Ed25519 in base64 takes 88.
    let mut text = String::with_capacity(112);
    let mut add = |pieces: [&str; 4]| pieces.iter().for_each(|piece| text.push_str(piece));
    let mut signatures = signatures.into_iter();
    match layout {
        Layout::Whole { prefix } => add([prefix, signatures.next().unwrap_or_default(), "", ""]),
        Layout::List { version } => {
            for (count, signature) in signatures.enumerate() {
                add([if count > 0 { " " } else { "" }, version, ",", signature]);
            }
        }
        Layout::Pairs { separator, version } => {
            let mut joint = "";
            if let Time::Signature(clock, _) = clock {
                add([clock, "=", time, ""]);
                joint = separator;
            }
            for signature in signatures {
                add([joint, version, "=", signature]);
                joint = separator;
            }
        }
    }
    text
}
