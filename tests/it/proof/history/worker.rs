//! Workers that pause, crash, lose replies, and come back too late.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::time::{sleep, timeout};
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};
use tower_webhook::time::{Clock as _, SystemClock};

use super::event::{Call, Diary, Event, Reply};

const BODY: &[u8] = b"{}";
/// How many keys are asked for at one time.
const HOT: usize = 24;
const HOUR: Duration = Duration::from_secs(3600);

/// xorshift64, so that a history can be had again from its seed.
#[derive(Clone, Debug)]
pub(super) struct Seed(u64);

impl Seed {
    pub(super) fn new(number: u64) -> Self {
        Self(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

pub(super) struct Worker<S> {
    pub(super) store: Arc<S>,
    pub(super) diary: Arc<Diary>,
    pub(super) claims_left: Arc<AtomicUsize>,
    /// How many there were.
    pub(super) quota: usize,
    pub(super) keys: Arc<[IdemKey]>,
    pub(super) lease: Duration,
    pub(super) seed: Seed,
}

impl<S: IdempotencyStore> Worker<S> {
    pub(super) async fn work(mut self) {
        while self.may_claim() {
            let key = self.pick();
            let who = Claimant::unique();
            let mut reply = self.claim(key, who).await;
            // A lost reply: most ask again, as the layer does; the others are gone.
            if reply.is_none() && self.seed.percent(70) && self.may_claim() {
                reply = self.claim(key, who).await;
            }
            match reply {
                Some(Reply::Acquired(fence)) => self.hold(key, fence).await,
                Some(_) => self.pause(10).await,
                None => {}
            }
        }
    }

    /// The claim that tells what became of a key.
    pub(super) async fn last_look(&mut self, key: usize) {
        let event = self.asked(key, Call::Claim(Claimant::unique()));
        let Call::Claim(who) = event.call else {
            unreachable!()
        };
        let payload = Fingerprint::of(BODY);
        let claim = self.store.claim(&self.keys[key], who, &payload, self.lease);
        self.heard(event, Ok(claim.await.map(told)));
    }

    /// One of the keys that others are at as well. They move on with the claims that are made.
    fn pick(&mut self) -> usize {
        let left = self.claims_left.load(Ordering::SeqCst) * (self.keys.len() - HOT) / self.quota;
        left + usize::try_from(self.seed.below(HOT as u64)).unwrap()
    }

    fn may_claim(&self) -> bool {
        let left = |left: usize| left.checked_sub(1);
        let taken = self
            .claims_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
        taken.is_ok()
    }

    /// What the holder of a claim does, or fails to do.
    async fn hold(&mut self, key: usize, fence: u64) {
        if self.seed.percent(20) {
            return; // A crash.
        }
        let does_renew = self.seed.percent(50);
        for _ in 0..self.seed.below(4) {
            self.pause(120).await;
            if does_renew && self.renew(key, fence).await == Some(Reply::Lost) {
                return;
            }
        }
        let end = match self.seed.percent(35) {
            true => Call::Release(fence),
            false => Call::Complete(fence),
        };
        let mut calls = vec![end];
        // Some come back: to repeat themselves after a lost reply, or as ghosts.
        while calls.len() < 4 && self.seed.percent(30) {
            calls.push(match self.seed.below(10) {
                0 => Call::Release(fence),
                1 => Call::Complete(fence),
                2 => Call::Renew(fence),
                _ => end,
            });
        }
        for call in calls {
            match call {
                Call::Release(_) => self.release(key, fence).await,
                Call::Complete(_) => self.complete(key, fence).await,
                Call::Renew(_) | Call::Claim(_) => self.renew(key, fence).await,
            };
            self.pause(60).await;
        }
    }

    /// Up to so many hundredths of a lease.
    async fn pause(&mut self, most: u64) {
        let hundredths = u32::try_from(self.seed.below(most)).unwrap();
        sleep(self.lease * hundredths / 100).await;
    }

    async fn claim(&mut self, key: usize, who: Claimant) -> Option<Reply> {
        let event = self.asked(key, Call::Claim(who));
        let (store, keys, lease) = (Arc::clone(&self.store), Arc::clone(&self.keys), self.lease);
        let payload = Fingerprint::of(BODY);
        let claim = async move {
            let claim = store.claim(&keys[key], who, &payload, lease).await;
            claim.map(told)
        };
        self.call(event, claim).await
    }

    async fn renew(&mut self, key: usize, fence: u64) -> Option<Reply> {
        let event = self.asked(key, Call::Renew(fence));
        let (store, keys, lease) = (Arc::clone(&self.store), Arc::clone(&self.keys), self.lease);
        let renew = async move {
            let held = store.renew(&keys[key], token(fence), lease).await;
            held.map(held_or_lost)
        };
        self.call(event, renew).await
    }

    async fn complete(&mut self, key: usize, fence: u64) -> Option<Reply> {
        let event = self.asked(key, Call::Complete(fence));
        let (store, keys) = (Arc::clone(&self.store), Arc::clone(&self.keys));
        // The answer says who wrote it.
        let answer = StoredAnswer::new(StatusCode::OK, SystemClock.unix_seconds())
            .with_body(fence.to_string().into(), None);
        let keep = Retention::new(HOUR, HOUR);
        let complete = async move {
            let held = store
                .complete(&keys[key], token(fence), &answer, keep)
                .await;
            held.map(held_or_lost)
        };
        self.call(event, complete).await
    }

    async fn release(&mut self, key: usize, fence: u64) -> Option<Reply> {
        let event = self.asked(key, Call::Release(fence));
        let (store, keys) = (Arc::clone(&self.store), Arc::clone(&self.keys));
        let release = async move {
            let held = store.release(&keys[key], token(fence)).await;
            held.map(held_or_lost)
        };
        self.call(event, release).await
    }

    /// Makes a call. Some replies are not waited for, some are thrown away.
    async fn call(
        &mut self,
        event: Event,
        call: impl Future<Output = Result<Reply, StoreError>>,
    ) -> Option<Reply> {
        let patience = match self.seed.percent(5) {
            true => Duration::from_micros(self.seed.below(2000)),
            false => HOUR,
        };
        let reply = timeout(patience, call).await.map_err(drop);
        match self.seed.percent(8) {
            true => self.heard(event, Err(())),
            false => self.heard(event, reply),
        }
    }

    fn asked(&self, key: usize, call: Call) -> Event {
        Event {
            key,
            call,
            asked: self.diary.tick(),
            heard: None,
        }
    }

    fn heard(
        &self,
        mut event: Event,
        reply: Result<Result<Reply, StoreError>, ()>,
    ) -> Option<Reply> {
        // An error of the store is a lost reply too.
        let reply = reply.ok().and_then(Result::ok);
        event.heard = reply.map(|reply| (self.diary.tick(), reply));
        self.diary.note(event);
        reply
    }
}

fn told(claim: Claim) -> Reply {
    match claim {
        Claim::Acquired { fence, .. } => Reply::Acquired(fence.get()),
        Claim::InProgress { .. } => Reply::InProgress,
        Claim::Done { answer } => {
            let fence = str::from_utf8(&answer.body).unwrap();
            Reply::Done(fence.parse().unwrap())
        }
        _ => Reply::Mismatch,
    }
}

fn held_or_lost(held: Held) -> Reply {
    match held {
        Held::Yes => Reply::Held,
        Held::Lost => Reply::Lost,
    }
}

fn token(fence: u64) -> Fence {
    Fence::new(fence.try_into().unwrap())
}
