use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::scheme::recipe::Algorithm;
use crate::scheme::signature::Tag;

/// A hash under way, keyed with a secret.
#[derive(Clone, Debug)]
pub(crate) enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    /// Not an HMAC: the secret is simply the first of what is hashed.
    Plain(Sha256),
}

impl Keyed {
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        const ANY: &str = "HMAC takes keys of any length";
        match algorithm {
            Algorithm::HmacSha1 => Self::Sha1(Hmac::new_from_slice(key).expect(ANY)),
            Algorithm::Sha256 => Self::Plain(Sha256::new().chain_update(key)),
            // The others are no hashes with a key, and are never asked for here.
            Algorithm::HmacSha256 | Algorithm::Ed25519 | Algorithm::EcdsaP256 => {
                Self::Sha256(Hmac::new_from_slice(key).expect(ANY))
            }
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.update(bytes),
            Self::Sha256(mac) => mac.update(bytes),
            Self::Plain(hash) => hash.update(bytes),
        }
    }

    pub(crate) fn finalize(self) -> Tag {
        match self {
            Self::Sha1(mac) => Tag::new(&mac.finalize().into_bytes()),
            Self::Sha256(mac) => Tag::new(&mac.finalize().into_bytes()),
            Self::Plain(hash) => Tag::new(&hash.finalize()),
        }
    }
}
