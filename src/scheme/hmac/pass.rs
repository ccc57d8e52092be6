use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;
use subtle::{Choice, ConditionallySelectable as _};

use super::keyed::Keyed;
use super::{Key, Plan};
use crate::delivery::Delivery;
use crate::scheme::compare::equal;
use crate::scheme::plan::Reading;
use crate::scheme::signature::Candidates;
use crate::scheme::{AuthError, AuthErrorKind, Claims, Pass};

/// One verification by an [`HmacScheme`](super::HmacScheme).
pub struct HmacPass {
    plan: Arc<Plan>,
    keys: Arc<[Key]>,
    // One, but for rotations and for URLs of several forms.
    runs: SmallVec<[Run; 1]>,
    after: Vec<u8>,
    candidates: Candidates,
    delivery: Delivery,
}

/// The hash of the content under one key, with the URL in one of its forms.
struct Run {
    mac: Keyed,
    slot: u32,
    // Whether the key is accepted today.
    live: bool,
}

impl HmacPass {
    pub(super) fn new(plan: Arc<Plan>, keys: Arc<[Key]>, now: i64, reading: Reading) -> Self {
        let mut runs = SmallVec::with_capacity(keys.len() * reading.before.len());
        for (slot, key) in (0..).zip(&*keys) {
            let live = key.validity.holds_at(now);
            runs.extend(reading.before.iter().map(|before| {
                let mut mac = key.mac.clone();
                mac.update(before);
                Run { mac, slot, live }
            }));
        }
        Self {
            plan,
            keys,
            runs,
            after: reading.after,
            candidates: reading.candidates,
            delivery: reading.delivery,
        }
    }
}

impl Pass for HmacPass {
    fn update(&mut self, chunk: &[u8]) {
        self.runs.iter_mut().for_each(|run| run.mac.update(chunk));
    }

    fn finish(mut self, body: &[u8]) -> Result<Claims, AuthError> {
        let mut matched = Choice::from(0);
        let mut slot = 0_u32;
        // No early exit: the time taken must not tell which secret or which candidate matched.
        for mut run in self.runs {
            run.mac.update(&self.after);
            let live = Choice::from(u8::from(run.live));
            let expected = run.mac.finalize();
            for candidate in &self.candidates {
                let same = equal(expected.as_bytes(), candidate.as_bytes()) & live;
                slot.conditional_assign(&run.slot, same);
                matched |= same;
            }
        }
        if !bool::from(matched) {
            return Err(AuthErrorKind::Mismatch.into());
        }
        let slot = slot as usize;
        self.delivery.secret_slot = slot;
        self.delivery.key_id.clone_from(&self.keys[slot].id);
        self.plan.read_payload(body, &mut self.delivery)?;
        let challenge = self.plan.recipe.challenge;
        let answer = challenge.and_then(|challenge| {
            challenge.answer(body, &|text| {
                let mut mac = self.keys[slot].mac.clone();
                mac.update(text);
                const_hex::encode(mac.finalize().as_bytes())
            })
        });
        Ok(answer.map_or_else(|| self.delivery.into(), Claims::from))
    }
}

impl fmt::Debug for HmacPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacPass").finish_non_exhaustive()
    }
}
