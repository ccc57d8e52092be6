//! The settings of a receiver, as a file has them.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "moka")] {
//! use tower_webhook::Inbound;
//! use tower_webhook::scheme::HmacScheme;
//! use tower_webhook::secret::Secret;
//! use tower_webhook::settings::Settings;
//!
//! // The table `integrations.webhooks` of your configuration, in any format that serde reads.
//! let text = r#"{ "enabled": true, "replay_window_seconds": 600 }"#;
//! let settings: Settings = serde_json::from_str(text)?;
//! assert_eq!(settings.max_payload_bytes, 1_048_576);
//!
//! let secret = Secret::new("an example secret")?;
//! let layer = Inbound::builder(HmacScheme::github(secret)).settings(&settings).build()?;
//! # }
//! # Ok::<(), tower_webhook::BoxError>(())
//! ```

use std::time::Duration;

use serde::Deserialize;

use crate::scheme::Authenticator;
use crate::stack::InboundBuilder;

/// Settings under `integrations.webhooks`. An unknown name is an error, so that a misspelt limit is
/// not silently the default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Whether the receiver answers at all; otherwise 404. `false` by default.
    pub enabled: bool,
    /// How old a delivery may be, in seconds; 300 by default.
    pub replay_window_seconds: u64,
    /// The longest body, in bytes; 1,048,576 by default.
    pub max_payload_bytes: u32,
    /// How long whole answers are remembered, in seconds; 86,400 by default.
    pub idempotency_ttl_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: false,
            replay_window_seconds: 300,
            max_payload_bytes: 1 << 20,
            idempotency_ttl_seconds: 86_400,
        }
    }
}

impl<V: Authenticator, St> InboundBuilder<V, St> {
    /// Takes the settings of a file. Whether they are safe together,
    /// [`build`](InboundBuilder::build) says.
    pub fn settings(self, settings: &Settings) -> Self {
        self.enabled(settings.enabled)
            .replay_window(Duration::from_secs(settings.replay_window_seconds))
            .max_payload_bytes(settings.max_payload_bytes)
            .idempotency_ttl(Duration::from_secs(settings.idempotency_ttl_seconds))
    }
}
