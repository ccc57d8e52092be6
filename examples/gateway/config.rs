//! The configuration file.

use std::time::Duration;

use serde::Deserialize;
use tower_webhook::BoxError;
use tower_webhook::connection::{ConnectionMap, ConnectionsFile};
use tower_webhook::settings::Settings;

pub(crate) struct Config {
    pub(crate) settings: Settings,
    /// How long a claim outlives a process that dies.
    pub(crate) lease: Duration,
    pub(crate) store: String,
    pub(crate) receipts: String,
    pub(crate) connections: ConnectionMap,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    integrations: Integrations,
    #[serde(flatten)]
    connections: ConnectionsFile,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Integrations {
    #[serde(default)]
    webhooks: toml::Table,
}

impl Config {
    pub(crate) fn read(path: &str) -> Result<Self, BoxError> {
        let text = std::fs::read_to_string(path).map_err(|err| format!("{path}: {err}"))?;
        let file: File = toml::from_str(&text)?;
        let mut settings = file.integrations.webhooks;
        let lease = match settings.remove("lease_seconds") {
            Some(toml::Value::Integer(seconds)) => u64::try_from(seconds).unwrap_or(0),
            Some(_) => return Err("`lease_seconds` must be a number".into()),
            None => 300,
        };
        // Which stores there are is the gateway's own affair; the rest are the crate's settings.
        let mut take = |field: &str, usual: &str| match settings.remove(field) {
            Some(toml::Value::String(url)) => Ok(url),
            Some(_) => Err(format!("`{field}` must be a URL")),
            None => Ok(usual.to_owned()),
        };
        Ok(Self {
            lease: Duration::from_secs(lease),
            store: take("store", "moka://")?,
            receipts: take("receipts", "memory")?,
            settings: settings.try_into()?,
            connections: ConnectionMap::from_file(&file.connections)?,
        })
    }
}
