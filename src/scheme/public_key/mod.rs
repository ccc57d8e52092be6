#[cfg(feature = "ecdsa")]
mod ecdsa;
#[cfg(feature = "ed25519")]
mod ed25519;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use ::http::request::Parts;

#[cfg(feature = "ecdsa")]
pub use self::ecdsa::P256Key;
#[cfg(feature = "ed25519")]
pub use self::ed25519::Ed25519Key;
use super::plan::Plan;
use super::recipe::Recipe;
use super::{AuthError, AuthErrorKind, Claims, Pass, Profile, Scheme};
use crate::delivery::Delivery;

/// Most signatures that are tried for one request: each is a hash of the whole body.
const MAX_CANDIDATES: usize = 4;

/// A key that anybody may know: it verifies and cannot sign.
pub trait PublicKey: sealed::Sealed + Clone + fmt::Debug + Send + Sync + 'static {}

pub(super) mod sealed {
    /// One key, and what it makes of one signature.
    pub trait Sealed {
        type Check: Check;

        /// Begins to verify. `None` where the bytes are no signature at all.
        fn check(&self, signature: &[u8]) -> Option<Self::Check>;
    }

    /// One verification of one signature by one key.
    pub trait Check: Send + 'static {
        fn update(&mut self, bytes: &[u8]);

        fn verify(self) -> bool;
    }
}

use self::sealed::Check;

/// A signature by a private key of the provider's, over parts of the request.
#[derive(Clone, Debug)]
#[must_use]
pub struct PublicKeyScheme<K> {
    plan: Arc<Plan>,
    keys: Vec<K>,
}

impl<K: PublicKey> PublicKeyScheme<K> {
    pub(super) fn of(recipe: &Recipe, key: K) -> Self {
        Self {
            plan: Arc::new(Plan::of(recipe)),
            keys: vec![key],
        }
    }

    /// Accepts signatures by `key` too.
    pub fn or_key(mut self, key: K) -> Self {
        self.keys.push(key);
        self
    }
}

impl<K: PublicKey> Scheme for PublicKeyScheme<K> {
    type Pass = PublicKeyPass<K>;

    fn begin(&self, head: &Parts) -> Result<PublicKeyPass<K>, AuthError> {
        let reading = self.plan.read(head)?;
        let candidates = reading.candidates;
        if candidates.len() > MAX_CANDIDATES {
            return Err(AuthErrorKind::MalformedHeader.into());
        }
        let mut checks = Vec::new();
        for (slot, key) in self.keys.iter().enumerate() {
            for candidate in &candidates {
                for before in &reading.before {
                    if let Some(mut check) = key.check(candidate.as_bytes()) {
                        check.update(before);
                        checks.push((check, slot));
                    }
                }
            }
        }
        Ok(PublicKeyPass {
            plan: Arc::clone(&self.plan),
            checks,
            after: reading.after,
            delivery: reading.delivery,
        })
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.plan.profile)
    }
}

/// One verification by a [`PublicKeyScheme`].
pub struct PublicKeyPass<K: PublicKey> {
    plan: Arc<Plan>,
    checks: Vec<(K::Check, usize)>,
    after: Vec<u8>,
    delivery: Delivery,
}

impl<K: PublicKey> Pass for PublicKeyPass<K> {
    fn update(&mut self, chunk: &[u8]) {
        self.checks
            .iter_mut()
            .for_each(|(check, _)| check.update(chunk));
    }

    fn finish(mut self, body: &[u8]) -> Result<Claims, AuthError> {
        // Nothing here is secret, so the first match ends it.
        let after = &self.after;
        let slot = self.checks.into_iter().find_map(|(mut check, slot)| {
            check.update(after);
            check.verify().then_some(slot)
        });
        self.delivery.secret_slot = slot.ok_or(AuthErrorKind::Mismatch)?;
        self.plan.read_payload(body, &mut self.delivery)?;
        let challenge = self.plan.recipe.challenge;
        let answer = challenge.and_then(|challenge| challenge.answer(body, &|_| String::new()));
        Ok(answer.map_or_else(|| self.delivery.into(), Claims::from))
    }
}

impl<K: PublicKey> fmt::Debug for PublicKeyPass<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKeyPass").finish_non_exhaustive()
    }
}

/// A text that is not a public key that can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKeyError(&'static str);

impl PublicKeyError {
    /// What is wrong, without the name of the setting.
    pub(crate) fn reason(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for PublicKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`public_key` {}", self.0)
    }
}

impl StdError for PublicKeyError {}
