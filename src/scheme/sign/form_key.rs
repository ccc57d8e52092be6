use std::fmt;

use crate::config::ConfigError;
use crate::scheme::catalog::{SecretFormat, SecretText};
use crate::scheme::hmac::Keyed;
use crate::scheme::recipe::Algorithm;
use crate::scheme::signature::Tag;

/// A key made ready to sign.
#[derive(Clone)]
pub(crate) enum FormKey {
    /// Keyed once; each signature clones the state and is spared two blocks of hashing.
    Mac(Keyed),
    #[cfg(feature = "ed25519")]
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl FormKey {
    /// Reads a key as its receivers read theirs.
    pub(super) fn read(
        format: SecretFormat,
        algorithm: Algorithm,
        text: &str,
    ) -> Result<Self, ConfigError> {
        #[cfg(feature = "ed25519")]
        if algorithm == Algorithm::Ed25519 {
            return Self::ed25519(text);
        }
        let secret = SecretText::new(text).read(format, false)?;
        Ok(Self::Mac(Keyed::new(algorithm, secret.expose())))
    }

    /// Reads a private key; where its public half is beside it, the two must belong together.
    #[cfg(feature = "ed25519")]
    pub(crate) fn ed25519(text: &str) -> Result<Self, ConfigError> {
        let wrong = ConfigError::new("signing_secrets", "is no private key of 32 bytes");
        let (seed, public) = super::private(text).ok_or(wrong)?;
        let seed = zeroize::Zeroizing::new(seed);
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        if public.is_some_and(|public| key.verifying_key().to_bytes() != public) {
            let reason = "holds a public key that is not of its private one";
            return Err(ConfigError::new("signing_secrets", reason));
        }
        Ok(Self::Ed25519(Box::new(key)))
    }

    /// The signature of three pieces that are signed as one.
    pub(super) fn sign(&self, content: [&[u8]; 3]) -> Tag {
        match self {
            Self::Mac(mac) => {
                let mut mac = mac.clone();
                content.iter().for_each(|piece| mac.update(piece));
                mac.finalize()
            }
            #[cfg(feature = "ed25519")]
            Self::Ed25519(key) => {
                use ed25519_dalek::Signer as _;
                // Hashed twice, so it must be there as a whole.
                Tag::new(&key.sign(&content.concat()).to_bytes())
            }
        }
    }
}

impl fmt::Debug for FormKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormKey(redacted)")
    }
}
