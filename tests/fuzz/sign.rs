//! Signatures, made here and not by the crate that is tried.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use tower_webhook::secret::Secret;

use crate::KEY;

/// The HMAC-SHA256 of `parts`, joined.
pub(crate) fn mac(parts: &[&[u8]]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(KEY).expect("HMAC takes keys of any length");
    let mac = parts.iter().fold(mac, |mac, part| mac.chain_update(part));
    mac.finalize().into_bytes().into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const_hex::encode(bytes)
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The secret that makes these.
pub(crate) fn secret() -> Secret {
    Secret::new(KEY).expect("32 bytes are a secret")
}
