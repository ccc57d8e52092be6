//! The programs under test: built by cargo, before these tests or by them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The program of an example.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).join(name)
}

/// `cargo test` builds the examples too; `cargo test --test apps` does not, and leaves old ones behind.
fn build() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let profile = this.ancestors().nth(2).expect("the folder of the profile");
    let examples = profile.join("examples");
    let names = ["gateway", "github_sync"];
    if names.iter().all(|name| is_fresh(&examples.join(name))) {
        return examples;
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet"])
        .args(names.map(|name| format!("--example={name}")))
        .arg("--target-dir")
        .arg(profile.parent().expect("the folder of the build"));
    // As these tests were built, so that nothing is compiled twice.
    if cfg!(all(feature = "tls", feature = "tracing")) {
        cargo.arg("--all-features");
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success(), "the examples build");
    examples
}

/// Whether the program is younger than all that it was made of, which cargo writes beside it.
fn is_fresh(program: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path)?.modified();
    let Ok(built) = changed(program) else {
        return false;
    };
    let Ok(list) = std::fs::read_to_string(program.with_extension("d")) else {
        return false;
    };
    let sources = list.split_once(": ").map_or("", |(_, sources)| sources);
    let mut sources = sources.split_whitespace().map(Path::new);
    sources.all(|source| changed(source).is_ok_and(|at: SystemTime| at <= built))
}
