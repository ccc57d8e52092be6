//! A store of your own, here a table behind a lock, held to the suite that every store must pass.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;
use tower_webhook::BoxError;
use tower_webhook::store::conformance::{Testbed, run};
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};

/// One row for each key that was ever seen: a toy in that, and only in that.
#[derive(Default)]
struct Table(Mutex<HashMap<IdemKey, Row>>);

struct Row {
    fence: Fence,
    who: Claimant,
    payload: Fingerprint,
    state: State,
}

enum State {
    Running {
        until: Instant,
    },
    Done {
        answer: StoredAnswer,
        full_until: Instant,
        until: Instant,
    },
    Released,
}

impl Table {
    /// Runs `change` on the row, where `fence` is still its newest.
    fn with(&self, key: &IdemKey, fence: Fence, change: impl FnOnce(&mut Row) -> Held) -> Held {
        let mut rows = self.0.lock().expect("no holder of the lock panics");
        let row = rows.get_mut(key).filter(|row| row.fence == fence);
        row.map_or(Held::Lost, change)
    }
}

impl IdempotencyStore for Table {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let now = Instant::now();
        let mut rows = self.0.lock().expect("no holder of the lock panics");
        let before = rows.get(key);
        if let Some(row) = before {
            let mismatch = row.payload != *payload;
            match &row.state {
                State::Running { until } if now < *until && mismatch => return Ok(Claim::Mismatch),
                State::Running { until } if now < *until && row.who == who => {
                    let fence = row.fence;
                    return Ok(Claim::Acquired {
                        fence,
                        reclaimed: false,
                    });
                }
                State::Running { until } if now < *until => {
                    let retry_after = *until - now;
                    return Ok(Claim::InProgress { retry_after });
                }
                State::Done { until, .. } if now < *until && mismatch => {
                    return Ok(Claim::Mismatch);
                }
                State::Done {
                    answer,
                    full_until,
                    until,
                } if now < *until => {
                    let full = now < *full_until;
                    let answer = if full {
                        answer.clone()
                    } else {
                        answer.to_tombstone()
                    };
                    return Ok(Claim::Done { answer });
                }
                State::Running { .. } | State::Done { .. } | State::Released => {}
            }
        }
        let reclaimed = before.is_some_and(|row| matches!(row.state, State::Running { .. }));
        let number = before.map_or(1, |row| row.fence.get().saturating_add(1));
        let fence = Fence::new(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN));
        let state = State::Running { until: now + lease };
        rows.insert(
            key.clone(),
            Row {
                fence,
                who,
                payload: *payload,
                state,
            },
        );
        Ok(Claim::Acquired { fence, reclaimed })
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        Ok(self.with(key, fence, |row| match &mut row.state {
            State::Running { until } => {
                *until = Instant::now() + lease;
                Held::Yes
            }
            State::Done { .. } | State::Released => Held::Lost,
        }))
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        Ok(self.with(key, fence, |row| match row.state {
            State::Running { .. } => {
                let now = Instant::now();
                row.state = State::Done {
                    answer: answer.clone(),
                    full_until: now + keep.full,
                    until: now + keep.tombstone,
                };
                Held::Yes
            }
            State::Done { .. } => Held::Yes,
            State::Released => Held::Lost,
        }))
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        Ok(self.with(key, fence, |row| match row.state {
            State::Running { .. } | State::Released => {
                row.state = State::Released;
                Held::Yes
            }
            State::Done { .. } => Held::Lost,
        }))
    }
}

struct Bed;

impl Testbed for Bed {
    type Store = Table;

    async fn store(&self) -> Table {
        Table::default()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("{} facts hold", run(&Bed).await);
    Ok(())
}
