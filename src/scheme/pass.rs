use std::fmt;

use hmac::Mac as _;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::hmac::Keyed;
use super::signature::Mac;
use super::{AuthError, AuthErrorKind, Pass};
use crate::delivery::Delivery;

/// One verification by an [`HmacScheme`](super::HmacScheme).
pub struct HmacPass {
    // With each key, whether it is accepted today.
    macs: Vec<(Keyed, bool)>,
    suffix: Vec<u8>,
    candidates: Vec<Mac>,
    delivery: Delivery,
}

impl HmacPass {
    pub(super) fn new(
        macs: Vec<(Keyed, bool)>,
        suffix: Vec<u8>,
        candidates: Vec<Mac>,
        delivery: Delivery,
    ) -> Self {
        Self {
            macs,
            suffix,
            candidates,
            delivery,
        }
    }
}

impl Pass for HmacPass {
    fn update(&mut self, chunk: &[u8]) {
        self.macs.iter_mut().for_each(|(mac, _)| mac.update(chunk));
    }

    fn finish(mut self, _body: &[u8]) -> Result<Delivery, AuthError> {
        let mut matched = Choice::from(0);
        let mut slot = 0_u64;
        // No early exit: the time taken must not tell which secret or which candidate matched.
        for (index, (mut mac, live)) in (0_u64..).zip(self.macs) {
            mac.update(&self.suffix);
            let live = Choice::from(u8::from(live));
            let expected: Mac = mac.finalize().into_bytes().into();
            for candidate in &self.candidates {
                let equal = expected.ct_eq(candidate) & live;
                slot.conditional_assign(&index, equal);
                matched |= equal;
            }
        }
        if !bool::from(matched) {
            return Err(AuthErrorKind::Mismatch.into());
        }
        self.delivery.secret_slot = usize::try_from(slot).unwrap_or_default();
        Ok(self.delivery)
    }
}

impl fmt::Debug for HmacPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacPass").finish_non_exhaustive()
    }
}
