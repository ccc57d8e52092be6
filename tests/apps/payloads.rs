//! Payloads of the shape that GitHub sends, made up.

use serde_json::{Value, json};

/// A commit id of 40 digits.
pub(crate) fn sha(number: u64) -> String {
    format!("{number:040x}")
}

pub(crate) fn repository(id: u64) -> Value {
    json!({
        "id": id, "node_id": "R_kgDO", "name": "thread", "full_name": format!("loom/thread-{id}"),
        "private": true, "owner": { "login": "loom", "id": 21, "type": "Organization" },
        "html_url": "https://github.com/loom/thread", "fork": false, "default_branch": "main",
        "created_at": 1_780_000_000, "pushed_at": 1_780_000_100, "visibility": "private",
    })
}

/// A push of one commit.
pub(crate) fn push(repository_id: u64, branch: &str, head: &str, commits: &[Value]) -> Value {
    json!({
        "ref": format!("refs/heads/{branch}"), "before": sha(1), "after": head,
        "repository": repository(repository_id),
        "pusher": { "name": "weaver", "email": "weaver@example.org" },
        "sender": { "login": "weaver", "id": 7, "type": "User", "site_admin": false },
        "installation": { "id": 9, "node_id": "MDIz" },
        "created": false, "deleted": false, "forced": false, "base_ref": null,
        "compare": "https://github.com/loom/thread/compare/a...b",
        "commits": commits, "head_commit": commits.last(),
    })
}

pub(crate) fn commit(id: &str, added: &[&str], modified: &[&str], removed: &[&str]) -> Value {
    json!({
        "id": id, "tree_id": sha(2), "distinct": true, "message": "Tie a knot – ünïcode",
        "timestamp": "2026-11-25T08:00:00Z", "url": "https://github.com/loom/thread/commit/a",
        "author": { "name": "Weaver", "email": "weaver@example.org", "username": "weaver" },
        "committer": { "name": "GitHub", "email": "noreply@github.com", "username": "web-flow" },
        "added": added, "removed": removed, "modified": modified,
    })
}

/// `installation`, with the repositories of these numbers.
pub(crate) fn installation(action: &str, id: u64, repositories: &[u64]) -> Value {
    json!({
        "action": action,
        "installation": {
            "id": id, "account": { "login": "loom", "id": 21, "type": "Organization" },
            "repository_selection": "selected", "app_id": 5725, "target_type": "Organization",
            "permissions": { "metadata": "read", "contents": "read" }, "events": ["push", "repository"],
        },
        "repositories": repositories.iter().map(|id| repository(*id)).collect::<Vec<_>>(),
        "sender": { "login": "weaver", "id": 7 },
    })
}

pub(crate) fn installation_repositories(id: u64, added: &[u64], removed: &[u64]) -> Value {
    let list = |ids: &[u64]| ids.iter().map(|id| repository(*id)).collect::<Vec<_>>();
    json!({
        "action": if added.is_empty() { "removed" } else { "added" },
        "installation": { "id": id, "account": { "login": "loom", "id": 21 } },
        "repository_selection": "selected", "requester": null,
        "repositories_added": list(added), "repositories_removed": list(removed),
        "sender": { "login": "weaver", "id": 7 },
    })
}

/// `repository`, under a name.
pub(crate) fn repository_event(action: &str, id: u64, full_name: &str) -> Value {
    let mut repository = repository(id);
    repository["full_name"] = full_name.into();
    json!({
        "action": action, "repository": repository, "installation": { "id": 9 },
        "sender": { "login": "weaver", "id": 7 },
    })
}
