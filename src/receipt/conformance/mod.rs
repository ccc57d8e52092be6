//! What every [`ReceiptStore`] must do, as one suite of facts.
//!
//! Times are arguments of a store, so nothing is waited for.
//!
//! # Example
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use tower_webhook::receipt::MemoryReceipts;
//! use tower_webhook::receipt::conformance::run;
//!
//! let facts = run(async || MemoryReceipts::new()).await;
//! assert!(facts >= 40);
//! # });
//! ```

mod asking;
mod bounds;
mod forgetting;
mod racing;
mod stepping;

use std::fmt::Debug;
use std::sync::Arc;

use super::{NewReceipt, Receipt, ReceiptId, ReceiptQuery, ReceiptStore, State, Transition};
use crate::store::Fingerprint;

const NOW: i64 = 1_763_724_670;

/// Runs the suite and says how many facts hold. `fresh` is asked for a store for each fact: one
/// without receipts.
///
/// # Panics
///
/// Panics with the fact that does not hold.
pub async fn run<S: ReceiptStore>(fresh: impl AsyncFn() -> S) -> usize {
    let mut suite = Suite { fresh, facts: 0 };
    asking::run(&mut suite).await;
    stepping::run(&mut suite).await;
    forgetting::run(&mut suite).await;
    bounds::run(&mut suite).await;
    racing::run(&mut suite).await;
    suite.facts
}

struct Suite<F> {
    fresh: F,
    facts: usize,
}

impl<S: ReceiptStore, F: AsyncFn() -> S> Suite<F> {
    async fn fact(&mut self, fact: &'static str, check: impl AsyncFnOnce(Case<S>)) {
        self.facts += 1;
        let store = Arc::new((self.fresh)().await);
        check(Case { store, fact }).await;
    }
}

/// One fact, with a store of its own.
struct Case<S> {
    store: Arc<S>,
    fact: &'static str,
}

impl<S> Clone for Case<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            fact: self.fact,
        }
    }
}

impl<S: ReceiptStore> Case<S> {
    async fn write(&self, new: NewReceipt) -> ReceiptId {
        self.store.receive(&new).await.expect(self.fact);
        new.id
    }

    async fn receive(&self, body: &str, at: i64) -> ReceiptId {
        self.write(new(body, at)).await
    }

    async fn step(&self, id: ReceiptId, step: Transition, key: Option<&str>, at: i64) -> bool {
        let made = self.store.transition(id, step, key, at).await;
        made.expect(self.fact)
    }

    /// Goes to `state` by the shortest path, all at `at`.
    async fn go(&self, id: ReceiptId, state: State, at: i64) {
        for step in path(state) {
            self.that(self.step(id, step, None, at).await);
        }
    }

    async fn received(&self, body: &str, state: State, at: i64) -> ReceiptId {
        let id = self.receive(body, at).await;
        self.go(id, state, at).await;
        id
    }

    async fn ask(&self, query: ReceiptQuery) -> Vec<Receipt> {
        self.store.query(&query).await.expect(self.fact)
    }

    async fn ids(&self, query: ReceiptQuery) -> Vec<ReceiptId> {
        let rows = self.ask(query).await;
        rows.into_iter().map(|row| row.id).collect()
    }

    async fn all(&self) -> Vec<Receipt> {
        self.ask(ReceiptQuery {
            limit: 1000,
            ..ReceiptQuery::default()
        })
        .await
    }

    async fn row(&self, id: ReceiptId) -> Receipt {
        let mut rows = self.all().await.into_iter();
        rows.find(|row| row.id == id).expect(self.fact)
    }

    async fn sweep(&self, before: i64, at: i64) -> Vec<(Receipt, Transition)> {
        self.store.sweep(before, at).await.expect(self.fact)
    }

    async fn purge(&self, before: i64) -> u64 {
        self.store.purge(before).await.expect(self.fact)
    }

    #[expect(clippy::needless_pass_by_value, reason = "the facts read better")]
    fn is<V: PartialEq + Debug>(&self, actual: V, expected: V) {
        assert_eq!(actual, expected, "{}", self.fact);
    }

    fn that(&self, holds: bool) {
        assert!(holds, "{}", self.fact);
    }
}

fn new(body: &str, at: i64) -> NewReceipt {
    NewReceipt {
        id: ReceiptId::unique(),
        connection: "conformance".to_owned(),
        delivery_id: None,
        event_type: None,
        digest: const_hex::encode(Fingerprint::of(body.as_bytes()).as_bytes()),
        received_at: at,
    }
}

/// The shortest path of the machine.
fn path(state: State) -> Vec<Transition> {
    if state == State::Received {
        return Vec::new();
    }
    match Transition::new(State::Received, state) {
        Some(step) => vec![step],
        None => [
            Some(Transition::DISPATCH),
            Transition::new(State::Dispatched, state),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

fn step(from: State, to: State) -> Transition {
    Transition::new(from, to).expect("the suite makes legal steps")
}
