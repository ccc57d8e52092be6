//! What verification established about a delivery.

use std::sync::Arc;

/// What a valid signature vouches for, and what the sender merely said beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The id of the delivery and whether the signature covers it.
    pub id: DeliveryId,
    /// The event type, where the scheme has one.
    pub event_type: Option<Box<str>>,
    /// Whether the signature covers the event type. An attacker may have changed one that it does
    /// not cover.
    pub event_type_signed: bool,
    /// Signed time of sending, in Unix seconds. Never an unsigned time.
    pub timestamp: Option<i64>,
    /// Position of the secret that matched, in the order of configuration.
    pub secret_slot: usize,
    /// The name of the secret that matched, where it has one.
    pub key_id: Option<Arc<str>>,
    /// The SHA-256, in hex digits, of what was signed, where bodies that differ may share a signature.
    /// It stands for the digest of the body in the key of the delivery.
    pub content_digest: Option<Box<str>>,
}

impl Delivery {
    /// Creates a `Delivery` known by `id`, matched by the secret in `secret_slot`.
    #[must_use]
    pub fn new(id: DeliveryId, secret_slot: usize) -> Self {
        Self {
            id,
            event_type: None,
            event_type_signed: false,
            timestamp: None,
            secret_slot,
            key_id: None,
            content_digest: None,
        }
    }
}

/// The id of a delivery, by what the signature says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryId {
    /// The signature covers the id.
    Signed(Box<str>),
    /// A header outside the signature: an attacker may have changed it.
    Unsigned(Box<str>),
    /// The delivery carries no id: the digest of the body stands for it.
    Digest,
}
