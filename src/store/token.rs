use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU64;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

/// The token of a grant. For one key, a later grant has a greater one, for ever.
///
/// Write it beside what the handler changes, and refuse a change with a smaller one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(NonZeroU64);

impl Fence {
    /// The smallest: that of a run without a claim.
    pub(crate) const LEAST: Self = Self(NonZeroU64::MIN);

    /// A token of this number.
    #[must_use]
    pub fn new(number: NonZeroU64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

/// Who asks for a claim: one attempt at one delivery, the same over its repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claimant(u128);

impl Claimant {
    /// A claimant unlike any other, here and on other machines.
    #[must_use]
    pub fn unique() -> Self {
        static INSTANCE: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));
        static ATTEMPT: AtomicU64 = AtomicU64::new(0);
        let attempt = ATTEMPT.fetch_add(1, Ordering::Relaxed);
        Self(u128::from(*INSTANCE) << 64 | u128::from(attempt))
    }

    /// The number, for stores that write it down.
    #[must_use]
    pub fn get(self) -> u128 {
        self.0
    }
}

/// The SHA-256 of the signed body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of `body`.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}
