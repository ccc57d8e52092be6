//! The control: a verifier like ours, but for its comparison.

use std::hint::black_box;

use hmac::Mac as _;
use http::request::Parts;
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::scheme::{AuthError, AuthErrorKind, Claims, Pass, Scheme};

use super::common::{Mac, keyed};

/// GitHub's scheme, written down as one would without thinking of it.
#[derive(Debug)]
pub(crate) struct Leaky(Mac);

impl Leaky {
    pub(crate) fn new() -> Self {
        Self(keyed())
    }
}

#[derive(Debug)]
pub(crate) struct LeakyPass {
    mac: Mac,
    claimed: [u8; 32],
}

impl Scheme for Leaky {
    type Pass = LeakyPass;

    fn begin(&self, head: &Parts) -> Result<LeakyPass, AuthError> {
        let header = head.headers.get("x-hub-signature-256");
        let header = header.ok_or(AuthErrorKind::MissingHeader)?.as_bytes();
        let digits = header.strip_prefix(b"sha256=");
        let mut claimed = [0; 32];
        const_hex::decode_to_slice(digits.unwrap_or_default(), &mut claimed)
            .map_err(|_| AuthErrorKind::MalformedHeader)?;
        let mac = self.0.clone();
        Ok(LeakyPass { mac, claimed })
    }
}

impl Pass for LeakyPass {
    fn update(&mut self, chunk: &[u8]) {
        self.mac.update(chunk);
    }

    fn finish(self, _: &[u8]) -> Result<Claims, AuthError> {
        let expected = self.mac.finalize().into_bytes();
        for (expected, claimed) in expected.iter().zip(&self.claimed) {
            // Else LLVM makes one comparison of all bytes out of it.
            if black_box(expected) != black_box(claimed) {
                return Err(AuthErrorKind::Mismatch.into());
            }
        }
        Ok(Delivery::new(DeliveryId::Digest, 0).into())
    }
}
