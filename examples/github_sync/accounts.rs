//! Lifecycle events: they change what is known of accounts, and make no job.

use serde_json::Value;
use tower_webhook::dispatch::Failure;
use tower_webhook::envelope;

use crate::database::{Database, Installation, Repository};
use crate::envelope::Envelope;

/// `installation`: created, deleted, suspended, and back.
pub(crate) async fn installation(
    database: Database,
    event: envelope::Envelope<Value>,
) -> Result<(), Failure> {
    let event = Envelope::of(&event.delivery, event.payload);
    let id = event.installation_id.ok_or("no installation")?;
    let account = event.payload.pointer("/installation/account/login");
    let status = match event.action() {
        Some("deleted") => "deleted",
        Some("suspend") => "suspended",
        // `created`, `unsuspend`, `new_permissions_accepted`.
        _ => "active",
    };
    let found = Installation {
        id,
        // An enterprise has a slug instead.
        account: account.and_then(Value::as_str).unwrap_or("?").to_owned(),
        status,
    };
    let state = (status == "deleted").then_some("removed");
    let repositories = listed(&event, "/repositories", state);
    write(&database, &event, Some(&found), &repositories).await
}

/// `installation_repositories`: some were added, or taken away.
pub(crate) async fn installation_repositories(
    database: Database,
    event: envelope::Envelope<Value>,
) -> Result<(), Failure> {
    let event = Envelope::of(&event.delivery, event.payload);
    let mut repositories = listed(&event, "/repositories_added", Some("active"));
    repositories.extend(listed(&event, "/repositories_removed", Some("removed")));
    write(&database, &event, None, &repositories).await
}

/// `repository`: renamed, transferred, archived, deleted.
pub(crate) async fn repository(
    database: Database,
    event: envelope::Envelope<Value>,
) -> Result<(), Failure> {
    let event = Envelope::of(&event.delivery, event.payload);
    let status = match event.action() {
        Some("deleted") => Some("deleted"),
        Some("archived") => Some("archived"),
        Some("created" | "unarchived") => Some("active"),
        // `renamed`, `transferred`, `edited`, …: the name may be new.
        _ => None,
    };
    let found = Repository {
        id: event.repository_id.ok_or("no repository")?,
        installation: event.installation_id,
        full_name: event.repository_full_name.clone().ok_or("no name")?,
        status,
    };
    write(&database, &event, None, &[found]).await
}

fn listed(event: &Envelope, list: &str, status: Option<&'static str>) -> Vec<Repository> {
    let list = event.payload.pointer(list).and_then(Value::as_array);
    let read = |repository: &Value| {
        Some(Repository {
            id: repository.get("id")?.as_i64()?,
            installation: event.installation_id,
            full_name: repository.get("full_name")?.as_str()?.to_owned(),
            status,
        })
    };
    list.into_iter().flatten().filter_map(read).collect()
}

/// 503 where the database does not take it, so that it comes again.
async fn write(
    database: &Database,
    event: &Envelope,
    installation: Option<&Installation>,
    repositories: &[Repository],
) -> Result<(), Failure> {
    let written = database.update_accounts(event, installation, repositories);
    written.await.map_err(Failure::retry)
}
