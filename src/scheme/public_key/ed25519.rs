use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, StreamVerifier, VerifyingKey};

use super::sealed::{Check, Sealed};
use super::{PublicKey, PublicKeyError, PublicKeyScheme};
use crate::scheme::catalog::{DISCORD, STANDARD_WEBHOOKS_V1A};

/// An Ed25519 public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519Key(VerifyingKey);

impl Ed25519Key {
    /// Takes the 32 bytes of a key.
    ///
    /// # Errors
    ///
    /// Returns an error when the bytes are no point of the curve, or one of small order: under such a
    /// key anybody can sign.
    pub fn new(bytes: &[u8]) -> Result<Self, PublicKeyError> {
        let bytes = bytes.try_into();
        let bytes = bytes.map_err(|_| PublicKeyError("must have 32 bytes"))?;
        let key = VerifyingKey::from_bytes(bytes);
        let key = key.map_err(|_| PublicKeyError("is not a point of the curve"))?;
        if key.is_weak() {
            return Err(PublicKeyError("is of small order"));
        }
        Ok(Self(key))
    }

    /// Decodes a key that is given as 64 hex digits, as Discord does.
    ///
    /// # Errors
    ///
    /// Returns an error when the text is not hex digits, or as for [`new`](Self::new).
    pub fn hex(text: &str) -> Result<Self, PublicKeyError> {
        let bytes = const_hex::decode(text).map_err(|_| PublicKeyError("is not hex digits"))?;
        Self::new(&bytes)
    }

    /// Decodes a key that is given as base64, with or without the `whpk_` of Standard Webhooks.
    ///
    /// # Errors
    ///
    /// Returns an error when the text is not base64, or as for [`new`](Self::new).
    pub fn base64(text: &str) -> Result<Self, PublicKeyError> {
        let text = text.strip_prefix("whpk_").unwrap_or(text);
        let bytes = STANDARD.decode(text);
        Self::new(&bytes.map_err(|_| PublicKeyError("is not base64"))?)
    }
}

impl PublicKeyScheme<Ed25519Key> {
    /// [Discord](https://discord.com/developers/docs/interactions/overview): time and body are signed.
    /// Its pings are answered.
    pub fn discord(key: Ed25519Key) -> Self {
        Self::of(&DISCORD, key)
    }

    /// [Standard Webhooks](https://www.standardwebhooks.com), asymmetric `v1a`. Id, time and body are
    /// signed.
    pub fn standard_webhooks(key: Ed25519Key) -> Self {
        Self::of(&STANDARD_WEBHOOKS_V1A, key)
    }
}

impl PublicKey for Ed25519Key {}

impl Sealed for Ed25519Key {
    type Check = StreamVerifier;

    fn check(&self, signature: &[u8]) -> Option<StreamVerifier> {
        let signature = Signature::from_slice(signature).ok()?;
        // Refuses an `s` that is not canonical: a second spelling of the same signature.
        self.0.verify_stream(&signature).ok()
    }
}

impl Check for StreamVerifier {
    fn update(&mut self, bytes: &[u8]) {
        Self::update(self, bytes);
    }

    fn verify(self) -> bool {
        self.finalize_and_verify().is_ok()
    }
}
