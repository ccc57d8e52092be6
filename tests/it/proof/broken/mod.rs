//! The conformance suite against stores that are each wrong in one way.

mod flaw;
mod record;
mod store;
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tower_webhook::store::conformance::{Testbed, run};

pub(super) use self::flaw::Flaw;
pub(super) use self::store::Simple;

struct Bed(Option<Flaw>);

impl Testbed for Bed {
    type Store = Simple;

    async fn store(&self) -> Simple {
        Simple::new(self.0)
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }
}

/// How many facts hold, or the first that does not.
fn examine(flaw: Option<Flaw>) -> Result<usize, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let facts = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run(&Bed(flaw)))));
    facts.map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    })
}

#[test]
fn the_simple_store_without_a_flaw_conforms() {
    let facts = examine(None).unwrap();
    println!("{facts} facts");
    assert!(facts >= 60);
}

#[test]
fn every_broken_store_is_found() {
    assert!(Flaw::ALL.len() >= 40);
    let mut unseen = Vec::new();
    for flaw in Flaw::ALL {
        match examine(Some(*flaw)) {
            Err(fact) => println!("{flaw:?}: {}", fact.lines().next().unwrap_or_default()),
            Ok(_) => unseen.push(flaw),
        }
    }
    println!(
        "{} broken stores, {} found",
        Flaw::ALL.len(),
        Flaw::ALL.len() - unseen.len()
    );
    assert!(unseen.is_empty(), "not found: {unseen:?}");
}
