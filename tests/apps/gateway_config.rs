//! What the gateway says to a file that is wrong.

use crate::gateway::config;
use crate::places::Directory;
use crate::process::command;
use crate::sender::KEY;

/// What it says, when it does not start.
fn said(text: &str) -> String {
    let directory = Directory::new();
    let file = directory.write("gateway.toml", text);
    let done = command("gateway", &["--config".to_owned(), file], 0).output();
    let done = done.unwrap();
    assert!(!done.status.success(), "{text}");
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(!said.contains(KEY), "{said}");
    said
}

#[test]
fn a_setting_that_is_wrong_is_named_at_the_start() {
    for (settings, field) in [
        ("replay_window = 3", "replay_window"),
        ("replay_window_seconds = \"3\"", "replay_window_seconds"),
        ("max_payload_bytes = 0", "max_payload_bytes"),
        ("store = \"disk://\"", "store"),
        ("receipts = \"sqlight://x\"", "receipts"),
        ("idempotency_ttl_seconds = 1", "idempotency_ttl"),
    ] {
        let said = said(&config(settings));
        assert!(said.contains(field), "{settings}: {said}");
    }
    for lease in ["0", "-1", "\"5m\""] {
        let text = config("").replace("lease_seconds = 2", &format!("lease_seconds = {lease}"));
        let said = said(&text);
        assert!(said.contains("`lease_seconds`"), "{lease}: {said}");
    }
}

#[test]
fn a_connection_that_is_wrong_is_named_at_the_start() {
    let secret = format!("signing_secrets = [\"{KEY}\"]");
    for (field, name) in [
        ("success_status = \"200\"", "connection.success_status"),
        ("success_status = 302", "`success_status`"),
        ("allow_from = \"10.0.0.0/8\"", "connection.allow_from"),
        ("allow_from = [\"10.0.0.0/33\"]", "`allow_from`"),
        ("event = [\"push\"]", "`event`"),
        ("events = [\"pu*sh\"]", "`events`"),
    ] {
        let text = config("").replacen(&secret, &format!("{secret}\n{field}"), 1);
        let said = said(&text);
        assert!(said.contains(name), "{field}: {said}");
    }
    for (wrong, name) in [
        ("", "`signing_secrets`"),
        (
            "signing_secrets_env = [\"NOT_SET_ANYWHERE\"]",
            "`signing_secrets_env`",
        ),
        // Whatever was meant: a secret is not for the log.
        (
            &format!("signing_secrets = \"{KEY}\""),
            "connection.signing_secrets",
        ),
        (&format!("signing_secrets = [\"{KEY}]"), "line "),
        (
            &format!("signing_secrets = [{{ secret = \"{KEY}\", not_afer = 1 }}]"),
            "`not_afer`",
        ),
    ] {
        let said = said(&config("").replacen(&secret, wrong, 1));
        assert!(said.contains(name), "{wrong}: {said}");
    }
    let said = said(&config("").replacen("\"github\"", "\"githubb\"", 1));
    assert!(
        said.contains("githubb/primary") && said.contains("`type`"),
        "{said}"
    );
}

#[test]
fn a_table_whose_name_is_misspelt_is_named_at_the_start() {
    for (name, misspelt) in [
        ("[integrations.webhooks]", "[integration.webhooks]"),
        ("[integrations.webhooks]", "[integrations.webhook]"),
        ("[[connection]]", "[[conection]]"),
    ] {
        let said = said(&config("").replace(name, misspelt));
        let wrong = misspelt.trim_matches(['[', ']']).rsplit('.');
        let is_named = wrong
            .into_iter()
            .any(|part| said.contains(&format!("`{part}`")));
        assert!(is_named, "{misspelt}: {said}");
    }
}
