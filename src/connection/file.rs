use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderName, StatusCode};
use serde::Deserialize;

use super::secret::{SecretConfig, list};
use super::{Connection, ConnectionError, ConnectionId};
use crate::config::ConfigError;
use crate::event::EventPatterns;
use crate::scheme::catalog::{self, Options, SecretText};
use crate::source::AllowList;

/// The connections of a configuration: its `[[connection]]` tables.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ConnectionsFile {
    /// The connections.
    pub connection: Vec<ConnectionConfig>,
    /// Two connections may have one secret. Whoever can sign for one can then sign for the other.
    pub allow_shared_secrets: bool,
}

/// One connection of a configuration. An unknown name is an error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConnectionConfig {
    /// The id of a provider, such as `github`, or of a scheme, such as `github.sha1_legacy`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name among connections of this type.
    pub name: String,
    /// The secrets, any of which may match.
    #[serde(default, deserialize_with = "list")]
    pub signing_secrets: Vec<SecretConfig>,
    /// Names of environment variables that hold secrets.
    #[serde(default)]
    pub signing_secrets_env: Vec<String>,
    /// The token that Meta asks with.
    pub verify_token: Option<SecretConfig>,
    /// The header of the delivery id, where it is not the provider's own.
    pub nonce_header: Option<String>,
    /// The header of the signature, where it is not the provider's own.
    pub signature_header: Option<String>,
    /// The URL that the provider was given, for schemes that sign it.
    pub public_url: Option<String>,
    /// The id of the webhook, which `PayPal` signs.
    pub webhook_id: Option<String>,
    /// The topics (ARNs) that Amazon SNS may send from.
    #[serde(default)]
    pub topics: Vec<String>,
    /// The id of the key, for RFC 9421.
    pub key_id: Option<String>,
    /// The components that must be signed, for RFC 9421, in place of the usual ones.
    #[serde(default)]
    pub required_components: Vec<String>,
    /// The origins that `CloudEvents` deliveries may come from.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Networks (CIDR) that may send; everybody by default.
    #[serde(default)]
    pub allow_from: Vec<String>,
    /// Event types that are taken, such as `push` or `invoice.*`; all by default. Others are answered
    /// and reach no handler.
    #[serde(default)]
    pub events: Vec<String>,
    /// How old a delivery may be, in seconds, above the receiver's own window.
    pub replay_window_seconds: Option<u64>,
    /// The status of successes, 200 to 299.
    pub success_status: Option<u16>,
    /// Whether the connection takes deliveries; `true` by default.
    pub enabled: Option<bool>,
}

impl ConnectionsFile {
    /// Makes the connections.
    ///
    /// # Errors
    ///
    /// Returns an error that names the connection and the field: a `type` that is not in the catalog, a
    /// `name` that no path can have or that comes twice, `signing_secrets` that are missing, short or
    /// another connection's too, a variable of `signing_secrets_env` that is not set, a header that is no
    /// header name, a `success_status` that is none.
    pub fn build(&self) -> Result<Vec<Connection>, ConnectionError> {
        let mut built: Vec<Connection> = Vec::with_capacity(self.connection.len());
        let mut owners = HashMap::new();
        for config in &self.connection {
            let named = |err| ConnectionError::new(&config.kind, &config.name, err);
            let secrets = config.secrets().map_err(named)?;
            let connection = config.build(&secrets).map_err(named)?;
            if built.iter().any(|other| other.id() == connection.id()) {
                return Err(named(ConfigError::new(
                    "name",
                    "is another connection's too",
                )));
            }
            // Two connections may well have one public key: with it nobody signs.
            let can_sign = catalog::find(&config.kind).is_some_and(|entry| entry.secret.can_sign());
            for secret in secrets.iter().filter(|_| can_sign) {
                let owner = owners.insert(secret.digest(), built.len());
                let is_shared = owner.is_some_and(|owner| owner != built.len());
                if is_shared && !self.allow_shared_secrets {
                    let reason = "holds another connection's secret";
                    return Err(named(ConfigError::new("signing_secrets", reason)));
                }
            }
            built.push(connection);
        }
        Ok(built)
    }
}

impl ConnectionConfig {
    fn secrets(&self) -> Result<Vec<SecretText>, ConfigError> {
        let mut secrets: Vec<_> = self
            .signing_secrets
            .iter()
            .map(SecretConfig::text)
            .collect();
        for variable in &self.signing_secrets_env {
            let text = std::env::var(variable);
            let reason = "names a variable that is not set";
            let text = text.map_err(|_| ConfigError::new("signing_secrets_env", reason))?;
            secrets.push(SecretText::new(text));
        }
        Ok(secrets)
    }

    fn build(&self, secrets: &[SecretText]) -> Result<Connection, ConfigError> {
        let refuse = |field, reason| Err(ConfigError::new(field, reason));
        let Some(entry) = catalog::find(&self.kind) else {
            return refuse("type", "is not a provider or scheme of the catalog");
        };
        let path = format!("/{}/{}", self.kind, self.name);
        let head = http::Request::get(path).body(());
        let id = head
            .ok()
            .and_then(|req| ConnectionId::of_path(&req.into_parts().0));
        let expected = ConnectionId::new(self.kind.as_str(), self.name.as_str());
        let Some(id) = id.filter(|id| *id == expected) else {
            return refuse(
                "name",
                "must be letters, digits, `-`, `_` and `.`, at most 128",
            );
        };
        let mut options = secrets
            .iter()
            .cloned()
            .fold(Options::new(), Options::secret);
        if let Some(url) = &self.public_url {
            options = options.public_url(url);
        }
        if let Some(token) = &self.verify_token {
            options = options.verify_token(token.text());
        }
        if let Some(name) = &self.nonce_header {
            options = options.nonce_header(header("nonce_header", name)?);
        }
        if let Some(name) = &self.signature_header {
            options = options.signature_header(header("signature_header", name)?);
        }
        if let Some(id) = &self.webhook_id {
            options = options.webhook_id(id);
        }
        if let Some(id) = &self.key_id {
            options = options.key_id(id);
        }
        options = self.topics.iter().fold(options, Options::topic);
        let components = self.required_components.iter();
        options = components.fold(options, Options::component);
        let options = self.origins.iter().fold(options, Options::origin);
        let mut connection =
            Connection::new(id, entry.build(&options)?).with_enabled(self.enabled.unwrap_or(true));
        if !self.allow_from.is_empty() {
            let list = AllowList::parse(self.allow_from.iter().map(String::as_str))?;
            connection = connection.with_allow_from(list);
        }
        if !self.events.is_empty() {
            let events = EventPatterns::parse(self.events.iter().map(String::as_str))?;
            connection = connection.with_events(events);
        }
        if let Some(seconds) = self.replay_window_seconds {
            connection = connection.with_replay_window(Duration::from_secs(seconds));
        }
        if let Some(status) = self.success_status {
            let status = StatusCode::from_u16(status).ok();
            let Some(status) = status.filter(StatusCode::is_success) else {
                return refuse("success_status", "must be between 200 and 299");
            };
            connection = connection.with_success(status);
        }
        Ok(connection)
    }
}

fn header(field: &'static str, name: &str) -> Result<HeaderName, ConfigError> {
    let refused = |_| ConfigError::new(field, "is not a header name");
    name.parse().map_err(refused)
}
