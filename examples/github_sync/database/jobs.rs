//! Jobs: added once, taken under a lease, finished once.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tower_webhook::BoxError;

use super::files::{Change, Tally, apply};
use super::{Database, millis, now};
use crate::envelope::Envelope;

/// What became of a push that asks for a job.
pub(crate) enum Added {
    New,
    /// The target has been, or will be, brought to this commit.
    Known,
    /// Too many jobs are open.
    Full,
}

/// A job that a worker has taken.
pub(crate) struct Task {
    id: i64,
    /// Which attempt this is, counted from 1, and the token that the worker writes with.
    pub(crate) attempt: i64,
    pub(crate) target: String,
    pub(crate) push: Envelope,
}

/// What a worker found out: changes to make, and files that it could not get.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) changes: Vec<Change>,
    pub(crate) skipped: i64,
    /// Path and reason.
    pub(crate) failures: Vec<(String, String)>,
}

impl Database {
    /// Adds the job of a push to a tracked branch: one a target and commit, however many deliveries ask.
    pub(crate) async fn add_job(&self, push: &Envelope, backlog: u32) -> Result<Added, BoxError> {
        let target = push.target().ok_or("a push without a branch")?;
        let head = push.head_sha.as_deref().unwrap_or_default();
        let mut writing = self.write().await?;
        let inserted: Option<i64> = sqlx::query_scalar(
            "INSERT INTO jobs (target, head_sha, delivery_id, repository_full_name, envelope, enqueued_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id",
        )
        .bind(&target)
        .bind(head)
        .bind(&push.delivery_id)
        .bind(&push.repository_full_name)
        .bind(serde_json::to_string(push)?)
        .bind(now())
        .fetch_optional(&mut *writing.tx)
        .await?;
        let job = match inserted {
            Some(id) => {
                let open: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')",
                )
                .fetch_one(&mut *writing.tx)
                .await?;
                if open > i64::from(backlog) {
                    return Ok(Added::Full); // and the transaction is rolled back
                }
                id
            }
            None => {
                sqlx::query_scalar("SELECT id FROM jobs WHERE target = $1 AND head_sha = $2")
                    .bind(&target)
                    .bind(head)
                    .fetch_one(&mut *writing.tx)
                    .await?
            }
        };
        writing
            .note(&push.delivery_id, &push.event, Some(job))
            .await?;
        writing.commit().await?;
        Ok(inserted.map_or(Added::Known, |_| Added::New))
    }

    /// Takes the next job, also one whose worker died. Jobs of one target are done in the order they came.
    pub(crate) async fn take_job(&self, lease: Duration) -> Result<Option<Task>, BoxError> {
        // Looks before it writes: who has nothing to do keeps nobody from writing.
        while let Some(id) = self.due_job().await? {
            let mut writing = self.write().await?;
            let row = sqlx::query(
                "UPDATE jobs SET status = 'running', attempts = attempts + 1, lease_until = $1 \
                 WHERE id = $2 AND status IN ('queued', 'running') \
                 AND (CASE status WHEN 'queued' THEN not_before ELSE lease_until END) <= $3 \
                 RETURNING attempts, target, envelope",
            )
            .bind(now() + millis(lease))
            .bind(id)
            .bind(now())
            .fetch_optional(&mut *writing.tx)
            .await?;
            writing.commit().await?;
            // Otherwise another worker was quicker.
            if let Some(row) = row {
                return Ok(Some(Task {
                    id,
                    attempt: row.try_get("attempts")?,
                    target: row.try_get("target")?,
                    push: serde_json::from_str(row.try_get("envelope")?)?,
                }));
            }
        }
        Ok(None)
    }

    async fn due_job(&self) -> Result<Option<i64>, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT id FROM jobs AS job WHERE status IN ('queued', 'running') \
             AND (CASE status WHEN 'queued' THEN not_before ELSE lease_until END) <= $1 \
             AND NOT EXISTS (SELECT 1 FROM jobs AS older WHERE older.target = job.target \
                 AND older.id < job.id AND older.status IN ('queued', 'running')) \
             ORDER BY id LIMIT 1",
        )
        .bind(now())
        .fetch_optional(&self.pool)
        .await
    }

    /// Keeps a job for longer; `false` where another has it by now.
    pub(crate) async fn renew_job(
        &self,
        task: &Task,
        lease: Duration,
    ) -> Result<bool, sqlx::Error> {
        let mut writing = self.write().await?;
        let renewed = sqlx::query(
            "UPDATE jobs SET lease_until = $3 WHERE id = $1 AND attempts = $2 AND status = 'running'",
        )
        .bind(task.id)
        .bind(task.attempt)
        .bind(now() + millis(lease))
        .execute(&mut *writing.tx)
        .await?;
        writing.commit().await?;
        Ok(renewed.rows_affected() == 1)
    }

    /// Gives a job back, to be taken again after `pause`.
    pub(crate) async fn return_job(&self, task: &Task, pause: Duration) -> Result<(), sqlx::Error> {
        let mut writing = self.write().await?;
        sqlx::query(
            "UPDATE jobs SET status = 'queued', not_before = $3 \
             WHERE id = $1 AND attempts = $2 AND status = 'running'",
        )
        .bind(task.id)
        .bind(task.attempt)
        .bind(now() + millis(pause))
        .execute(&mut *writing.tx)
        .await?;
        writing.commit().await
    }

    /// Makes the changes and writes down what became of the job, both or neither. `None` where another
    /// worker has the job by now.
    pub(crate) async fn finish_job(
        &self,
        task: &Task,
        report: &Report,
    ) -> Result<Option<&'static str>, sqlx::Error> {
        let mut writing = self.write().await?;
        let mut tally = Tally {
            skipped: report.skipped,
            ..Tally::default()
        };
        for change in &report.changes {
            apply(&mut writing.tx, &task.target, change, &mut tally).await?;
        }
        let status = match (&*report.failures, tally.sum()) {
            ([], _) => "completed",
            (_, 0) => "failed",
            _ => "partial",
        };
        let failures = report.failures.iter();
        let failures: Value = failures
            .map(|(path, reason)| json!({ "path": path, "reason": reason }))
            .collect();
        let done = sqlx::query(
            "UPDATE jobs SET status = $3, completed_at = $4, created = $5, updated = $6, deleted = $7, \
             skipped = $8, failures = $9 WHERE id = $1 AND attempts = $2 AND status = 'running'",
        )
        .bind(task.id)
        .bind(task.attempt)
        .bind(status)
        .bind(now())
        .bind(tally.created)
        .bind(tally.updated)
        .bind(tally.deleted)
        .bind(tally.skipped)
        .bind(failures.to_string())
        .execute(&mut *writing.tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(None); // and the changes are rolled back
        }
        writing.commit().await?;
        Ok(Some(status))
    }

    /// The last jobs, the newest first.
    pub(crate) async fn jobs(&self, limit: u32, offset: u32) -> Result<Vec<Value>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT jobs.*, (SELECT json_group_array(delivery_id) FROM deliveries WHERE job = jobs.id) \
             AS delivery_ids FROM jobs ORDER BY id DESC LIMIT $1 OFFSET $2",
        )
        .bind(limit)
        .bind(offset)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(to_json).collect()
    }
}

fn to_json(row: &SqliteRow) -> Result<Value, sqlx::Error> {
    let number = |column| row.try_get::<i64, _>(column);
    let text = |column| row.try_get::<String, _>(column);
    let list = |column| text(column).map(|text| serde_json::from_str::<Value>(&text).ok());
    Ok(json!({
        "id": number("id")?,
        "target": text("target")?,
        "head_sha": text("head_sha")?,
        "delivery_id": text("delivery_id")?,
        "delivery_ids": list("delivery_ids")?,
        "repository_full_name": row.try_get::<Option<String>, _>("repository_full_name")?,
        "status": text("status")?,
        "attempts": number("attempts")?,
        "enqueued_at": number("enqueued_at")?,
        "completed_at": row.try_get::<Option<i64>, _>("completed_at")?,
        "created": number("created")?,
        "updated": number("updated")?,
        "deleted": number("deleted")?,
        "skipped": number("skipped")?,
        "failures": list("failures")?,
    }))
}
