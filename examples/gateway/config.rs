//! The configuration file.

use std::time::Duration;

use serde::Deserialize;
use tower_webhook::BoxError;
use tower_webhook::connection::{ConnectionConfig, ConnectionMap, ConnectionsFile};
use tower_webhook::settings::Settings;

pub(crate) struct Config {
    pub(crate) settings: Settings,
    /// How long a claim outlives a process that dies.
    pub(crate) lease: Duration,
    pub(crate) store: String,
    pub(crate) receipts: String,
    /// How long receipts are kept; for ever without it.
    pub(crate) receipts_ttl: Option<Duration>,
    pub(crate) connections: ConnectionMap,
}

/// All that the file may hold: a table whose name is misspelt is an error too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    integrations: Integrations,
    #[serde(default)]
    connection: Vec<ConnectionConfig>,
    #[serde(default)]
    allow_shared_secrets: bool,
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
        // By way of a table, so that errors name the field. Otherwise they quote its line, and with it a secret.
        let table: toml::Table = text.parse().map_err(|err| in_line(path, &text, &err))?;
        let file: File = table.try_into().map_err(|err| in_field(path, &err))?;
        let mut settings = file.integrations.webhooks;
        let lease = seconds(&mut settings, "lease_seconds")?;
        let receipts_ttl = seconds(&mut settings, "receipts_ttl_seconds")?;
        // Which stores there are is the gateway's own affair; the rest are the crate's settings.
        let mut take = |field: &str, usual: &str| match settings.remove(field) {
            Some(toml::Value::String(url)) => Ok(url),
            Some(_) => Err(format!("`{field}` must be a URL")),
            None => Ok(usual.to_owned()),
        };
        let mut connections = ConnectionsFile::default();
        connections.connection = file.connection;
        connections.allow_shared_secrets = file.allow_shared_secrets;
        Ok(Self {
            lease: lease.unwrap_or(Duration::from_secs(300)),
            store: take("store", "moka://")?,
            receipts: take("receipts", "memory")?,
            receipts_ttl,
            settings: settings.try_into().map_err(|err| in_field(path, &err))?,
            connections: ConnectionMap::from_file(&connections)?,
        })
    }
}

fn seconds(settings: &mut toml::Table, field: &str) -> Result<Option<Duration>, String> {
    let Some(value) = settings.remove(field) else {
        return Ok(None);
    };
    let seconds = value
        .as_integer()
        .and_then(|seconds| seconds.try_into().ok());
    let seconds = seconds.filter(|seconds| *seconds > 0);
    match seconds {
        Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
        None => Err(format!("`{field}` must be a number of seconds, at least 1")),
    }
}

/// What is wrong with a field, on one line.
fn in_field(path: &str, err: &toml::de::Error) -> String {
    format!("{path}: {}", err.to_string().trim().replace('\n', " "))
}

/// What is wrong with a text that is no TOML, and where.
fn in_line(path: &str, text: &str, err: &toml::de::Error) -> String {
    let before = err.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(0, |before| before.matches('\n').count());
    format!("{path}, line {}: {}", line + 1, err.message())
}
