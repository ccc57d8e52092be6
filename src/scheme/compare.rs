//! The one comparison of signatures, digests and secrets.

use subtle::{Choice, ConstantTimeEq as _};

/// Whether the two are the same bytes, in a time that depends on their lengths only.
pub(super) fn equal(left: &[u8], right: &[u8]) -> Choice {
    left.ct_eq(right)
}
