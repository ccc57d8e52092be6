//! What verifies for connections that are not there.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use super::{Connection, ConnectionId};
use crate::scheme::catalog::{self, Options, SecretFormat};
use crate::scheme::{AnyScheme, HmacScheme, Scheme as _};
use crate::secret::Secret;

/// A scheme for each type of connection, under a secret that opens nothing. Told apart by the time it
/// takes, an unknown connection would tell which ones there are.
#[derive(Debug)]
pub(super) struct Decoys {
    by_kind: HashMap<&'static str, Connection>,
    other: Connection,
}

/// What stands where a connection of this type would. No name: nothing is ever told of it.
fn decoy(kind: &str, scheme: AnyScheme) -> Connection {
    Connection {
        id: ConnectionId::new(kind, ""),
        profile: scheme.profile(),
        scheme,
        allow_from: None,
        is_enabled: true,
    }
}

/// Public keys whose private halves were thrown away.
const ED25519: &str = "53b31771c85cd9e26b58e5e061681ef9763a54b0302fefdaf6f74db732ce2afe";
const ED25519_BASE64: &str = "qxtyNHC2B3ciVBHRkdeQF97mFIqAni8weXTxSjfVBRA=";
const P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExeL2IjJuJhfrBu2ygF1mzmqJZA7NM7ewvZwafBgjHeK5zi3CCaeqzE+a6aolasSv4L3zu5kVa6ZYUjTv8IP36w==";

/// A secret that nobody has: who could sign with it would get further with a decoy than with a
/// connection, and could tell it by the time. It can be read in all three encodings of secrets.
fn secret() -> String {
    let drawn = RandomState::new();
    format!("{:016x}{:016x}", drawn.hash_one(0), drawn.hash_one(1))
}

impl Decoys {
    pub(super) fn new() -> Self {
        let drawn = secret();
        let mut by_kind = HashMap::new();
        for entry in catalog::all() {
            let key = match entry.secret {
                SecretFormat::Ed25519Hex => ED25519,
                SecretFormat::Ed25519Base64 => ED25519_BASE64,
                SecretFormat::Spki => P256,
                _ => &drawn,
            };
            let options = Options::new()
                .secret(key)
                .public_url("https://decoy.invalid/");
            if let Ok(scheme) = entry.build(&options) {
                let decoy = decoy(entry.id, scheme);
                by_kind
                    .entry(entry.provider)
                    .or_insert_with(|| decoy.clone());
                by_kind.insert(entry.id, decoy);
            }
        }
        let secret = Secret::new(drawn).expect("32 bytes are enough");
        Self {
            by_kind,
            other: decoy("", AnyScheme::new(HmacScheme::github(secret))),
        }
    }

    pub(super) fn of(&self, kind: &str) -> &Connection {
        self.by_kind.get(kind).unwrap_or(&self.other)
    }
}
