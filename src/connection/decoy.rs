//! What verifies for connections that are not there.

use std::collections::HashMap;
use std::sync::Arc;

use crate::scheme::catalog::{self, Options};
use crate::scheme::{AnyScheme, HmacScheme, Profile, Scheme as _};
use crate::secret::Secret;

/// A scheme for each type of connection, under a secret that opens nothing. Told apart by the time it
/// takes, an unknown connection would tell which ones there are.
#[derive(Debug)]
pub(super) struct Decoys {
    by_kind: HashMap<&'static str, Decoy>,
    other: Decoy,
}

#[derive(Clone, Debug)]
pub(super) struct Decoy {
    pub(super) scheme: AnyScheme,
    pub(super) profile: Arc<Profile>,
}

impl Decoy {
    fn new(scheme: AnyScheme) -> Self {
        let profile = scheme.profile();
        Self { scheme, profile }
    }
}

impl Decoys {
    pub(super) fn new() -> Self {
        // Known to everybody who reads this: `ConnectionPass` lets nobody in by it. It can be read in
        // all three encodings of secrets.
        const SECRET: &str = "00000000000000000000000000000000";
        let options = Options::new()
            .secret(SECRET)
            .public_url("https://decoy.invalid/");
        let mut by_kind = HashMap::new();
        for entry in catalog::all() {
            if let Ok(scheme) = entry.build(&options) {
                let decoy = Decoy::new(scheme);
                by_kind
                    .entry(entry.provider)
                    .or_insert_with(|| decoy.clone());
                by_kind.insert(entry.id, decoy);
            }
        }
        let secret = Secret::new(SECRET).expect("32 bytes are enough");
        Self {
            by_kind,
            other: Decoy::new(AnyScheme::new(HmacScheme::github(secret))),
        }
    }

    pub(super) fn of(&self, kind: &str) -> &Decoy {
        self.by_kind.get(kind).unwrap_or(&self.other)
    }
}
