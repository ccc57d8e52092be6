//! Remembers which deliveries are being processed and which are done.
//!
//! A claim is a lease: [`claim`](IdempotencyStore::claim) grants a key to one holder,
//! [`renew`](IdempotencyStore::renew) keeps it, [`complete`](IdempotencyStore::complete) turns it
//! into a memory of the answer, [`release`](IdempotencyStore::release) gives it up. Every grant
//! carries a [`Fence`] that grows with each grant of the key, and a holder whose fence is no longer
//! the newest can do nothing.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "moka")]
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::time::Duration;
//! use tower_webhook::store::{Claim, Claimant, Fingerprint, IdemKey, IdempotencyStore, MokaStore};
//!
//! let store = MokaStore::new();
//! let key = IdemKey::compose("github", Some("push"), "72d3162e");
//! let print = Fingerprint::of(b"{}");
//! let lease = Duration::from_secs(300);
//! let first = store.claim(&key, Claimant::unique(), &print, lease).await?;
//! assert!(matches!(first, Claim::Acquired { reclaimed: false, .. }));
//! let second = store.claim(&key, Claimant::unique(), &print, lease).await?;
//! assert!(matches!(second, Claim::InProgress { .. }));
//! # Ok::<(), tower_webhook::store::StoreError>(())
//! # }).unwrap();
//! ```
//!
#![doc = include_str!("../docs/stores.md")]

mod answer;
mod boxed;
#[cfg(feature = "test-util")]
pub mod conformance;
mod connect;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod encoding;
mod error;
mod key;
#[cfg(feature = "moka")]
mod layered;
#[cfg(feature = "moka")]
mod moka;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod moment;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
mod token;
mod url;

use std::time::Duration;

pub use self::answer::{Retention, StoredAnswer};
pub use self::boxed::BoxStore;
pub use self::connect::{ConnectError, ConnectErrorKind};
pub use self::error::{StoreError, StoreErrorKind};
pub use self::key::IdemKey;
#[cfg(feature = "moka")]
pub use self::layered::LayeredStore;
#[cfg(feature = "moka")]
pub use self::moka::MokaStore;
#[cfg(all(feature = "test-util", any(feature = "redis", feature = "postgres")))]
pub use self::moment::TestClock;
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresStore, PostgresStoreBuilder};
#[cfg(feature = "redis")]
pub use self::redis::{RedisStore, RedisStoreBuilder};
pub use self::token::{Claimant, Fence, Fingerprint};
pub use self::url::connect;
#[cfg(feature = "postgres")]
pub(crate) use self::url::take;

/// A memory of deliveries that every instance of a service shares.
///
/// What must be checked at the start (schema, eviction policy) is checked when a store is made. An
/// implementation passes the [`conformance`](crate::store) suite of the feature `test-util`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an idempotency store",
    label = "this must implement `IdempotencyStore`",
    note = "use `MokaStore`, `RedisStore` or `PostgresStore`, or implement `claim`, `renew`, `complete` and `release`"
)]
pub trait IdempotencyStore: Send + Sync + 'static {
    /// Asks for `key`, for the time of `lease` by the clock of the store. Asked again by the same
    /// `who` with the same payload, it gives the same grant: a lost reply costs nothing.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot say; then the delivery is refused, to be sent again.
    fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Extends a claim to `lease` from now.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot say.
    fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> impl Future<Output = Result<Held, StoreError>> + Send;

    /// Turns a claim into a memory of `answer`. Repeated with the same fence it keeps the first
    /// answer and says [`Held::Yes`]; it never makes a record of its own. A claim whose lease ran
    /// out, and that nobody took over, can be completed.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot say.
    fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> impl Future<Output = Result<Held, StoreError>> + Send;

    /// Gives a claim up, so that the next delivery runs. Repeated with the same fence it says
    /// [`Held::Yes`].
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot say.
    fn release(
        &self,
        key: &IdemKey,
        fence: Fence,
    ) -> impl Future<Output = Result<Held, StoreError>> + Send;
}

impl<S: IdempotencyStore> IdempotencyStore for std::sync::Arc<S> {
    fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send {
        (**self).claim(key, who, payload, lease)
    }

    fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> impl Future<Output = Result<Held, StoreError>> + Send {
        (**self).renew(key, fence, lease)
    }

    fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> impl Future<Output = Result<Held, StoreError>> + Send {
        (**self).complete(key, fence, answer, keep)
    }

    fn release(
        &self,
        key: &IdemKey,
        fence: Fence,
    ) -> impl Future<Output = Result<Held, StoreError>> + Send {
        (**self).release(key, fence)
    }
}

/// What a store says to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// The key is the claimant's.
    Acquired {
        /// The token of this grant.
        fence: Fence,
        /// Whether an earlier holder let its lease run out.
        reclaimed: bool,
    },
    /// Somebody else holds the key.
    InProgress {
        /// What is left of their lease.
        retry_after: Duration,
    },
    /// The delivery was processed.
    Done {
        /// What was answered.
        answer: StoredAnswer,
    },
    /// The key is known with another payload.
    Mismatch,
}

/// Whether a claim still belongs to the holder of a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It does, and what was asked is done.
    Yes,
    /// It does not, and nothing was changed.
    Lost,
}
