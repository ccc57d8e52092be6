//! What schemes have in common whose signature stands in the payload.
//!
//! Such a payload must be parsed before it is known to be authentic. It is parsed for its signature
//! alone, without a tree, and nothing of it is kept.

use std::fmt;
use std::sync::Arc;

use subtle::{Choice, ConditionallySelectable as _};

use super::compare::equal;
use super::hmac::Keyed;
use super::recipe::Algorithm;
use super::{AuthError, AuthErrorKind, Claims, Pass};
use crate::secret::Secret;

/// Finds signature and content in the payload, and the key that made one over the other.
type Read = fn(&[Keyed], &[u8]) -> Result<(Claims, usize), AuthError>;

/// The keys of such a scheme.
#[derive(Clone)]
pub(super) struct BodyKeys {
    algorithm: Algorithm,
    macs: Arc<[Keyed]>,
    ids: Arc<[Option<Arc<str>>]>,
}

impl BodyKeys {
    pub(super) fn new(algorithm: Algorithm, secret: Secret) -> Self {
        let mut keys = Self {
            algorithm,
            macs: Arc::new([]),
            ids: Arc::new([]),
        };
        keys.add(secret);
        keys
    }

    #[expect(clippy::needless_pass_by_value, reason = "the caller's copy ends here")]
    pub(super) fn add(&mut self, secret: Secret) {
        let mac = Keyed::new(self.algorithm, secret.expose());
        self.macs = self.macs.iter().cloned().chain([mac]).collect();
        self.ids = self
            .ids
            .iter()
            .cloned()
            .chain([secret.id().cloned()])
            .collect();
    }

    pub(super) fn begin(&self, read: Read) -> BodyPass {
        BodyPass {
            keys: self.clone(),
            read,
        }
    }
}

/// The position of the key under which `candidate` is the MAC of `content`.
pub(super) fn matches(
    keys: &[Keyed],
    content: &[u8],
    candidate: &[u8],
) -> Result<usize, AuthError> {
    let mut matched = Choice::from(0);
    let mut slot = 0_u32;
    for (index, key) in (0..).zip(keys) {
        let mut mac = key.clone();
        mac.update(content);
        let same = equal(mac.finalize().as_bytes(), candidate);
        slot.conditional_assign(&index, same);
        matched |= same;
    }
    if bool::from(matched) {
        Ok(slot as usize)
    } else {
        Err(AuthErrorKind::Mismatch.into())
    }
}

/// One verification of a payload that holds its own signature.
pub struct BodyPass {
    keys: BodyKeys,
    read: Read,
}

impl Pass for BodyPass {
    fn update(&mut self, _: &[u8]) {}

    fn finish(self, body: &[u8]) -> Result<Claims, AuthError> {
        let (mut claims, slot) = (self.read)(&self.keys.macs, body)?;
        if let Claims::Delivery(delivery) = &mut claims {
            delivery.key_id.clone_from(&self.keys.ids[slot]);
        }
        Ok(claims)
    }
}

impl fmt::Debug for BodyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&*self.ids).finish()
    }
}

impl fmt::Debug for BodyPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyPass").finish_non_exhaustive()
    }
}
