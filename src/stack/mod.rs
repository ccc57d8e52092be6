//! The paved path: every layer, in the only right order.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "moka")] {
//! use tower_webhook::Inbound;
//! use tower_webhook::scheme::HmacScheme;
//! use tower_webhook::secret::Secret;
//!
//! let secret = Secret::new("an example secret")?;
//! let layer = Inbound::builder(HmacScheme::github(secret)).connection("primary").build()?;
//! # }
//! # Ok::<(), tower_webhook::BoxError>(())
//! ```

mod builder;

use tower_layer::Layer;

pub use self::builder::InboundBuilder;
use crate::detach::{Detach, DetachLayer};
use crate::envelope::{OpenEnvelope, OpenEnvelopeLayer};
use crate::idempotency::{Idempotency, IdempotencyLayer};
use crate::limit::{BodyLimit, BodyLimitLayer};
use crate::observe::{Observe, ObserveLayer};
use crate::receipt::{IssueReceipt, ReceiptLayer};
use crate::replay::{ReplayWindow, ReplayWindowLayer};
use crate::scheme::Authenticator;
use crate::source::{Source, SourceLayer};
#[cfg(feature = "moka")]
use crate::store::MokaStore;
use crate::verify::{Verify, VerifyLayer};

/// Layer that applies every middleware of this crate.
///
/// See the [module docs](crate::stack).
#[derive(Debug)]
pub struct Inbound<V, St> {
    observe: ObserveLayer,
    source: SourceLayer,
    limit: BodyLimitLayer,
    verify: VerifyLayer<V>,
    detach: DetachLayer,
    receipt: ReceiptLayer,
    replay: ReplayWindowLayer,
    envelope: OpenEnvelopeLayer,
    idempotency: IdempotencyLayer<St>,
}

impl Inbound<(), ()> {
    /// Begins a stack that verifies by `scheme` and remembers in the memory of this process.
    #[cfg(feature = "moka")]
    pub fn builder<V: Authenticator>(scheme: V) -> InboundBuilder<V, MokaStore> {
        Self::builder_with_store(scheme, MokaStore::new())
    }

    /// Begins a stack that verifies by `scheme` and remembers in `store`.
    pub fn builder_with_store<V: Authenticator, St>(scheme: V, store: St) -> InboundBuilder<V, St> {
        InboundBuilder::new(scheme, store)
    }
}

impl<V, St> Inbound<V, St> {
    /// Refuses what is new from now on, with 503, and waits until no handler runs and nothing is being
    /// completed in the background. Give it a time-out, 25 s for instance: with a store that is down it
    /// takes up to a lease.
    pub async fn drain(&self) {
        self.detach.drain().await;
        self.idempotency.idle().await;
        self.receipt.idle().await;
    }

    /// The receipts, to be queried, swept and purged.
    pub fn receipts(&self) -> &ReceiptLayer {
        &self.receipt
    }
}

/// The service under an [`Inbound`] layer, without its outermost room.
type Rooms<S, V, St> = Source<
    BodyLimit<Verify<Detach<IssueReceipt<ReplayWindow<OpenEnvelope<Idempotency<S, St>>>>>, V>>,
>;

impl<S, V, St> Layer<S> for Inbound<V, St> {
    type Service = Observe<Rooms<S, V, St>>;

    fn layer(&self, inner: S) -> Self::Service {
        let inner = self.envelope.layer(self.idempotency.layer(inner));
        let inner = self.receipt.layer(self.replay.layer(inner));
        let inner = self.detach.layer(inner);
        let inner = self.limit.layer(self.verify.layer(inner));
        self.observe.layer(self.source.layer(inner))
    }
}

// Not derived, because that would require `V: Clone` and `St: Clone`.
impl<V, St> Clone for Inbound<V, St> {
    fn clone(&self) -> Self {
        Self {
            observe: self.observe.clone(),
            source: self.source.clone(),
            limit: self.limit.clone(),
            verify: self.verify.clone(),
            detach: self.detach.clone(),
            receipt: self.receipt.clone(),
            replay: self.replay.clone(),
            envelope: self.envelope.clone(),
            idempotency: self.idempotency.clone(),
        }
    }
}
