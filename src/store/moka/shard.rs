use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::{Claim, Claimant, Fence, Fingerprint, IdemKey};

/// Claims, by key.
#[derive(Default)]
pub(super) struct Shard {
    flights: HashMap<IdemKey, Flight, BuildHasherDefault<Brought>>,
    // How many there were when lapsed claims were last looked for.
    swept: usize,
}

/// Takes the hash that a key brings.
#[derive(Default)]
pub(super) struct Brought(u64);

impl Hasher for Brought {
    fn write(&mut self, bytes: &[u8]) {
        // Only hashes are given.
        debug_assert!(bytes.is_empty());
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A claim, running or released.
pub(super) struct Flight {
    fence: Fence,
    who: Claimant,
    payload: Fingerprint,
    lease: Duration,
    until: Instant,
    released: bool,
}

impl Shard {
    pub(super) fn get(&self, key: &IdemKey) -> Option<&Flight> {
        self.flights.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &IdemKey) -> Option<&mut Flight> {
        self.flights.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: IdemKey, flight: Flight) -> Option<Flight> {
        self.flights.insert(key, flight)
    }

    pub(super) fn remove(&mut self, key: &IdemKey) {
        self.flights.remove(key);
    }

    /// Drops claims that nobody came back to for a lease after their own; says how many.
    pub(super) fn drop_lapsed(&mut self, now: Instant) -> usize {
        let before = self.flights.len();
        self.flights
            .retain(|_, flight| now < flight.until + flight.lease);
        self.swept = self.flights.len();
        before - self.flights.len()
    }

    /// As [`drop_lapsed`](Self::drop_lapsed), at an amortized constant price.
    pub(super) fn drop_lapsed_if_grown(&mut self, now: Instant) -> usize {
        if self.flights.len() > 2 * self.swept + 16 {
            self.drop_lapsed(now)
        } else {
            0
        }
    }
}

impl Flight {
    pub(super) fn new(
        fence: Fence,
        who: Claimant,
        payload: Fingerprint,
        lease: Duration,
        now: Instant,
    ) -> Self {
        Self {
            fence,
            who,
            payload,
            lease,
            until: now + lease,
            released: false,
        }
    }

    /// What a claim gets to hear, or `None` where it takes over.
    pub(super) fn answer_to(
        &self,
        who: Claimant,
        payload: &Fingerprint,
        now: Instant,
    ) -> Option<Claim> {
        if self.released || now >= self.until {
            return None;
        }
        Some(if self.payload != *payload {
            Claim::Mismatch
        } else if self.who == who {
            Claim::Acquired {
                fence: self.fence,
                reclaimed: false,
            }
        } else {
            Claim::InProgress {
                retry_after: self.until - now,
            }
        })
    }

    pub(super) fn renew(&mut self, lease: Duration, now: Instant) {
        self.lease = lease;
        self.until = now + lease;
    }

    /// The claim stays a while, so that its holder may say so twice.
    pub(super) fn release(&mut self, now: Instant) {
        self.released = true;
        self.until = now;
    }

    pub(super) fn is_run_by(&self, fence: Fence) -> bool {
        self.fence == fence && !self.released
    }

    pub(super) fn is_released(&self) -> bool {
        self.released
    }

    pub(super) fn fence(&self) -> Fence {
        self.fence
    }

    pub(super) fn payload(&self) -> Fingerprint {
        self.payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lapsed_claims_are_looked_for_where_claims_have_doubled() {
        let lease = Duration::from_secs(1);
        let start = Instant::now();
        let (late, later) = (start + 2 * lease, start + 4 * lease);
        let mut shard = Shard::default();
        let add = |shard: &mut Shard, numbers: std::ops::Range<u64>, now| {
            for number in numbers {
                let fence = Fence::LEAST;
                let payload = Fingerprint::of(b"{}");
                let flight = Flight::new(fence, Claimant::unique(), payload, lease, now);
                let key = IdemKey::compose("github", None, &number.to_string());
                shard.insert(key, flight);
            }
        };
        add(&mut shard, 0..16, start);
        assert_eq!(shard.drop_lapsed_if_grown(late), 0);
        add(&mut shard, 16..17, late);
        assert_eq!(shard.drop_lapsed_if_grown(late), 16);
        // One is left: twice as many, and 16, are borne.
        add(&mut shard, 17..34, late);
        assert_eq!(shard.drop_lapsed_if_grown(later), 0);
        add(&mut shard, 34..35, later);
        assert_eq!(shard.drop_lapsed_if_grown(later), 18);
    }
}
