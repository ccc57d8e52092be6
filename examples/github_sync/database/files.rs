//! The files of each target, as far as pushes told.

use sqlx::sqlite::SqliteConnection;

/// What is to be done with one file.
pub(crate) struct Change {
    pub(crate) path: String,
    /// The commit that did it.
    pub(crate) commit: String,
    /// `None`: it was removed.
    pub(crate) content: Option<Content>,
}

/// What is known of a file's content; nothing where the payload is all there is.
#[derive(Clone, Default)]
pub(crate) struct Content {
    pub(crate) digest: Option<String>,
    pub(crate) size: Option<i64>,
}

/// What was done.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) deleted: i64,
    pub(super) skipped: i64,
}

impl Tally {
    pub(super) fn sum(&self) -> i64 {
        self.created + self.updated + self.deleted + self.skipped
    }
}

pub(super) async fn apply(
    connection: &mut SqliteConnection,
    target: &str,
    change: &Change,
    tally: &mut Tally,
) -> Result<(), sqlx::Error> {
    let Some(content) = &change.content else {
        let gone = sqlx::query("DELETE FROM files WHERE target = $1 AND path = $2")
            .bind(target)
            .bind(&change.path)
            .execute(connection)
            .await?;
        match gone.rows_affected() {
            0 => tally.skipped += 1,
            _ => tally.deleted += 1,
        }
        return Ok(());
    };
    let known: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT commit_sha, digest FROM files WHERE target = $1 AND path = $2")
            .bind(target)
            .bind(&change.path)
            .fetch_optional(&mut *connection)
            .await?;
    match known {
        None => tally.created += 1,
        Some((commit, digest)) if commit == change.commit && digest == content.digest => {
            tally.skipped += 1;
            return Ok(());
        }
        Some(_) => tally.updated += 1,
    }
    sqlx::query("INSERT OR REPLACE INTO files VALUES ($1, $2, $3, $4, $5)")
        .bind(target)
        .bind(&change.path)
        .bind(&change.commit)
        .bind(&content.digest)
        .bind(content.size)
        .execute(connection)
        .await?;
    Ok(())
}
