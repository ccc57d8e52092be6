//! Who has installed the app, and on which repositories.

use serde_json::{Value, json};
use sqlx::Row as _;

use super::{Database, Writing};
use crate::envelope::Envelope;

/// An installation, as one event leaves it.
pub(crate) struct Installation {
    pub(crate) id: i64,
    pub(crate) account: String,
    pub(crate) status: &'static str,
}

/// A repository, as one event leaves it.
pub(crate) struct Repository {
    pub(crate) id: i64,
    pub(crate) installation: Option<i64>,
    pub(crate) full_name: String,
    /// `None`: as it was, or active.
    pub(crate) status: Option<&'static str>,
}

impl Database {
    /// Writes down what an event says of accounts, all of it or nothing; an event that comes again after
    /// a restart changes nothing.
    pub(crate) async fn update_accounts(
        &self,
        event: &Envelope,
        installation: Option<&Installation>,
        repositories: &[Repository],
    ) -> Result<(), sqlx::Error> {
        let mut writing = self.write().await?;
        if !writing.note(&event.delivery_id, &event.event, None).await? {
            return Ok(());
        }
        if let Some(installation) = installation {
            put_installation(&mut writing, installation).await?;
        }
        for repository in repositories {
            put_repository(&mut writing, repository).await?;
        }
        writing.commit().await
    }

    pub(crate) async fn accounts(&self) -> Result<Value, sqlx::Error> {
        let installations = sqlx::query("SELECT * FROM installations ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        let repositories = sqlx::query("SELECT * FROM repositories ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        let installations = installations.iter().map(|row| {
            Ok(json!({
                "id": row.try_get::<i64, _>("id")?,
                "account": row.try_get::<String, _>("account")?,
                "status": row.try_get::<String, _>("status")?,
            }))
        });
        let repositories = repositories.iter().map(|row| {
            Ok(json!({
                "id": row.try_get::<i64, _>("id")?,
                "installation_id": row.try_get::<Option<i64>, _>("installation")?,
                "full_name": row.try_get::<String, _>("full_name")?,
                "status": row.try_get::<String, _>("status")?,
            }))
        });
        Ok(json!({
            "installations": installations.collect::<Result<Vec<_>, sqlx::Error>>()?,
            "repositories": repositories.collect::<Result<Vec<_>, sqlx::Error>>()?,
        }))
    }
}

// An installation that is deleted never comes back, for the next one has a new number. So an event that was
// overtaken by the deletion changes nothing.
async fn put_installation(
    writing: &mut Writing<'_>,
    installation: &Installation,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO installations VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE \
         SET account = excluded.account, status = excluded.status WHERE status <> 'deleted'",
    )
    .bind(installation.id)
    .bind(&installation.account)
    .bind(installation.status)
    .execute(&mut *writing.tx)
    .await?;
    if installation.status == "deleted" {
        sqlx::query("UPDATE repositories SET status = 'removed' WHERE installation = $1 AND status <> 'deleted'")
            .bind(installation.id)
            .execute(&mut *writing.tx)
            .await?;
    }
    Ok(())
}

async fn put_repository(
    writing: &mut Writing<'_>,
    repository: &Repository,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO repositories VALUES ($1, $2, $3, coalesce($4, 'active')) ON CONFLICT (id) DO UPDATE \
         SET installation = coalesce(excluded.installation, installation), full_name = excluded.full_name, \
         status = coalesce($4, status) WHERE status <> 'deleted'",
    )
    .bind(repository.id)
    .bind(repository.installation)
    .bind(&repository.full_name)
    .bind(repository.status)
    .execute(&mut *writing.tx)
    .await?;
    Ok(())
}
