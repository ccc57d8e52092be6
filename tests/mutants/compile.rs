//! Builds the copy, without the mutants that do not compile.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::copy::Copy;

/// The test binaries of the copy, and the mutants that do not compile.
pub fn compile(copy: &mut Copy, target: &Path) -> Result<(Vec<PathBuf>, HashSet<usize>)> {
    let mut broken = HashSet::new();
    loop {
        copy.write(&broken)?;
        let (binaries, errors) = build(copy, target)?;
        if errors.is_empty() {
            return Ok((binaries, broken));
        }
        let before = broken.len();
        for error in &errors {
            broken.extend(blame(copy, error));
        }
        println!(
            "{} errors, {} mutants do not compile so far",
            errors.len(),
            broken.len()
        );
        if broken.len() == before {
            let texts = errors.iter().filter_map(|error| error["rendered"].as_str());
            bail!(
                "errors that no mutant explains:\n{}",
                texts.collect::<String>()
            );
        }
    }
}

fn build(copy: &Copy, target: &Path) -> Result<(Vec<PathBuf>, Vec<Value>)> {
    let mut cargo = Command::new("cargo");
    // Of this program's own package: dependencies that look at them would be built anew.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&*name);
        }
    }
    let output = cargo
        .args([
            "test",
            "--no-run",
            "--all-features",
            "--lib",
            "--test",
            "it",
        ])
        .args(["--message-format", "json"])
        .current_dir(&copy.root)
        .env("CARGO_TARGET_DIR", target)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo test")?;
    let (mut binaries, mut errors) = (Vec::new(), Vec::new());
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(mut line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if line["message"]["level"] == "error" {
            let error = line["message"].take();
            // The last one only counts the others.
            if error["spans"]
                .as_array()
                .is_some_and(|spans| !spans.is_empty())
            {
                errors.push(error);
            }
        } else if let Some(binary) = line["executable"].as_str() {
            binaries.push(PathBuf::from(binary));
        }
    }
    if errors.is_empty() && !output.status.success() {
        bail!("the copy does not build, and says not why");
    }
    Ok((binaries, errors))
}

/// By where the error is, else by what else it names.
fn blame(copy: &Copy, error: &Value) -> Vec<usize> {
    let spans = || error["spans"].as_array().into_iter().flatten();
    let at = |primary: bool| {
        let wanted = spans().filter(move |span| span["is_primary"].as_bool() == Some(primary));
        wanted
            .flat_map(|span| blamed(copy, span))
            .collect::<Vec<_>>()
    };
    let first = at(true);
    if first.is_empty() { at(false) } else { first }
}

fn blamed(copy: &Copy, span: &Value) -> Vec<usize> {
    let offset = |name: &str| span[name].as_u64().and_then(|at| usize::try_from(at).ok());
    let place = offset("byte_start").zip(offset("byte_end"));
    let mut found = Vec::new();
    if let (Some(file), Some((start, end))) = (span["file_name"].as_str(), place) {
        found.extend_from_slice(copy.blamed(file, &(start..end)));
    }
    // A macro's text is elsewhere than its call.
    if found.is_empty() && span["expansion"].is_object() {
        return blamed(copy, &span["expansion"]["span"]);
    }
    found
}
