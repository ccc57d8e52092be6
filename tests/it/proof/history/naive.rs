//! What many write first: `SET key NX PX lease`, and no token looked at afterwards.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};

#[derive(Debug, Default)]
pub(super) struct Naive {
    values: Mutex<HashMap<IdemKey, (Option<StoredAnswer>, Instant)>>,
    grants: AtomicU64,
}

impl IdempotencyStore for Naive {
    async fn claim(
        &self,
        key: &IdemKey,
        _: Claimant,
        _: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let now = Instant::now();
        let mut values = self.values.lock().unwrap();
        Ok(match values.get(key).filter(|(_, until)| now < *until) {
            Some((Some(answer), _)) => Claim::Done {
                answer: answer.clone(),
            },
            Some((None, until)) => Claim::InProgress {
                retry_after: *until - now,
            },
            None => {
                values.insert(key.clone(), (None, now + lease));
                let number = self.grants.fetch_add(1, Ordering::Relaxed) + 1;
                Claim::Acquired {
                    fence: Fence::new(number.try_into().unwrap()),
                    reclaimed: false,
                }
            }
        })
    }

    async fn renew(&self, key: &IdemKey, _: Fence, lease: Duration) -> Result<Held, StoreError> {
        let mut values = self.values.lock().unwrap();
        if let Some((None, until)) = values.get_mut(key) {
            *until = Instant::now() + lease;
        }
        Ok(Held::Yes)
    }

    async fn complete(
        &self,
        key: &IdemKey,
        _: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        let until = Instant::now() + keep.full;
        let mut values = self.values.lock().unwrap();
        values.insert(key.clone(), (Some(answer.clone()), until));
        Ok(Held::Yes)
    }

    async fn release(&self, key: &IdemKey, _: Fence) -> Result<Held, StoreError> {
        self.values.lock().unwrap().remove(key);
        Ok(Held::Yes)
    }
}
