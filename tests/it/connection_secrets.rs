//! Secrets as a file has them.

use tower_webhook::connection::{ConnectionMap, ConnectionsFile};

/// A file with one connection that has these fields, too.
fn file(more: &str) -> Result<ConnectionsFile, String> {
    let text = format!("[[connection]]\ntype = \"github\"\nname = \"a\"\n{more}");
    // As other formats are read: without the line that is wrong.
    let table: toml::Table = text.parse().unwrap();
    table.try_into().map_err(|err| err.to_string())
}

#[test]
fn a_secret_is_a_text_or_a_table_with_dates() {
    for secrets in [
        r#"["an example secret"]"#,
        r#"[{ secret = "an example secret" }, "another example secret"]"#,
        r#"[{ secret = "an example secret", id = "a", not_before = 1, not_after = 2 }]"#,
    ] {
        let file = file(&format!("signing_secrets = {secrets}")).unwrap();
        ConnectionMap::from_file(&file).unwrap();
        assert!(!format!("{file:?}").contains("example"));
    }
}

#[test]
fn a_misspelt_date_is_no_secret_for_ever() {
    let misspelt = r#"signing_secrets = [{ secret = "an example secret", not_afer = 2 }]"#;
    let err = file(misspelt).unwrap_err();
    assert!(err.contains("unknown field `not_afer`"), "{err}");
}

#[test]
fn what_is_no_secret_is_named_and_not_quoted() {
    for (secrets, field) in [
        ("signing_secrets = \"5555 was meant\"", "signing_secrets"),
        ("signing_secrets = 5555", "signing_secrets"),
        ("signing_secrets = [5555]", "signing_secrets"),
        ("signing_secrets = [-5555]", "signing_secrets"),
        ("signing_secrets = [5555.5]", "signing_secrets"),
        ("signing_secrets = [[\"5555\"]]", "signing_secrets"),
        ("signing_secrets = [{ id = \"5555\" }]", "signing_secrets"),
        ("signing_secrets = [{ secret = 5555 }]", "signing_secrets"),
        (
            "signing_secrets = [{ secret = { secret = \"5555\" } }]",
            "signing_secrets",
        ),
        ("verify_token = 5555", "verify_token"),
    ] {
        let err = file(secrets).unwrap_err();
        assert!(err.contains(field), "{secrets}: {err}");
        assert!(!err.contains("5555"), "{secrets}: {err}");
    }
}
