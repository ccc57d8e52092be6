use std::collections::{HashMap, HashSet};

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::PostgresOutbox;
use super::rows::{self, signed};
use crate::outbound::store::{
    AttemptError, HealthEffect, HealthNow, Held, Next, Settled, Settlement, StoreError,
};

/// Settlements, a column each.
#[derive(Default)]
struct Columns<'s> {
    ids: Vec<i64>,
    numbers: Vec<i32>,
    nexts: Vec<i16>,
    due_at: Vec<Option<i64>>,
    reasons: Vec<Option<&'static str>>,
    ended_at: Vec<i64>,
    endpoints: Vec<&'s str>,
    effects: Vec<i16>,
    at: Vec<i64>,
    took: Vec<i64>,
    statuses: Vec<Option<i32>>,
    codes: Vec<Option<&'s str>>,
    messages: Vec<Option<String>>,
    responses: Vec<&'s [u8]>,
}

impl<'s> Columns<'s> {
    fn of(settlements: &'s [Settlement]) -> Self {
        let mut columns = Self::default();
        for settlement in settlements {
            columns.push(settlement);
        }
        columns
    }

    fn push(&mut self, settlement: &'s Settlement) {
        let attempt = &settlement.attempt;
        let (next, due_at, reason) = match settlement.next {
            Next::Delivered => (0, None, None),
            Next::Retry { due_at } => (1, Some(due_at), None),
            Next::Dead { reason } => (2, None, Some(reason)),
            Next::Released { due_at } => (3, Some(due_at), None),
        };
        self.ids.push(attempt.delivery.0);
        self.numbers.push(signed(attempt.number));
        self.nexts.push(next);
        self.due_at.push(due_at);
        self.reasons.push(reason);
        self.ended_at.push(settlement.at);
        self.endpoints.push(settlement.endpoint.as_str());
        self.effects.push(match settlement.health {
            HealthEffect::None => 0,
            HealthEffect::Success => 1,
            HealthEffect::Failure => 2,
        });
        self.at.push(attempt.at);
        self.took.push(attempt.took.into());
        self.statuses.push(attempt.status.map(i32::from));
        let error = attempt.error.as_ref();
        self.codes.push(error.map(|error| error.code.as_str()));
        self.messages.push(error.map(storable));
        self.responses.push(&attempt.response);
    }
}

/// PostgreSQL has no NUL in a text.
fn storable(error: &AttemptError) -> String {
    error.message.replace('\0', "\u{fffd}")
}

impl PostgresOutbox {
    pub(super) async fn write_down(
        &self,
        settlements: &[Settlement],
    ) -> Result<Settled, StoreError> {
        // One statement cannot write a row twice: what is said twice in a batch has the answer of the first.
        let mut places = HashMap::new();
        let mut once = Vec::with_capacity(settlements.len());
        let of = |settlement: &Settlement| {
            *places.entry(settlement.held()).or_insert_with(|| {
                once.push(settlement.clone());
                once.len() - 1
            })
        };
        let answers: Vec<usize> = settlements.iter().map(of).collect();
        let settle = || {
            let columns = Columns::of(&once);
            sqlx::query(self.0.statements.settle.text())
                .bind(columns.ids)
                .bind(columns.numbers)
                .bind(columns.nexts)
                .bind(columns.due_at)
                .bind(columns.reasons)
                .bind(columns.ended_at)
                .bind(columns.endpoints)
                .bind(columns.effects)
                .bind(columns.at)
                .bind(columns.took)
                .bind(columns.statuses)
                .bind(columns.codes)
                .bind(columns.messages)
                .bind(columns.responses)
                .fetch_all(&self.0.pool)
        };
        let rows = self.patiently(settle).await?;
        let mut settled = read(&rows).map_err(StoreError::unavailable)?;
        self.said_before(&once, &mut settled.held).await?;
        let held = |place: usize| settled.held.get(place).copied().unwrap_or(false);
        let held = answers.into_iter().map(held).collect();
        Ok(Settled::new(held, settled.endpoints))
    }

    /// What does not hold its delivery may have been written down before, or by a statement that this one waited for and
    /// whose snapshot is older: so it is asked for by another.
    async fn said_before(&self, once: &[Settlement], held: &mut [bool]) -> Result<(), StoreError> {
        let open = once.iter().zip(held.iter());
        let open: Vec<Held> = open
            .filter(|(_, held)| !**held)
            .map(|(said, _)| said.held())
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let (ids, numbers) = columns(&open);
        let written = || {
            let written = sqlx::query_as::<_, (i64, i32)>(self.0.statements.written.text());
            written.bind(&ids).bind(&numbers).fetch_all(&self.0.pool)
        };
        let written: HashSet<_> = self.patiently(written).await?.into_iter().collect();
        for (said, held) in once.iter().zip(held) {
            *held |= written.contains(&(said.attempt.delivery.0, signed(said.attempt.number)));
        }
        Ok(())
    }

    pub(super) async fn lengthen(&self, held: &[Held], until: i64) -> Result<(), StoreError> {
        let (ids, numbers) = columns(held);
        let renew = || {
            let renew = sqlx::query(self.0.statements.renew.text());
            renew
                .bind(&ids)
                .bind(&numbers)
                .bind(until)
                .execute(&self.0.pool)
        };
        self.patiently(renew).await.map(drop)
    }
}

fn columns(held: &[Held]) -> (Vec<i64>, Vec<i32>) {
    let columns = held
        .iter()
        .map(|held| (held.delivery.0, signed(held.attempt)));
    columns.unzip()
}

fn read(rows: &[PgRow]) -> Result<Settled, sqlx::Error> {
    let (mut held, mut endpoints) = (Vec::new(), Vec::new());
    for row in rows {
        let Some(endpoint) = row.try_get::<Option<String>, _>("endpoint")? else {
            held.push(row.try_get("held")?);
            continue;
        };
        let before: i32 = row.try_get("before")?;
        let health = rows::health(row)?;
        endpoints.push(HealthNow::new(
            endpoint.into(),
            before.unsigned_abs(),
            health,
        ));
    }
    Ok(Settled::new(held, endpoints))
}
