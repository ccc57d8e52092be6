use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smallvec::SmallVec;

use super::{AuthError, AuthErrorKind};

/// Most signatures read from one header: more would only cost us time.
const MAX_CANDIDATES: usize = 16;
/// Bytes of the longest signature: ECDSA over P-256 in DER.
const MAX_BYTES: usize = 72;

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Hex,
    Base64,
}

/// How the signature header is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `<prefix><signature>`.
    Whole { prefix: &'static str },
    /// `t=<time>,<version>=<signature>,…`; other keys are skipped.
    Pairs {
        /// As the provider writes it; a space after it is optional to us.
        separator: &'static str,
        version: &'static str,
    },
    /// `<version>,<signature> …`; other versions are skipped.
    List { version: &'static str },
}

/// The bytes of a signature or of a digest.
#[derive(Clone, Copy)]
pub(crate) struct Tag {
    bytes: [u8; MAX_BYTES],
    len: usize,
}

impl Tag {
    /// Takes up to 72 bytes.
    pub(crate) fn new(from: &[u8]) -> Self {
        let len = from.len().min(MAX_BYTES);
        let mut bytes = [0; MAX_BYTES];
        bytes[..len].copy_from_slice(&from[..len]);
        Self { bytes, len }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Signatures to be tried: one, but for rotations of the sender.
pub(super) type Candidates = SmallVec<[Tag; 1]>;

/// What a signature header holds.
#[derive(Default)]
pub(super) struct Parsed<'h> {
    pub(super) candidates: Candidates,
    pub(super) timestamp: Option<&'h str>,
}

/// Reads a signature header. `clock` is the key of the time beside the signatures, empty where none stands
/// there, `len` the bytes of a signature, where they are known.
pub(super) fn parse<'h>(
    text: &'h str,
    layout: Layout,
    encoding: Encoding,
    clock: &str,
    len: Option<usize>,
) -> Result<Parsed<'h>, AuthError> {
    let mut parsed = Parsed::default();
    let malformed = AuthErrorKind::MalformedHeader;
    let (separator, joint, version) = match layout {
        Layout::Whole { prefix } => {
            let digits = text.strip_prefix(prefix).ok_or(malformed)?;
            parsed.candidates.push(decode(digits, encoding, len)?);
            return Ok(parsed);
        }
        Layout::Pairs { separator, version } => (separator.trim_end(), '=', version),
        Layout::List { version } => (" ", ',', version),
    };
    for (count, entry) in text.split(separator).enumerate() {
        if count > MAX_CANDIDATES {
            return Err(malformed.into());
        }
        let entry = entry.strip_prefix(' ').unwrap_or(entry);
        let (key, value) = entry.split_once(joint).ok_or(malformed)?;
        if key == version {
            parsed.candidates.push(decode(value, encoding, len)?);
        } else if !clock.is_empty() && key == clock && parsed.timestamp.replace(value).is_some() {
            return Err(malformed.into()); // which of the two was signed?
        }
    }
    if parsed.candidates.is_empty() {
        return Err(AuthErrorKind::UnsupportedVersion.into());
    }
    Ok(parsed)
}

pub(super) fn decode(text: &str, encoding: Encoding, len: Option<usize>) -> Result<Tag, AuthError> {
    // `decode_slice` wants room for a whole number of groups.
    let mut room = [0; MAX_BYTES + 3];
    let read = match encoding {
        Encoding::Hex => {
            let read = text.len() / 2;
            let room = room.get_mut(..read);
            room.and_then(|room| const_hex::decode_to_slice(text, room).ok())
                .map(|()| read)
        }
        Encoding::Base64 => STANDARD.decode_slice(text, &mut room).ok(),
    };
    let fits = |read: &usize| *read > 0 && *read <= MAX_BYTES && len.is_none_or(|len| *read == len);
    let read = read.filter(fits).ok_or(AuthErrorKind::MalformedHeader)?;
    Ok(Tag::new(&room[..read]))
}
