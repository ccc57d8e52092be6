use std::fmt;

use super::super::{AuthError, AuthErrorKind};
#[cfg(any(feature = "x509", feature = "jwt", feature = "rfc9421"))]
use crate::config::ConfigError;
use crate::secret::Validity;

/// A key that verifies signatures of one algorithm, and until when it is accepted.
///
/// The algorithm belongs to the key: what a sender writes can only disagree with it.
#[derive(Clone)]
#[must_use]
pub struct VerifyingKey {
    material: Material,
    validity: Validity,
    not_after: Option<i64>,
}

#[derive(Clone)]
enum Material {
    #[cfg(feature = "x509")]
    Rsa(Box<rsa::PublicKey>),
    #[cfg(any(feature = "jwt", feature = "rfc9421"))]
    P256(Box<p256::ecdsa::VerifyingKey>),
    #[cfg(feature = "rfc9421")]
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    #[cfg(feature = "rfc9421")]
    Hmac(hmac::Hmac<sha2::Sha256>),
}

/// How something was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Algorithm {
    #[cfg(feature = "x509")]
    RsaSha1,
    #[cfg(feature = "x509")]
    RsaSha256,
    #[cfg(any(feature = "jwt", feature = "rfc9421"))]
    P256Sha256,
    #[cfg(feature = "rfc9421")]
    Ed25519,
    #[cfg(feature = "rfc9421")]
    HmacSha256,
}

/// Smallest RSA modulus that is accepted, in bits (NIST SP 800-131A).
#[cfg(feature = "x509")]
const MIN_RSA_BITS: u32 = 2048;

impl VerifyingKey {
    /// The RSA key of the first X.509 certificate in PEM, accepted until the certificate ends.
    ///
    /// The certificate is trusted because it was given. Those after it, which would vouch for it,
    /// are not looked at, and neither is the first day of its validity.
    ///
    /// # Errors
    ///
    /// Returns an error when the text is not PEM certificates, or the key is not RSA of 2048 to
    /// 8192 bits.
    #[cfg(feature = "x509")]
    pub fn certificate_pem(pem: &str) -> Result<Self, ConfigError> {
        use x509_cert::der::Encode as _;

        let refused = |reason| ConfigError::new("certificate", reason);
        let chain = x509_cert::Certificate::load_pem_chain(pem.as_bytes()).unwrap_or_default();
        let leaf = chain.first();
        let leaf = leaf.ok_or_else(|| refused("is not a PEM certificate"))?;
        let certificate = leaf.tbs_certificate();
        let spki = certificate.subject_public_key_info().to_der();
        let key = spki.ok().and_then(|spki| rsa_from_spki(&spki));
        let key = key.ok_or_else(|| refused("has no RSA key of 2048 to 8192 bits"))?;
        let end = certificate.validity().not_after.to_unix_duration();
        let end = i64::try_from(end.as_secs()).unwrap_or(i64::MAX);
        Ok(Self::new(Material::Rsa(Box::new(key))).with_not_after(end))
    }

    /// An RSA public key in DER: a `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    ///
    /// # Errors
    ///
    /// Returns an error when the bytes are not an RSA key of 2048 to 8192 bits.
    #[cfg(feature = "x509")]
    pub fn rsa_spki_der(der: &[u8]) -> Result<Self, ConfigError> {
        let key = rsa_from_spki(der);
        let key =
            key.ok_or_else(|| ConfigError::new("key", "is no RSA key of 2048 to 8192 bits"))?;
        Ok(Self::new(Material::Rsa(Box::new(key))))
    }

    /// The P-256 key of a JSON Web Key (RFC 7517) for ES256, accepted until its `expired_at`, in
    /// Unix seconds, where [Plaid](https://plaid.com/docs/api/webhooks/webhook-verification/) sets
    /// one.
    ///
    /// # Errors
    ///
    /// Returns an error when the text is not such a key, or the key is for something else.
    #[cfg(feature = "jwt")]
    pub fn jwk(json: &str) -> Result<Self, ConfigError> {
        jwk(json).map(|(_, key)| key)
    }

    /// A P-256 public key: 33 or 65 bytes (SEC 1, section 2.3.3).
    ///
    /// # Errors
    ///
    /// Returns an error when the bytes are not a point of the curve.
    #[cfg(any(feature = "jwt", feature = "rfc9421"))]
    pub fn p256_sec1(bytes: &[u8]) -> Result<Self, ConfigError> {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes)
            .map_err(|_| ConfigError::new("key", "is not a point of P-256"))?;
        Ok(Self::new(Material::P256(Box::new(key))))
    }

    /// An Ed25519 public key of 32 bytes (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    ///
    /// Returns an error when the bytes are not a key, or one under which anybody can sign.
    #[cfg(feature = "rfc9421")]
    pub fn ed25519(bytes: &[u8]) -> Result<Self, ConfigError> {
        let key = bytes.try_into().ok().and_then(|bytes: &[u8; 32]| {
            let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok()?;
            (!key.is_weak()).then_some(key)
        });
        let key = key.ok_or_else(|| ConfigError::new("key", "is not an Ed25519 key"))?;
        Ok(Self::new(Material::Ed25519(Box::new(key))))
    }

    /// A shared secret for HMAC-SHA256, accepted between its dates.
    #[cfg(feature = "rfc9421")]
    #[expect(clippy::needless_pass_by_value, reason = "the caller's copy ends here")]
    pub fn hmac_sha256(secret: crate::secret::Secret) -> Self {
        use hmac::KeyInit as _;

        let mac = hmac::Hmac::new_from_slice(secret.expose());
        let mut key = Self::new(Material::Hmac(mac.expect("HMAC takes keys of any length")));
        key.validity = secret.validity();
        key
    }

    /// The key is not accepted after this time, in Unix seconds.
    pub fn with_not_after(mut self, unix_seconds: i64) -> Self {
        self.not_after = Some(unix_seconds);
        self
    }

    fn new(material: Material) -> Self {
        Self {
            material,
            validity: Validity::default(),
            not_after: None,
        }
    }

    pub(super) fn is_dated(&self) -> bool {
        self.not_after.is_some() || self.validity.is_dated()
    }

    pub(super) fn holds_at(&self, now: i64) -> bool {
        self.not_after.is_none_or(|end| now <= end) && self.validity.holds_at(now)
    }

    /// How this key signs under RFC 9421.
    #[cfg(feature = "rfc9421")]
    pub(in super::super) fn algorithm(&self) -> Algorithm {
        match self.material {
            #[cfg(feature = "x509")]
            Material::Rsa(_) => Algorithm::RsaSha256,
            Material::P256(_) => Algorithm::P256Sha256,
            Material::Ed25519(_) => Algorithm::Ed25519,
            Material::Hmac(_) => Algorithm::HmacSha256,
        }
    }

    /// Whether `signature` is one of `content`, made with `algorithm` under this key.
    ///
    /// # Errors
    ///
    /// Returns a mismatch for a key of another algorithm too.
    pub(in super::super) fn verify(
        &self,
        algorithm: Algorithm,
        content: &[u8],
        signature: &[u8],
    ) -> Result<(), AuthError> {
        let matches = match (&self.material, algorithm) {
            #[cfg(feature = "x509")]
            (Material::Rsa(key), Algorithm::RsaSha1) => rsa::<sha1::Sha1>(key, content, signature),
            #[cfg(feature = "x509")]
            (Material::Rsa(key), Algorithm::RsaSha256) => {
                rsa::<sha2::Sha256>(key, content, signature)
            }
            #[cfg(any(feature = "jwt", feature = "rfc9421"))]
            (Material::P256(key), Algorithm::P256Sha256) => {
                use p256::ecdsa::signature::Verifier as _;
                p256::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify(content, &signature).is_ok())
            }
            #[cfg(feature = "rfc9421")]
            (Material::Ed25519(key), Algorithm::Ed25519) => {
                ed25519_dalek::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_strict(content, &signature).is_ok())
            }
            #[cfg(feature = "rfc9421")]
            (Material::Hmac(key), Algorithm::HmacSha256) => {
                use hmac::Mac as _;
                let tag = key.clone().chain_update(content).finalize().into_bytes();
                super::super::compare::equal(&tag, signature).into()
            }
            #[allow(unreachable_patterns, reason = "with one algorithm only")]
            _ => false,
        };
        matches
            .then_some(())
            .ok_or_else(|| AuthErrorKind::Mismatch.into())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey(redacted)")
    }
}

#[cfg(feature = "x509")]
fn rsa_from_spki(der: &[u8]) -> Option<rsa::PublicKey> {
    use rsa::pkcs8::DecodePublicKey as _;
    use rsa::traits::PublicKeyParts as _;

    let key = rsa::PublicKey::from_public_key_der(der).ok()?;
    (key.n().bit_width() >= MIN_RSA_BITS).then_some(key)
}

/// RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2).
#[cfg(feature = "x509")]
fn rsa<D>(key: &rsa::PublicKey, content: &[u8], signature: &[u8]) -> bool
where
    D: sha2::Digest + sha2::digest::const_oid::AssociatedOid,
{
    let scheme = rsa::Pkcs1v15Sign::new::<D>();
    key.verify(scheme, &D::digest(content), signature).is_ok()
}

/// A JSON Web Key and its `kid`.
#[cfg(feature = "jwt")]
pub(super) fn jwk(json: &str) -> Result<(Option<Box<str>>, VerifyingKey), ConfigError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    #[derive(serde::Deserialize)]
    struct Jwk {
        kid: Option<Box<str>>,
        kty: Box<str>,
        crv: Box<str>,
        alg: Option<Box<str>>,
        r#use: Option<Box<str>>,
        x: Box<str>,
        y: Box<str>,
        expired_at: Option<i64>,
    }

    let refused = || ConfigError::new("jwk", "is no P-256 key for ES256");
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| refused())?;
    let fits = *jwk.kty == *"EC"
        && *jwk.crv == *"P-256"
        && jwk.alg.is_none_or(|alg| *alg == *"ES256")
        && jwk.r#use.is_none_or(|r#use| *r#use == *"sig");
    let mut point = vec![4];
    for half in [&jwk.x, &jwk.y] {
        let half = URL_SAFE_NO_PAD.decode(&**half).map_err(|_| refused())?;
        point.extend_from_slice(&half);
    }
    if !fits || point.len() != 65 {
        return Err(refused());
    }
    let mut key = VerifyingKey::p256_sec1(&point).map_err(|_| refused())?;
    key.not_after = jwk.expired_at;
    Ok((jwk.kid, key))
}
