use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey as _;
use sha2::{Digest as _, Sha256};

use super::sealed::{Check, Sealed};
use super::{PublicKey, PublicKeyError, PublicKeyScheme};
use crate::scheme::catalog::SENDGRID;

/// A public key for ECDSA over P-256 with SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct P256Key(VerifyingKey);

impl P256Key {
    /// Decodes a key that is given as base64 of its `SubjectPublicKeyInfo` in DER, as `SendGrid` does.
    ///
    /// # Errors
    ///
    /// Returns an error when the text is not such a key.
    pub fn spki(text: &str) -> Result<Self, PublicKeyError> {
        let bytes = STANDARD.decode(text);
        let bytes = bytes.map_err(|_| PublicKeyError("is not base64"))?;
        let key = VerifyingKey::from_public_key_der(&bytes);
        key.map(Self)
            .map_err(|_| PublicKeyError("is not a P-256 key in DER"))
    }
}

impl PublicKeyScheme<P256Key> {
    /// [SendGrid](https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features)
    /// event webhooks: time and body are signed. The payload is an array of events.
    pub fn sendgrid(key: P256Key) -> Self {
        Self::of(&SENDGRID, key)
    }
}

impl PublicKey for P256Key {}

impl Sealed for P256Key {
    type Check = Prehash;

    fn check(&self, signature: &[u8]) -> Option<Prehash> {
        Some(Prehash {
            key: self.0,
            signature: Signature::from_der(signature).ok()?,
            hash: Sha256::new(),
        })
    }
}

/// The hash of a message under way.
#[derive(Debug)]
pub struct Prehash {
    key: VerifyingKey,
    signature: Signature,
    hash: Sha256,
}

impl Check for Prehash {
    fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    fn verify(self) -> bool {
        let hash = self.hash.finalize();
        self.key.verify_prehash(&hash, &self.signature).is_ok()
    }
}
