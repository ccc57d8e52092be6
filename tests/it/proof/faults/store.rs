//! A store that fails in one call, in one way, so many times.

use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, MokaStore, Retention,
    StoreError, StoredAnswer,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Claim,
    Renew,
    Complete,
    Release,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    ErrorBefore,
    ErrorAfter,
    /// Nothing is done, and nothing said.
    Hang,
    /// It is done, and nothing said.
    ReplyLost,
    /// Under the time that the layer waits.
    Slow,
    Full,
    Corrupt,
}

impl Fault {
    pub(super) const ALL: [Self; 7] = [
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::Hang,
        Self::ReplyLost,
        Self::Slow,
        Self::Full,
        Self::Corrupt,
    ];

    pub(super) fn is_applied(self) -> bool {
        matches!(self, Self::ErrorAfter | Self::ReplyLost | Self::Slow)
    }
}

#[derive(Debug, Default)]
pub(super) struct Failing {
    inner: MokaStore,
    plan: Mutex<Option<(Call, Fault, usize)>>,
}

impl Failing {
    /// Lets the next `times` of `call` fail.
    pub(super) fn plan(&self, call: Call, fault: Fault, times: usize) {
        *self.plan.lock().unwrap() = Some((call, fault, times));
    }

    pub(super) fn heal(&self) {
        *self.plan.lock().unwrap() = None;
    }

    fn next(&self, asked: Call) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let (_, fault, left) = plan
            .as_mut()
            .filter(|(call, _, left)| *call == asked && *left > 0)?;
        *left -= 1;
        Some(*fault)
    }

    async fn call<T>(
        &self,
        call: Call,
        done: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.next(call) {
            None => done.await,
            Some(Fault::ErrorBefore) => Err(StoreError::unavailable("as told")),
            Some(Fault::ErrorAfter) => {
                done.await?;
                Err(StoreError::unavailable("as told"))
            }
            Some(Fault::Hang) => pending().await,
            Some(Fault::ReplyLost) => {
                done.await?;
                pending().await
            }
            Some(Fault::Slow) => {
                tokio::time::sleep(Duration::from_millis(400)).await;
                done.await
            }
            Some(Fault::Full) => Err(StoreError::full()),
            Some(Fault::Corrupt) => Err(StoreError::corrupt("as told")),
        }
    }
}

impl IdempotencyStore for Failing {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let claim = self.inner.claim(key, who, payload, lease);
        self.call(Call::Claim, claim).await
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        let renew = self.inner.renew(key, fence, lease);
        self.call(Call::Renew, renew).await
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        let complete = self.inner.complete(key, fence, answer, keep);
        self.call(Call::Complete, complete).await
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        let release = self.inner.release(key, fence);
        self.call(Call::Release, release).await
    }
}
