use std::fmt;

#[cfg(any(feature = "ed25519", feature = "ecdsa"))]
use base64::Engine as _;
#[cfg(any(feature = "ed25519", feature = "ecdsa"))]
use base64::engine::general_purpose::STANDARD;

#[cfg(any(feature = "ed25519", feature = "ecdsa"))]
use super::private::private;
use crate::config::ConfigError;
use crate::scheme::catalog::{SecretFormat, SecretText};
use crate::scheme::hmac::Keyed;
use crate::scheme::recipe::Algorithm;
use crate::secret::Secret;

/// A key that can sign.
#[derive(Clone)]
pub(crate) enum SigningKey {
    Secret(Secret),
    #[cfg(feature = "ed25519")]
    Ed25519(Box<ed25519_dalek::SigningKey>),
    #[cfg(feature = "ecdsa")]
    P256(Box<p256::ecdsa::SigningKey>),
}

impl SigningKey {
    /// Reads a key as the provider writes its secrets; where those are public keys, the private one
    /// is 32 bytes in hex digits or in base64, with or without the `whsk_` of Standard Webhooks.
    pub(crate) fn read(format: SecretFormat, text: &str) -> Result<Self, ConfigError> {
        match format {
            #[cfg(feature = "ed25519")]
            SecretFormat::Ed25519Hex | SecretFormat::Ed25519Base64 => {
                let (seed, _) = private(text).ok_or(NOT_PRIVATE)?;
                Ok(Self::Ed25519(Box::new((&seed).into())))
            }
            #[cfg(feature = "ecdsa")]
            SecretFormat::Spki => {
                let (scalar, _) = private(text).ok_or(NOT_PRIVATE)?;
                let key = p256::ecdsa::SigningKey::from_slice(&scalar);
                key.map(|key| Self::P256(Box::new(key)))
                    .map_err(|_| NOT_PRIVATE)
            }
            #[cfg(not(feature = "ed25519"))]
            SecretFormat::Ed25519Hex | SecretFormat::Ed25519Base64 => {
                Err(ConfigError::new("type", "needs the feature `ed25519`"))
            }
            #[cfg(not(feature = "ecdsa"))]
            SecretFormat::Spki => Err(ConfigError::new("type", "needs the feature `ecdsa`")),
            _ => SecretText::new(text).read(format, true).map(Self::Secret),
        }
    }

    /// What a receiver is given to verify: the secret itself, or the public key.
    pub(crate) fn for_receiver(&self, text: &str, format: SecretFormat) -> SecretText {
        let _ = format;
        match self {
            Self::Secret(_) => SecretText::new(text),
            #[cfg(feature = "ed25519")]
            Self::Ed25519(key) => {
                let public = key.verifying_key().to_bytes();
                SecretText::new(match format {
                    SecretFormat::Ed25519Hex => const_hex::encode(public),
                    _ => STANDARD.encode(public),
                })
            }
            #[cfg(feature = "ecdsa")]
            Self::P256(key) => {
                use p256::pkcs8::EncodePublicKey as _;
                let public = key.verifying_key().to_public_key_der();
                let public = public.expect("every key can be written");
                SecretText::new(STANDARD.encode(public.as_bytes()))
            }
        }
    }

    /// The key, where it is one that both sides know.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Secret(secret) => Some(secret),
            #[cfg(any(feature = "ed25519", feature = "ecdsa"))]
            _ => None,
        }
    }

    /// Another key of the same kind.
    pub(crate) fn other(&self) -> Self {
        match self {
            Self::Secret(secret) => {
                let longer = [secret.expose(), b"x"].concat();
                let longer = Secret::dangerous_any_length(longer);
                Self::Secret(longer.expect("it is longer than nothing"))
            }
            #[cfg(feature = "ed25519")]
            Self::Ed25519(key) => {
                let mut seed = key.to_bytes();
                seed[31] ^= 1;
                Self::Ed25519(Box::new((&seed).into()))
            }
            #[cfg(feature = "ecdsa")]
            Self::P256(key) => {
                let mut scalar = key.to_bytes();
                // Half a scalar is below the order of the curve, and above zero.
                scalar[0] &= 0x7f;
                scalar[31] ^= 1;
                let key = p256::ecdsa::SigningKey::from_slice(&scalar);
                Self::P256(Box::new(key.expect("it is below the order")))
            }
        }
    }

    /// The bytes of the signature of `content`. A secret signs by `algorithm`; other keys know one way
    /// only.
    pub(crate) fn sign(&self, algorithm: Algorithm, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Secret(secret) => {
                let mut mac = Keyed::new(algorithm, secret.expose());
                mac.update(content);
                mac.finalize().as_bytes().to_vec()
            }
            #[cfg(feature = "ed25519")]
            Self::Ed25519(key) => {
                use ed25519_dalek::Signer as _;
                key.sign(content).to_bytes().to_vec()
            }
            #[cfg(feature = "ecdsa")]
            Self::P256(key) => {
                use p256::ecdsa::signature::Signer as _;
                let signature: p256::ecdsa::Signature = key.sign(content);
                signature.to_der().as_bytes().to_vec()
            }
        }
    }
}

#[cfg(any(feature = "ed25519", feature = "ecdsa"))]
const NOT_PRIVATE: ConfigError =
    ConfigError::new("signing_secrets", "is no private key of 32 bytes");

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}
