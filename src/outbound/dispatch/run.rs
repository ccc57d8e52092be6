use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, Semaphore, mpsc};

use super::attempt::Done;
use super::prepared::Opened;
use super::slots::Slots;
use crate::outbound::endpoint::EndpointId;
use crate::outbound::sender::{Sender, millis};
use crate::outbound::store::{
    ClaimRequest, ClaimedDelivery, DeliveryId, Held, OutboundStore, StoreError,
};

/// What a claim brought.
pub(super) struct Round {
    /// How many attempts were begun.
    pub(super) begun: usize,
    /// Where to go on; `None` when all endpoints were visited.
    pub(super) after: Option<EndpointId>,
    /// When there may be something to do that was not there now.
    pub(super) soonest: Option<i64>,
}

/// A dispatcher at work.
pub(super) struct Run<S> {
    pub(super) sender: Sender<S>,
    pub(super) opened: Opened,
    pub(super) slots: Mutex<Slots>,
    /// What is under way, and not written down.
    pub(super) held: Mutex<HashMap<DeliveryId, Held>>,
    /// Places that are free.
    pub(super) places: Semaphore,
    /// How many places there are.
    most: u32,
    /// Told when a place becomes free.
    pub(super) freed: Notify,
    done: mpsc::UnboundedSender<(ClaimedDelivery, Done)>,
}

impl<S: OutboundStore> Run<S> {
    pub(super) fn new(
        sender: Sender<S>,
        concurrency: u32,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<(ClaimedDelivery, Done)>) {
        // It holds no more than there are places.
        let (done, ended) = mpsc::unbounded_channel();
        let run = Self {
            sender,
            opened: Opened::default(),
            slots: Mutex::default(),
            held: Mutex::default(),
            places: Semaphore::new(concurrency as usize),
            most: concurrency,
            freed: Notify::new(),
            done,
        };
        (Arc::new(run), ended)
    }

    /// Claims what is due and begins its attempts.
    pub(super) async fn claim(
        self: &Arc<Self>,
        after: Option<EndpointId>,
    ) -> Result<Round, StoreError> {
        let inner = &*self.sender.0;
        let now = inner.now();
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        let (allowances, rested) = self.slots().allowances(now);
        let mut request = ClaimRequest::new(now, now.saturating_add(millis(inner.lease)), free);
        request.concurrent = inner
            .limits
            .concurrent
            .min(inner.limits.per_second.unwrap_or(u32::MAX));
        request.half_open = inner.breaker.failures;
        request.allowances = allowances;
        request.after = after;
        let mut claimed = inner.store.claim(&request).await?;
        let begun = claimed.deliveries.len();
        for delivery in std::mem::take(&mut claimed.deliveries) {
            self.begin(delivery, now);
        }
        let soonest = [claimed.next_due, rested].into_iter().flatten().min();
        Ok(Round {
            begun,
            after: claimed.after,
            soonest,
        })
    }

    fn begin(self: &Arc<Self>, delivery: ClaimedDelivery, now: i64) {
        self.slots()
            .take(&delivery.endpoint.endpoint, &self.sender.0.limits, now);
        self.held().insert(delivery.held.delivery, delivery.held);
        // Claims ask for no more than there are places, and only the settler gives them back.
        if let Ok(place) = self.places.try_acquire() {
            place.forget();
        }
        let place = Place {
            run: Arc::clone(self),
            delivery: Some(delivery),
        };
        tokio::spawn(place.attempt());
    }

    /// Gives the places of deliveries back.
    pub(super) fn free<'d>(&self, deliveries: impl ExactSizeIterator<Item = &'d ClaimedDelivery>) {
        let count = deliveries.len();
        for delivery in deliveries {
            self.held().remove(&delivery.held.delivery);
            self.slots().give(&delivery.endpoint.endpoint.id);
        }
        self.places.add_permits(count);
        self.freed.notify_one();
    }

    pub(super) fn slots(&self) -> std::sync::MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn held(&self) -> std::sync::MutexGuard<'_, HashMap<DeliveryId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all that was begun is written down.
    pub(super) async fn idle(&self) {
        // The semaphore is never closed.
        let all = self.places.acquire_many(self.most).await;
        drop(all);
    }

    /// Makes the leases longer of what is under way.
    pub(super) async fn renew(&self) -> Result<(), StoreError> {
        let held: Vec<_> = self.held().values().copied().collect();
        if held.is_empty() {
            return Ok(());
        }
        let inner = &*self.sender.0;
        let until = inner.now().saturating_add(millis(inner.lease));
        inner.store.renew(&held, until).await
    }
}

/// The place of a delivery until its attempt ends.
struct Place<S: OutboundStore> {
    run: Arc<Run<S>>,
    delivery: Option<ClaimedDelivery>,
}

impl<S: OutboundStore> Place<S> {
    async fn attempt(mut self) {
        let Some(delivery) = &self.delivery else {
            return;
        };
        let done = self.run.attempt(delivery).await;
        if let Some(delivery) = self.delivery.take() {
            // The settler outlives all attempts, and gives the place back.
            let _ = self.run.done.send((delivery, done));
        }
    }
}

impl<S: OutboundStore> Drop for Place<S> {
    fn drop(&mut self) {
        // Whoever judges or sends panicked: nobody makes the lease longer, and the delivery is tried again when it ends.
        if let Some(delivery) = &self.delivery {
            self.run.free(std::iter::once(delivery));
        }
    }
}
