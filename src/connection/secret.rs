use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, Expected, MapAccess, SeqAccess, Unexpected, Visitor};

use crate::scheme::catalog::SecretText;

/// A secret of a configuration: its text, or a table with its dates. An unknown name in the table is an error.
#[derive(Clone)]
#[non_exhaustive]
pub enum SecretConfig {
    /// Accepted at all times.
    Text(String),
    /// Accepted in its time.
    #[non_exhaustive]
    Dated {
        /// The text.
        secret: String,
        /// See [`Secret::with_id`](crate::secret::Secret::with_id).
        id: Option<String>,
        /// Unix seconds.
        not_before: Option<i64>,
        /// Unix seconds.
        not_after: Option<i64>,
    },
}

impl SecretConfig {
    pub(super) fn text(&self) -> SecretText {
        match self {
            Self::Text(text) => SecretText::new(text),
            Self::Dated {
                secret,
                id,
                not_before,
                not_after,
            } => {
                let mut text = SecretText::new(secret);
                if let Some(id) = id {
                    text = text.with_id(id);
                }
                if let Some(time) = not_before {
                    text = text.not_before(*time);
                }
                if let Some(time) = not_after {
                    text = text.not_after(*time);
                }
                text
            }
        }
    }
}

// Not derived: what is no secret may be meant as one, and errors of serde quote what they found.
impl<'de> Deserialize<'de> for SecretConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(One)
    }
}

/// Reads the secrets of a connection.
pub(super) fn list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<SecretConfig>, D::Error> {
    deserializer.deserialize_any(List)
}

/// A table of a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    secret: Text,
    id: Option<String>,
    not_before: Option<i64>,
    not_after: Option<i64>,
}

struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match SecretConfig::deserialize(deserializer)? {
            SecretConfig::Text(text) => Ok(Self(text)),
            SecretConfig::Dated { .. } => Err(D::Error::custom("`secret` must be a text")),
        }
    }
}

/// A number may be meant as a secret.
macro_rules! quotes_no_number {
    () => {
        quotes_no_number!(visit_i64 i64, visit_u64 u64, visit_f64 f64);
    };
    ($($visit:ident $number:ty),*) => {
        $(fn $visit<E: Error>(self, _: $number) -> Result<Self::Value, E> {
            Err(unlike("a number", &self))
        })*
    };
}

struct One;

impl<'de> Visitor<'de> for One {
    type Value = SecretConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret: its text, or a table with `secret`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretConfig, E> {
        Ok(SecretConfig::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretConfig, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(SecretConfig::Dated {
            secret: table.secret.0,
            id: table.id,
            not_before: table.not_before,
            not_after: table.not_after,
        })
    }

    quotes_no_number!();
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Vec<SecretConfig>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of secrets")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(unlike("a text", &self))
    }

    quotes_no_number!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut secrets = Vec::new();
        while let Some(secret) = seq.next_element()? {
            secrets.push(secret);
        }
        Ok(secrets)
    }
}

/// The usual error, without what was found.
fn unlike<E: Error>(found: &str, wanted: &dyn Expected) -> E {
    E::invalid_type(Unexpected::Other(found), wanted)
}

impl fmt::Debug for SecretConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretConfig(redacted)")
    }
}
