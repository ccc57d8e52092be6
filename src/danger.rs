//! The one door to whatever weakens a check.

/// What may be weakened of a `T`, under names that say what is lost.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "moka")] {
/// use tower_webhook::idempotency::IdempotencyLayer;
/// use tower_webhook::store::MokaStore;
///
/// // Deliveries run while the store is down, and their retries run again.
/// let layer = IdempotencyLayer::new(MokaStore::new())
///     .dangerous()
///     .allow_duplicates_on_store_failure();
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Dangerous<T>(pub(crate) T);
