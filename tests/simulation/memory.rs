//! What the store on the network remembers.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore as _, MokaStore,
    Retention, StoredAnswer,
};

use crate::flaw::Flaw;
use crate::plan::MemoryKind;

/// Records that the store with a flaw has room for.
const ROOM: usize = 4;

/// A call of a store, as it goes over the network.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Claim(IdemKey, Claimant, Fingerprint, Duration),
    Renew(IdemKey, Fence, Duration),
    Complete(IdemKey, Fence, StoredAnswer, Retention),
    Release(IdemKey, Fence),
}

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Claim(Claim),
    Held(Held),
}

pub(crate) enum Memory {
    Plain(Plain),
    Moka(MokaStore),
}

impl Memory {
    pub(crate) fn new(kind: MemoryKind, flaw: Option<Flaw>) -> Self {
        match kind {
            MemoryKind::Plain => Self::Plain(Plain::new(flaw)),
            MemoryKind::Moka => Self::Moka(MokaStore::new()),
        }
    }

    pub(crate) fn apply(&mut self, call: &Call, now: Duration) -> Reply {
        match self {
            Self::Plain(plain) => plain.apply(call, now),
            Self::Moka(moka) => apply_to_moka(moka, call),
        }
    }
}

/// Without a wait, for `MokaStore` has none.
fn apply_to_moka(moka: &MokaStore, call: &Call) -> Reply {
    use futures_util::FutureExt as _;
    let reply = async {
        Ok::<_, tower_webhook::store::StoreError>(match call {
            Call::Claim(key, who, payload, lease) => {
                Reply::Claim(moka.claim(key, *who, payload, *lease).await?)
            }
            Call::Renew(key, fence, lease) => Reply::Held(moka.renew(key, *fence, *lease).await?),
            Call::Complete(key, fence, answer, keep) => {
                Reply::Held(moka.complete(key, *fence, answer, *keep).await?)
            }
            Call::Release(key, fence) => Reply::Held(moka.release(key, *fence).await?),
        })
    };
    let reply = reply.now_or_never().expect("it waits for nothing");
    reply.expect("it has room")
}

/// The protocol in its shortest form, so that it can be read, and spoiled.
pub(crate) struct Plain {
    records: BTreeMap<String, Record>,
    fences: u64,
    flaw: Option<Flaw>,
}

struct Record {
    fence: Fence,
    who: Claimant,
    payload: Fingerprint,
    state: State,
    age: u64,
}

enum State {
    Running {
        until: Duration,
    },
    Released,
    Done {
        answer: StoredAnswer,
        since: Duration,
        keep: Retention,
    },
}

impl Plain {
    pub(crate) fn new(flaw: Option<Flaw>) -> Self {
        Self {
            records: BTreeMap::new(),
            fences: 0,
            flaw,
        }
    }

    pub(crate) fn apply(&mut self, call: &Call, now: Duration) -> Reply {
        match call {
            Call::Claim(key, who, payload, lease) => {
                Reply::Claim(self.claim(key, *who, *payload, now, *lease))
            }
            Call::Renew(key, fence, lease) => Reply::Held(self.renew(key, *fence, now + *lease)),
            Call::Complete(key, fence, answer, keep) => {
                Reply::Held(self.complete(key, *fence, answer, *keep, now))
            }
            Call::Release(key, fence) => Reply::Held(self.release(key, *fence)),
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Under which name a key is filed.
    fn file(&self, key: &IdemKey) -> String {
        let key = key.as_str();
        match self.flaw {
            Some(Flaw::UnescapedKey) => key.replace("%3A", ":"),
            Some(Flaw::UnsignedNonce) => key.split('~').next().unwrap_or(key).to_owned(),
            _ => key.to_owned(),
        }
    }

    fn claim(
        &mut self,
        key: &IdemKey,
        who: Claimant,
        payload: Fingerprint,
        now: Duration,
        lease: Duration,
    ) -> Claim {
        let file = self.file(key);
        let before = self.records.get(&file).filter(|r| !r.is_forgotten(now));
        if let Some(answer) = before.and_then(|record| record.answer_to(who, payload, now)) {
            return answer;
        }
        let reclaimed = before.is_some_and(|r| matches!(r.state, State::Running { .. }));
        self.fences += 1;
        let fence = Fence::new(NonZeroU64::new(self.fences).expect("it was counted up"));
        let state = State::Running { until: now + lease };
        let record = Record {
            fence,
            who,
            payload,
            state,
            age: self.fences,
        };
        self.records.insert(file, record);
        if self.has(Flaw::EvictingStore) && self.records.len() > ROOM {
            let oldest = self.records.iter().min_by_key(|(_, record)| record.age);
            if let Some(file) = oldest.map(|(file, _)| file.clone()) {
                self.records.remove(&file);
            }
        }
        Claim::Acquired { fence, reclaimed }
    }

    /// The record, where it is that of the holder.
    fn held(&mut self, key: &IdemKey, fence: Fence) -> Option<&mut Record> {
        let is_anybody = self.has(Flaw::NoFence);
        let record = self.records.get_mut(&self.file(key))?;
        (is_anybody || record.fence == fence).then_some(record)
    }

    fn renew(&mut self, key: &IdemKey, fence: Fence, new: Duration) -> Held {
        match self.held(key, fence).map(|record| &mut record.state) {
            Some(State::Running { until }) => {
                *until = new;
                Held::Yes
            }
            _ => Held::Lost,
        }
    }

    fn complete(
        &mut self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
        now: Duration,
    ) -> Held {
        let is_anybody = self.has(Flaw::NoFence);
        let Some(record) = self.held(key, fence) else {
            return Held::Lost;
        };
        match &record.state {
            State::Running { .. } => {}
            State::Done { .. } if record.is_forgotten(now) => return Held::Lost,
            State::Done { .. } if !is_anybody => return Held::Yes,
            State::Done { .. } => {}
            State::Released if is_anybody => {}
            State::Released => return Held::Lost,
        }
        let answer = answer.clone();
        record.state = State::Done {
            answer,
            since: now,
            keep,
        };
        Held::Yes
    }

    fn release(&mut self, key: &IdemKey, fence: Fence) -> Held {
        let is_anybody = self.has(Flaw::NoFence);
        match self.held(key, fence) {
            Some(record) if is_anybody || !matches!(record.state, State::Done { .. }) => {
                record.state = State::Released;
                Held::Yes
            }
            _ => Held::Lost,
        }
    }
}

impl Record {
    fn is_forgotten(&self, now: Duration) -> bool {
        matches!(&self.state, State::Done { since, keep, .. } if now >= *since + keep.tombstone)
    }

    fn answer_to(&self, who: Claimant, payload: Fingerprint, now: Duration) -> Option<Claim> {
        let is_same = self.payload == payload;
        match &self.state {
            State::Released => None,
            State::Running { until } if now >= *until => None,
            _ if !is_same => Some(Claim::Mismatch),
            State::Running { .. } if self.who == who => Some(Claim::Acquired {
                fence: self.fence,
                reclaimed: false,
            }),
            State::Running { until } => Some(Claim::InProgress {
                retry_after: *until - now,
            }),
            State::Done {
                answer,
                since,
                keep,
            } => Some(Claim::Done {
                answer: match now < *since + keep.full {
                    true => answer.clone(),
                    false => answer.to_tombstone(),
                },
            }),
        }
    }
}
