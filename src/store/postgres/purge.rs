use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPool;
use tokio::task::{AbortHandle, spawn};
use tokio::time::sleep;

use super::statements::{Statement, Statements};
use crate::store::moment::Moment;

/// Rows that one statement removes at most, as the statements have it.
const LOT: u64 = 1000;
/// Between two lots, so that claims come through.
const PAUSE: Duration = Duration::from_millis(50);

/// A task that removes what is over, and ends when this is dropped.
pub(super) struct Purge(AbortHandle);

impl Purge {
    pub(super) fn start(
        pool: PgPool,
        statements: Arc<Statements>,
        moment: Moment,
        every: Duration,
    ) -> Self {
        let purging = async move {
            loop {
                sleep(every).await;
                for statement in [&statements.purge, &statements.strip] {
                    run(&pool, statement, &moment).await;
                }
            }
        };
        Self(spawn(purging).abort_handle())
    }
}

impl Drop for Purge {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Until nothing is left, or the server says no: the next round comes.
pub(super) async fn run(pool: &PgPool, statement: &Statement, moment: &Moment) {
    while let Ok(done) = statement.at(moment.millis()).execute(pool).await {
        if done.rows_affected() < LOT {
            return;
        }
        sleep(PAUSE).await;
    }
}
