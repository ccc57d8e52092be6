//! The mutants that `cargo mutants` names, each with its part of the crate and what became of it.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

#[derive(Clone, Copy, Deserialize)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Clone, Copy, Deserialize)]
pub struct Span {
    pub start: Place,
    pub end: Place,
}

#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
pub enum Genre {
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
}

#[derive(Deserialize)]
pub struct Mutant {
    pub file: String,
    pub name: String,
    pub genre: Genre,
    pub replacement: String,
    pub span: Span,
    #[serde(skip)]
    pub fate: Fate,
}

#[derive(Clone, Default, Eq, PartialEq)]
pub enum Fate {
    /// Nothing is known yet.
    #[default]
    Open,
    /// `.cargo/mutants.toml` leaves it out.
    Listed,
    /// It stands where no switch can stand: in a constant or a `const fn`.
    NotTried,
    /// It does not compile behind its switch.
    Broken,
    /// By this test, which failed twice or never ended.
    Caught(String),
    /// So many tests reach it, and all pass.
    Missed(usize),
}

/// The rows of the table in `tests/README.md`.
pub const PARTS: [&str; 8] = [
    "verify",
    "scheme",
    "time",
    "keys",
    "claims",
    "receipts",
    "testing",
    "elsewhere",
];

pub fn part(file: &str) -> &'static str {
    let below = |starts: &[&str]| starts.iter().any(|start| file.starts_with(start));
    let stored = ["sqlite", "postgres", "sql.rs", "connect.rs"];
    if below(&["src/verify/"]) {
        "verify"
    } else if below(&["src/scheme/"]) {
        "scheme"
    } else if file == "src/time.rs" {
        "time"
    } else if below(&["src/store/key.rs", "src/delivery.rs"]) {
        "keys"
    } else if below(&[
        "src/idempotency/",
        "src/store/moka/",
        "src/store/token.rs",
        "src/store/answer.rs",
    ]) {
        "claims"
    } else if below(&["src/receipt/"]) && !stored.iter().any(|name| file.contains(name)) {
        "receipts"
    } else if below(&["src/testing/"]) {
        "testing"
    } else {
        "elsewhere"
    }
}

/// All mutants of these parts. A mutant's number is its place in the list, from 1.
pub fn read(root: &Path, parts: &[String]) -> Result<Vec<Mutant>> {
    // Without the configuration, but for the suites of stores, which are tests themselves.
    let all = ask(root, &["--no-config", "--exclude", "src/**/conformance/**"])?;
    let kept: HashSet<String> = ask(root, &[])?
        .into_iter()
        .map(|mutant| mutant.name)
        .collect();
    let wanted = |mutant: &Mutant| parts.iter().any(|name| name == part(&mutant.file));
    let mut mutants: Vec<Mutant> = all.into_iter().filter(wanted).collect();
    for mutant in &mut mutants {
        if !kept.contains(&mutant.name) {
            mutant.fate = Fate::Listed;
        }
    }
    Ok(mutants)
}

fn ask(root: &Path, more: &[&str]) -> Result<Vec<Mutant>> {
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json"]).args(more);
    let output = command
        .current_dir(root)
        .output()
        .context("cargo mutants")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("the list of cargo mutants")
}
