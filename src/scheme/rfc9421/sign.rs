use ::http::{HeaderValue, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sfv::{BareItem, InnerList, Integer, Item, KeyRef, Parameters, StringRef};
use sha2::{Digest as _, Sha256};

use super::base::base;
use super::digest::CONTENT_DIGEST;
use super::input::{Component, serialize};
use super::target::{PublicUrl, Target};
use super::{INPUT, SIGNATURE};
use crate::BoxError;
use crate::secret::Secret;

/// Signs requests as an RFC 9421 sender, under the label `sig1`.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_webhook::scheme::Rfc9421Signer;
/// use tower_webhook::secret::Secret;
///
/// let signer = Rfc9421Signer::hmac_sha256("key-1", &Secret::new("an example secret")?);
/// let mut request = Request::post("https://hooks.example.com/in").body(r#"{"number": 7}"#)?;
/// signer.sign(&mut request, 1_763_769_526)?;
/// assert!(request.headers().contains_key("signature"));
/// # Ok::<(), tower_webhook::BoxError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Rfc9421Signer {
    key_id: Box<str>,
    key: SigningKey,
    components: Vec<Box<str>>,
}

#[derive(Clone)]
enum SigningKey {
    Hmac(Hmac<Sha256>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl Rfc9421Signer {
    /// Signs with HMAC-SHA256.
    pub fn hmac_sha256(key_id: &str, secret: &Secret) -> Self {
        let mac = Hmac::new_from_slice(secret.expose()).expect("HMAC takes keys of any length");
        Self::new(key_id, SigningKey::Hmac(mac))
    }

    /// Signs with Ed25519, from the 32 bytes of a private key.
    pub fn ed25519(key_id: &str, seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Self::new(key_id, SigningKey::Ed25519(Box::new(key)))
    }

    /// Sets what is covered; by default `@method`, `@target-uri` and `content-digest`.
    pub fn with_components<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.components = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds `Content-Digest`, `Signature-Input` and `Signature`, created at `unix_seconds`. The URL
    /// must be absolute.
    ///
    /// # Errors
    ///
    /// Returns an error when a component is unknown or missing, or the URL is not absolute.
    pub fn sign<B: AsRef<[u8]>>(
        &self,
        request: &mut Request<B>,
        unix_seconds: i64,
    ) -> Result<(), BoxError> {
        let digest = STANDARD.encode(Sha256::digest(request.body().as_ref()));
        let digest = HeaderValue::try_from(format!("sha-256=:{digest}:"))?;
        request.headers_mut().insert(CONTENT_DIGEST, digest);

        let mut list = InnerList::default();
        let mut components = Vec::new();
        for name in &self.components {
            components.push(Component::from_name(name).ok_or("unknown component")?);
            list.items.push(Item::new(StringRef::from_str(name)?));
        }
        list.params = self.params(unix_seconds)?;
        let params = serialize(&list)?;

        let (mut head, ()) = Request::new(()).into_parts();
        head.method = request.method().clone();
        head.uri = request.uri().clone();
        head.headers = request.headers().clone();
        let scheme = head.uri.scheme_str().ok_or("the URL is not absolute")?;
        let authority = head.uri.authority().ok_or("the URL is not absolute")?;
        let public = PublicUrl::parse(&format!("{scheme}://{authority}"))?;
        let content = base(&Target::new(&head, Some(&public))?, &components, &params)?;
        let signature = STANDARD.encode(self.key.sign(content.as_bytes()));

        let headers = request.headers_mut();
        headers.insert(INPUT, HeaderValue::try_from(format!("sig1={params}"))?);
        headers.insert(
            SIGNATURE,
            HeaderValue::try_from(format!("sig1=:{signature}:"))?,
        );
        Ok(())
    }

    fn new(key_id: &str, key: SigningKey) -> Self {
        let components = ["@method", "@target-uri", "content-digest"];
        Self {
            key_id: key_id.into(),
            key,
            components: components.map(Into::into).to_vec(),
        }
    }

    fn params(&self, unix_seconds: i64) -> Result<Parameters, BoxError> {
        let key_id = StringRef::from_str(&self.key_id)?;
        let created: BareItem = Integer::try_from(unix_seconds)?.into();
        Ok(Parameters::from_iter([
            (KeyRef::from_str("created")?.to_owned(), created),
            (KeyRef::from_str("keyid")?.to_owned(), key_id.into()),
        ]))
    }
}

impl SigningKey {
    fn sign(&self, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Hmac(mac) => {
                let mac = mac.clone().chain_update(content);
                mac.finalize().into_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign(content).to_bytes().to_vec(),
        }
    }
}

impl std::fmt::Debug for Rfc9421Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rfc9421Signer").finish_non_exhaustive()
    }
}
