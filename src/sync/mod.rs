//! What threads share: the standard library's and tokio's, or, under `--cfg shuttle`, stand-ins that try the
//! orders in which threads can take their steps (`tests/concurrency`).

#[cfg(shuttle)]
mod shuttle;

#[cfg(all(not(shuttle), feature = "moka"))]
pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize};
#[cfg(all(not(shuttle), feature = "moka"))]
pub(crate) use std::sync::{Mutex, MutexGuard};
#[cfg(not(shuttle))]
pub(crate) use std::sync::{
    PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

#[cfg(not(shuttle))]
pub(crate) use tokio::sync::{OwnedSemaphorePermit, Semaphore};
#[cfg(not(shuttle))]
pub(crate) use tokio::task::{JoinHandle, spawn};

#[cfg(shuttle)]
pub(crate) use self::shuttle::{JoinHandle, OwnedSemaphorePermit, Semaphore, spawn};
#[cfg(all(shuttle, feature = "moka"))]
pub(crate) use ::shuttle::sync::atomic::{AtomicU64, AtomicUsize};
#[cfg(all(shuttle, feature = "moka"))]
pub(crate) use ::shuttle::sync::{Mutex, MutexGuard};
#[cfg(shuttle)]
pub(crate) use ::shuttle::sync::{
    PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};
