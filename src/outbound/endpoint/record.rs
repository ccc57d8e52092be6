use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{EndpointHeaders, EndpointId};
use crate::outbound::OutboundError;
use crate::outbound::sign::SigningKeys;
use crate::outbound::tenant::Tenant;

/// Where events are sent to. Its secrets and the values of its headers are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub tenant: Tenant,
    /// Where deliveries are sent to.
    pub url: String,
    /// What its owner calls it.
    pub description: String,
    /// The event types it wants: `order.created`, `order.*`, `*`.
    pub events: Vec<String>,
    /// Deliveries at once; [`Limits`](crate::outbound::policy::Limits) say it otherwise.
    pub max_concurrent: Option<u32>,
    /// Deliveries a second; [`Limits`](crate::outbound::policy::Limits) say it otherwise.
    pub max_per_second: Option<u32>,
    /// Whether it gets any.
    pub state: EndpointState,
    /// How it has been doing.
    pub health: Health,
    /// When it was made, in Unix milliseconds.
    pub created_at: i64,
    /// When its owner last changed it, in Unix milliseconds.
    pub updated_at: i64,
    /// Counts the changes.
    pub version: i64,
}

/// Whether an endpoint gets deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointState {
    /// It gets them.
    Active,
    /// It gets none, and why.
    Disabled {
        /// `asked`, `gone` (it answered so), or `failing`.
        reason: String,
    },
}

impl EndpointState {
    /// It gets none, for this reason.
    #[must_use]
    pub fn disabled(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Disabled { reason }
    }

    /// Whether it gets deliveries.
    #[must_use]
    pub fn is_active(&self) -> bool {
        *self == Self::Active
    }

    /// Why it gets none.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Active => None,
            Self::Disabled { reason } => Some(reason),
        }
    }
}

/// How an endpoint has been doing. Tests, replays and retries by hand do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Attempts that failed since the last that did not.
    pub failures: u32,
    /// When the first of them ended, in Unix milliseconds.
    pub failing_since: Option<i64>,
    /// Until when nothing is sent, in Unix milliseconds.
    pub paused_until: Option<i64>,
}

/// An endpoint as it is stored: with its secrets, sealed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndpointRecord {
    /// What may be shown.
    pub endpoint: Endpoint,
    /// Its signing keys and headers, sealed by the sender.
    pub sealed: Vec<u8>,
}

impl EndpointRecord {
    /// A record, as a store read it.
    #[must_use]
    pub fn new(endpoint: Endpoint, sealed: Vec<u8>) -> Self {
        Self { endpoint, sealed }
    }
}

/// What is sealed of an endpoint.
#[derive(Serialize, Deserialize)]
pub(crate) struct Confidential {
    /// [`SigningKeys`], as their bytes.
    keys: Zeroizing<Vec<u8>>,
    pub(crate) headers: EndpointHeaders,
}

impl Confidential {
    pub(crate) fn new(keys: &SigningKeys, headers: EndpointHeaders) -> Self {
        let keys = Zeroizing::new(keys.to_bytes().to_vec());
        Self { keys, headers }
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let bytes = serde_json::to_vec(self);
        Zeroizing::new(bytes.expect("names, values and bytes can be written"))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, OutboundError> {
        serde_json::from_slice(bytes).map_err(|_| OutboundError::UNREADABLE)
    }

    pub(crate) fn keys(&self) -> Result<SigningKeys, OutboundError> {
        SigningKeys::from_bytes(&self.keys).map_err(|_| OutboundError::UNREADABLE)
    }
}
