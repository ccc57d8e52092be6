//! Which mutant is on: a module that only the copy of the crate has.

use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

static ON: OnceLock<usize> = OnceLock::new();
static JOURNAL: OnceLock<Option<std::ffi::OsString>> = OnceLock::new();
static REACHED: [AtomicBool; 16_384] = [const { AtomicBool::new(false) }; 16_384];

/// Whether this mutant is on: the one of `MUTANT`. With `MUTANTS_REACHED` each that is asked for is written there.
pub fn on(number: usize) -> bool {
    let on = *ON.get_or_init(|| {
        let text = std::env::var("MUTANT").unwrap_or_default();
        text.parse().unwrap_or(0)
    });
    if on != 0 {
        return on == number;
    }
    if let Some(journal) = JOURNAL.get_or_init(|| std::env::var_os("MUTANTS_REACHED"))
        && !REACHED[number].swap(true, Ordering::Relaxed)
    {
        let open = std::fs::OpenOptions::new().append(true).open(journal);
        let line = format!("{number}\n");
        open.and_then(|mut file| file.write_all(line.as_bytes())).expect("a journal");
    }
    false
}
