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
    // In a box: on its way to the verdict a pass is moved a dozen times.
    work: Box<Work>,
}

struct Work {
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
        let mut work = Box::new(Work {
            plan,
            runs: SmallVec::new(),
            after: reading.after,
            candidates: reading.candidates,
            delivery: reading.delivery,
            keys,
        });
        let Work { runs, keys, .. } = &mut *work;
        runs.reserve_exact(keys.len() * reading.before.len());
        for (slot, key) in (0..).zip(&**keys) {
            let live = key.validity.holds_at(now);
            for before in &reading.before {
                let mac = key.mac.clone();
                runs.push(Run { mac, slot, live });
                if let Some(run) = runs.last_mut() {
                    run.mac.update(before);
                }
            }
        }
        Self { work }
    }
}

impl Pass for HmacPass {
    fn update(&mut self, chunk: &[u8]) {
        let runs = self.work.runs.iter_mut();
        runs.for_each(|run| run.mac.update(chunk));
    }

    fn finish(mut self, body: &[u8]) -> Result<Claims, AuthError> {
        let Work {
            plan,
            keys,
            runs,
            after,
            candidates,
            delivery,
        } = &mut *self.work;
        let mut matched = Choice::from(0);
        let mut slot = 0_u32;
        // No early exit: the time taken must not tell which secret or which candidate matched.
        for mut run in runs.drain(..) {
            run.mac.update(after);
            let live = Choice::from(u8::from(run.live));
            let expected = run.mac.finalize();
            for candidate in &*candidates {
                let same = equal(expected.as_bytes(), candidate.as_bytes()) & live;
                slot.conditional_assign(&run.slot, same);
                matched |= same;
            }
        }
        if !bool::from(matched) {
            return Err(AuthErrorKind::Mismatch.into());
        }
        let slot = slot as usize;
        delivery.secret_slot = slot;
        delivery.key_id.clone_from(&keys[slot].id);
        plan.read_payload(body, delivery)?;
        let challenge = plan.recipe.challenge;
        let answer = challenge.and_then(|challenge| {
            challenge.answer(body, &|text| {
                let mut mac = keys[slot].mac.clone();
                mac.update(text);
                const_hex::encode(mac.finalize().as_bytes())
            })
        });
        let Work { delivery, .. } = *self.work;
        Ok(answer.map_or_else(|| delivery.into(), Claims::from))
    }
}

impl fmt::Debug for HmacPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacPass").finish_non_exhaustive()
    }
}
