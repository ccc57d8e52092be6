//! Runs each delivery once: claims its key, or answers with what was answered before.
//!
//! A delivery that is new takes a claim, and the claim is renewed while the handler runs. A 2xx, or a
//! [`Reject`], completes it: the status, the `Content-Type` and a short body are kept, and a duplicate
//! gets them again with `Webhook-Duplicate: true`. Anything else gives the claim up, so that the
//! sender's retry runs. A delivery that is being processed is 503, one known with another payload 422.
//! A store that does not answer, or has no room, is 503: nothing runs that cannot be remembered. A
//! completion or a release that it does not take is tried again after the answer went out, as long as
//! the lease may last.
//!
//! Where the scheme signs no time, a delivery that comes again later than the replay window after it
//! was first accepted is 409.
//!
//! # The key
//!
//! `connection:event_type:nonce`. A signed id is the nonce. An unsigned one can be changed by an
//! attacker, so the nonce is `id~sha256(body)`: an id claimed in advance swallows no other event. Where
//! there is no id it is the SHA-256 of the body. See
//! [`strict_replay`](IdempotencyLayer::strict_replay) for captured bodies under a fresh id.
//!
//! # Deployment caveat
//!
//! Not "exactly once": a process that dies between the handler's effect and the completion runs the
//! delivery again. [`ClaimedBody::fence`] lets a database refuse the older of two runs.
//!
//! But for one mode: a handler that writes to the PostgreSQL that holds the claims completes its claim
//! in the transaction of its effect, with what its [`Grant`] tells it and `PostgresStore::complete_in`
//! (`examples/exactly_once.rs`). Both are committed, or neither is.

mod answer;
mod body;
mod claim;
mod grant;
mod hold;
mod layer;
mod patience;
mod service;
mod verdict;
mod work;

pub use self::body::ClaimedBody;
pub use self::grant::Grant;
pub use self::layer::IdempotencyLayer;
pub use self::service::{Idempotency, ResponseFuture};
pub use self::verdict::{Reject, Retry};
