use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{AuthError, AuthErrorKind};

/// Bytes of an HMAC-SHA256.
pub(super) type Mac = [u8; 32];

/// Most signatures read from one header: more would only cost us time.
const MAX_CANDIDATES: usize = 16;

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Encoding {
    Hex,
    Base64,
}

/// How the signature header is laid out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layout {
    /// `<prefix><signature>`.
    Whole { prefix: &'static str },
    /// `t=<time>,<version>=<signature>,…`; other keys are skipped.
    Pairs { version: &'static str },
    /// `<version>,<signature> …`; other versions are skipped.
    List { version: &'static str },
}

/// What a signature header holds.
#[derive(Debug, Default)]
pub(super) struct Parsed<'h> {
    pub(super) candidates: Vec<Mac>,
    pub(super) timestamp: Option<&'h str>,
}

pub(super) fn parse(
    text: &str,
    layout: Layout,
    encoding: Encoding,
) -> Result<Parsed<'_>, AuthError> {
    let mut parsed = Parsed::default();
    let malformed = AuthErrorKind::MalformedHeader;
    let (separator, joint, version) = match layout {
        Layout::Whole { prefix } => {
            let digits = text.strip_prefix(prefix).ok_or(malformed)?;
            parsed.candidates.push(decode(digits, encoding)?);
            return Ok(parsed);
        }
        Layout::Pairs { version } => (',', '=', version),
        Layout::List { version } => (' ', ',', version),
    };
    for (count, entry) in text.split(separator).enumerate() {
        if count > MAX_CANDIDATES {
            return Err(malformed.into());
        }
        let (key, value) = entry.split_once(joint).ok_or(malformed)?;
        if key == version {
            parsed.candidates.push(decode(value, encoding)?);
        } else if joint == '=' && key == "t" && parsed.timestamp.replace(value).is_some() {
            return Err(malformed.into()); // which of the two was signed?
        }
    }
    if parsed.candidates.is_empty() {
        return Err(AuthErrorKind::UnsupportedVersion.into());
    }
    Ok(parsed)
}

fn decode(text: &str, encoding: Encoding) -> Result<Mac, AuthError> {
    let mut mac = [0; 32];
    let decoded = match encoding {
        Encoding::Hex => text.len() == 64 && const_hex::decode_to_slice(text, &mut mac).is_ok(),
        // `decode_slice` wants room for a whole number of groups.
        Encoding::Base64 => {
            let mut room = [0; 33];
            let read = STANDARD.decode_slice(text, &mut room);
            mac.copy_from_slice(&room[..32]);
            text.len() == 44 && read == Ok(32)
        }
    };
    if decoded {
        Ok(mac)
    } else {
        Err(AuthErrorKind::MalformedHeader.into())
    }
}
