use super::challenge::Challenge;
use super::profile::{Facts, Shape};
use super::signature::{Encoding, Layout};

/// A piece of the content that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// Fixed text.
    Literal(&'static str),
    /// The timestamp, as the sender wrote it.
    Timestamp,
    /// The delivery id, as the sender wrote it.
    Id,
    /// The raw body.
    Body,
    /// The method of the request.
    Method,
    /// The URL that the provider was given: see
    /// [`HmacScheme::public_url`](super::HmacScheme::public_url), without which nothing matches.
    Url,
}

/// How a provider signs: one entry of the table of providers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipe {
    /// The headers that may hold the signature; the first that is there does.
    pub(crate) signature: Names,
    pub(crate) layout: Layout,
    pub(crate) encoding: Encoding,
    pub(crate) algorithm: Algorithm,
    pub(crate) content: &'static [Part],
    pub(crate) time: Time,
    /// The headers that may hold the delivery id.
    pub(crate) id: Names,
    /// The headers that may hold the event type.
    pub(crate) event_type: Names,
    /// How the URL is written into the content.
    pub(crate) url: UrlForm,
    pub(crate) facts: Facts,
    pub(crate) challenge: Option<&'static Challenge>,
}

/// Names of headers, the first that is there counting.
pub(crate) type Names = &'static [&'static str];

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    HmacSha1,
    HmacSha256,
    /// SHA-256 over the secret and then the content.
    Sha256,
    Ed25519,
    /// ECDSA over P-256 with SHA-256, the signature in DER.
    EcdsaP256,
}

impl Algorithm {
    /// The bytes of a signature, where they are always as many.
    pub(crate) fn tag_len(self) -> Option<usize> {
        match self {
            Self::HmacSha1 => Some(20),
            Self::HmacSha256 | Self::Sha256 => Some(32),
            Self::Ed25519 => Some(64),
            Self::EcdsaP256 => None,
        }
    }
}

/// Where the time of sending stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// Nowhere that is signed.
    Unsigned,
    Header(Names, Unit),
    /// In the header of the signature, under this key.
    Signature(&'static str, Unit),
    /// In the payload, as a number.
    Payload(&'static [&'static str], Unit),
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Rfc3339,
}

/// How the URL is written into the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlForm {
    /// As the provider was given it.
    Verbatim,
    /// With the query of the request, as have the other two.
    Queried,
    /// With some escapes undone, as `HubSpot` has it.
    Unescaped,
    /// With and without its port, as Twilio has it.
    Ports,
}

impl Recipe {
    /// HMAC-SHA256 over the body in hex digits, of a JSON object.
    pub(crate) const HMAC: Self = Self {
        signature: &["x-signature"],
        layout: Layout::Whole { prefix: "" },
        encoding: Encoding::Hex,
        algorithm: Algorithm::HmacSha256,
        content: &[Part::Body],
        time: Time::Unsigned,
        id: &[],
        event_type: &[],
        url: UrlForm::Verbatim,
        facts: Facts::new(Shape::Object),
        challenge: None,
    };
}
