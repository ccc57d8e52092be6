//! Tests that hold the invariants of the architecture document.

use std::fs;
use std::path::{Path, PathBuf};

use tower_webhook::secret::Secret;

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn there_is_one_comparison() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let calls: usize = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap().matches(".ct_eq(").count())
        .sum();
    assert_eq!(calls, 1);
}

#[test]
fn secrets_are_never_empty_and_never_printed() {
    for empty in ["", " ", "\t\n", "                    "] {
        assert!(Secret::new(empty).is_err());
        assert!(Secret::dangerous_any_length(empty).is_err());
    }
    assert!(Secret::new("fifteen bytes..").is_err());
    assert!(Secret::standard_webhooks("whsec_").is_err());
    assert!(!format!("{:?}", Secret::new("0123456789abcdef").unwrap()).contains("0123"));
}

#[test]
fn rooms_import_only_rooms_before_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = [
        "source",
        "connection",
        "limit",
        "verify",
        "detach",
        "receipt",
        "replay",
        "envelope",
        "idempotency",
        "dispatch",
        "handoff",
    ];
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 15);
    for file in files {
        let inside = file.strip_prefix(&src).unwrap();
        if inside.starts_with("stack") {
            continue; // The porch knows every room.
        }
        let own = rooms.iter().position(|room| inside.starts_with(room));
        let text = fs::read_to_string(&file).unwrap();
        for room in &rooms[own.map_or(0, |own| own + 1)..] {
            assert!(
                !text.contains(&format!("crate::{room}::")),
                "{inside:?} imports {room}"
            );
        }
    }
}

#[test]
fn wall_time_is_read_in_one_place() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let reads = text.contains("SystemTime") || text.contains("std::time::Instant");
        assert_eq!(reads, file.ends_with("time.rs"), "{file:?}");
    }
}

#[test]
fn no_file_is_longer_than_300_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    for file in files {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 300, "{file:?} has {lines} lines");
    }
}

#[test]
fn request_headers_are_read_by_verify_and_what_it_asks() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // `outbound` signs, and reads requests to its administration, which are no webhooks.
    // `observe` asks whether the sender speaks gRPC, before anybody could have verified anything.
    let readers = [
        "verify",
        "scheme",
        "source",
        "connection",
        "rejection",
        "observe",
        "outbound",
        "testing",
    ];
    let mut files = Vec::new();
    sources(&src, &mut files);
    for file in files {
        let inside = file.strip_prefix(&src).unwrap();
        if readers.iter().any(|room| inside.starts_with(room)) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for reading in ["req.headers()", "request.headers()", "parts.headers"] {
            assert!(!text.contains(reading), "{inside:?} reads request headers");
        }
    }
}
