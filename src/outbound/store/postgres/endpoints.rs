use super::PostgresOutbox;
use super::rows::{self, signed};
use super::statements::LOT;
use crate::outbound::endpoint::{EndpointId, EndpointRecord};
use crate::outbound::store::{EndpointChange, EndpointQuery, StoreError};

impl PostgresOutbox {
    pub(super) async fn insert(&self, record: &EndpointRecord) -> Result<bool, StoreError> {
        let endpoint = &record.endpoint;
        let insert = || {
            sqlx::query(self.0.statements.insert.text())
                .bind(endpoint.id.as_str())
                .bind(endpoint.tenant.as_str())
                .bind(&endpoint.url)
                .bind(&endpoint.description)
                .bind(&endpoint.events)
                .bind(endpoint.max_concurrent.map(signed))
                .bind(endpoint.max_per_second.map(signed))
                .bind(endpoint.state.reason())
                .bind(signed(endpoint.health.failures))
                .bind(endpoint.health.failing_since)
                .bind(endpoint.health.paused_until)
                .bind(endpoint.created_at)
                .bind(endpoint.updated_at)
                .bind(endpoint.version)
                .bind(&record.sealed)
                .execute(&self.0.pool)
        };
        Ok(self.patiently(insert).await?.rows_affected() > 0)
    }

    pub(super) async fn update(
        &self,
        record: &EndpointRecord,
        version: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        let endpoint = &record.endpoint;
        let update = || {
            sqlx::query(self.0.statements.update.text())
                .bind(endpoint.id.as_str())
                .bind(endpoint.tenant.as_str())
                .bind(&endpoint.url)
                .bind(&endpoint.description)
                .bind(&endpoint.events)
                .bind(endpoint.max_concurrent.map(signed))
                .bind(endpoint.max_per_second.map(signed))
                .bind(endpoint.state.reason())
                .bind(endpoint.created_at)
                .bind(endpoint.updated_at)
                .bind(&record.sealed)
                .bind(version)
                .execute(&self.0.pool)
        };
        let updated = self.patiently(update).await?.rows_affected() > 0;
        if updated && !endpoint.state.is_active() {
            self.bury(&endpoint.id, now).await;
        }
        Ok(updated)
    }

    pub(super) async fn change(
        &self,
        id: &EndpointId,
        change: &EndpointChange,
        now: i64,
    ) -> Result<bool, StoreError> {
        match change {
            EndpointChange::Pause { until } => {
                let pause = || {
                    let pause = sqlx::query(self.0.statements.pause.text());
                    pause.bind(id.as_str()).bind(until).execute(&self.0.pool)
                };
                Ok(self.patiently(pause).await?.rows_affected() > 0)
            }
            EndpointChange::Disable { reason, failures } => {
                let disable = || {
                    sqlx::query(self.0.statements.disable.text())
                        .bind(id.as_str())
                        .bind(reason)
                        .bind(signed(*failures))
                        .bind(now)
                        .execute(&self.0.pool)
                };
                let disabled = self.patiently(disable).await?.rows_affected() > 0;
                if disabled {
                    self.bury(id, now).await;
                }
                Ok(disabled)
            }
        }
    }

    /// Buries what is pending of an endpoint that gets nothing. Where that fails it is disabled all the same: the claims
    /// bury what is left.
    async fn bury(&self, id: &EndpointId, now: i64) {
        while self
            .bury_lot(id.as_str(), now)
            .await
            .is_ok_and(|lot| lot == LOT)
        {}
    }

    pub(super) async fn bury_lot(&self, id: &str, now: i64) -> Result<u64, StoreError> {
        let lot = || {
            let lot = sqlx::query_scalar::<_, i64>(self.0.statements.bury.text());
            lot.bind(id).bind(now).fetch_one(&self.0.pool)
        };
        Ok(self.patiently(lot).await?.unsigned_abs())
    }

    /// The endpoint first, so that nothing more of it is sent; then what was of it, also where a call before broke off.
    pub(super) async fn delete(&self, id: &EndpointId) -> Result<bool, StoreError> {
        let delete = || {
            let delete = sqlx::query(self.0.statements.delete.text());
            delete.bind(id.as_str()).execute(&self.0.pool)
        };
        let deleted = self.patiently(delete).await?.rows_affected() > 0;
        loop {
            let lot = || {
                let lot = sqlx::query_scalar::<_, i64>(self.0.statements.delete_lot.text());
                lot.bind(id.as_str()).fetch_one(&self.0.pool)
            };
            if self.patiently(lot).await?.unsigned_abs() < LOT {
                return Ok(deleted);
            }
        }
    }

    pub(super) async fn find(&self, id: &EndpointId) -> Result<Option<EndpointRecord>, StoreError> {
        let find = || {
            let find = sqlx::query(self.0.statements.find.text());
            find.bind(id.as_str()).fetch_optional(&self.0.pool)
        };
        let row = self.patiently(find).await?;
        let record = row.map(|row| rows::endpoint(&row)).transpose();
        record.map_err(StoreError::unavailable)
    }

    pub(super) async fn list(
        &self,
        query: &EndpointQuery,
    ) -> Result<Vec<EndpointRecord>, StoreError> {
        let list = || {
            sqlx::query(self.0.statements.list.text())
                .bind(
                    query
                        .tenant
                        .as_ref()
                        .map(|tenant| tenant.as_str().to_owned()),
                )
                .bind(query.after.as_ref().map(|after| after.as_str().to_owned()))
                .bind(i64::from(query.limit.min(1000)))
                .fetch_all(&self.0.pool)
        };
        let rows = self.patiently(list).await?;
        let records = rows.iter().map(rows::endpoint).collect::<Result<_, _>>();
        records.map_err(StoreError::unavailable)
    }
}
