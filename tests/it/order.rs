//! Stacks in the wrong order do not compile, and say why; their twins in the right order do.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[path = "../ui/right_order.rs"]
mod right_order;
#[path = "../ui/right_verify_only.rs"]
mod right_verify_only;
#[path = "../ui/right_window.rs"]
mod right_window;

#[test]
fn the_right_orders_compile() {
    right_order::main();
    right_verify_only::main();
    right_window::main();
}

/// What the compiler says first of each program of `ui/`: `E0277`, and in what words.
fn first_errors(ui: &Path) -> BTreeMap<String, (String, String)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--locked", "--examples", "--keep-going"])
        .args(["--features", "wrong", "--message-format", "json"])
        // Where its `.cargo/config.toml` is.
        .current_dir(ui)
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let mut errors = BTreeMap::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        let (target, message) = (&line["target"]["name"], &line["message"]);
        if let Some(target) = target.as_str()
            && message["level"] == "error"
            && let (Some(code), Some(words)) = (
                message["code"]["code"].as_str(),
                message["message"].as_str(),
            )
        {
            let first = (code.to_owned(), words.to_owned());
            errors.entry(target.to_owned()).or_insert(first);
        }
    }
    assert!(!errors.is_empty(), "{said}");
    errors
}

#[test]
fn a_wrong_order_does_not_compile() {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let errors = first_errors(&ui);
    let mut tried = 0;
    for entry in std::fs::read_dir(&ui).expect("it is there") {
        let path = entry.expect("it is there").path();
        if path
            .extension()
            .is_none_or(|extension| extension != "stderr")
        {
            continue;
        }
        let name = path.file_stem().and_then(|stem| stem.to_str());
        let name = name.expect("names are plain");
        let expected = std::fs::read_to_string(&path).expect("it is text");
        let expected = expected.lines().next().expect("it says something");
        let (code, words) = errors
            .get(name)
            .unwrap_or_else(|| panic!("{name} compiles, or was not tried: {errors:?}"));
        // What the compiler says around our words changes with its version: `tests/ui` holds that.
        if code == "E0277" {
            assert_eq!(format!("error[{code}]: {words}"), expected, "{name}");
        } else {
            assert!(expected.contains(&format!("[{code}]")), "{name}: {words}");
        }
        tried += 1;
    }
    assert_eq!(
        tried,
        errors.len(),
        "each is declared, and each has its words: {errors:?}"
    );
}
