//! What GitHub sent, as `@octokit/webhooks-examples` has it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

const PINNED: &str = include_str!("package.json");

/// Each event type with its payloads. With `SDK_TESTS` the package is got, and must be; without it, it is used
/// where it is, and nothing is fetched.
pub(crate) fn recorded() -> Option<&'static [(String, Value)]> {
    static READ: OnceLock<Option<Vec<(String, Value)>>> = OnceLock::new();
    READ.get_or_init(read).as_deref()
}

fn read() -> Option<Vec<(String, Value)>> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("octokit");
    if std::fs::read_to_string(home.join("installed"))
        .ok()
        .as_deref()
        != Some(PINNED)
    {
        if std::env::var_os("SDK_TESTS").is_none() {
            let why = "skipped, SDK_TESTS=1 runs it: the recorded payloads are not installed";
            let _ = writeln!(std::io::stderr(), "{why}");
            return None;
        }
        install(&home);
    }
    let list = home.join("node_modules/@octokit/webhooks-examples/api.github.com/index.json");
    let list: Value = serde_json::from_slice(&std::fs::read(list).unwrap()).unwrap();
    let events = list.as_array().unwrap().iter().flat_map(|event| {
        let name = event["name"].as_str().unwrap().to_owned();
        let examples = event["examples"].as_array().unwrap().iter();
        examples.map(move |example| (name.clone(), example.clone()))
    });
    Some(events.collect())
}

fn install(home: &PathBuf) {
    let _ = std::fs::remove_dir_all(home);
    std::fs::create_dir_all(home).unwrap();
    std::fs::write(home.join("package.json"), PINNED).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]);
    npm.args(["--no-package-lock", "--loglevel=error"]);
    let done = npm.current_dir(home).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    std::fs::write(home.join("installed"), PINNED).unwrap();
}
