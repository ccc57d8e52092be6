//! Instructions a delivery, counted by callgrind: `cargo run --release [-- --check | --bless]`, in this directory.
//!
//! Counts do not depend on what else runs, so that CI can compare them with `table.txt`: it fails
//! where one is more than 5 % off. valgrind hides the instructions by which processors compute SHA-256, so the
//! figures are differences to floors in the same binary: to the HMAC alone, to it and one pass of `&RawValue`, and
//! to both and the SHA-256 of the body that the contract has in the key of a delivery.

#[path = "../common/mod.rs"]
mod common;

use std::fmt::Write as _;
use std::process::Command;

use self::common::frames::Model;
use self::common::payload::push;
use self::common::stacks::{BARE, CONTRACT, FLOOR, HMAC, cases};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/table.txt");
const TOLERANCE: f64 = 0.05;
/// Bytes of a body, and how many deliveries are counted.
const SIZES: [(usize, usize); 2] = [(1 << 10, 1000), (8 << 10, 200)];
const WARM: usize = 500;

/// Its name is what callgrind looks for. Nothing else in this program may have it.
#[inline(never)]
fn counted_by_callgrind(work: &mut dyn FnMut()) {
    work();
}

/// Runs one case: the part of this program that runs under valgrind.
fn run(name: &str, size: usize, count: usize) {
    let mut cases = cases();
    let found = cases.iter_mut().find(|case| case.name == name);
    let case = found.expect("the name of a case");
    let model = Model::new(push(size), size);
    let mut serial = 0;
    (case.run)(case.kind.deliveries(&model, &mut serial, count.min(WARM)));
    let mut deliveries = Some(case.kind.deliveries(&model, &mut serial, count));
    counted_by_callgrind(&mut || (case.run)(deliveries.take().expect("called once")));
}

/// What callgrind counts, a delivery.
fn count(name: &str, size: usize, deliveries: usize) -> f64 {
    let program = std::env::current_exe().expect("this program is a file");
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--toggle-collect=*counted_by_callgrind*",
        ])
        .arg(program)
        .args(["--case", name, &size.to_string(), &deliveries.to_string()])
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let total = said
        .lines()
        .find_map(|line| line.split("Collected : ").nth(1));
    let total: f64 = total
        .and_then(|total| total.trim().parse().ok())
        .expect("a count");
    total / deliveries as f64
}

/// What a case cannot do without, and is counted above.
fn floor(case: &str) -> &'static str {
    match case {
        "Inbound, no signature" => BARE,
        "limit, verify" | "+ detach" | "+ replay" | "Inbound, wrong signature" => HMAC,
        "+ envelope" | "by hand: HMAC, moka, Value" => FLOOR,
        _ => CONTRACT,
    }
}

/// One line a case: what it takes above its floor.
fn table() -> String {
    let mut table = "bytes | case | floor | instructions above it\n".to_owned();
    for (size, deliveries) in SIZES {
        let cases: Vec<_> = cases().iter().map(|case| case.name).collect();
        // Two at once: the counts do not know it.
        let counts: Vec<f64> = std::thread::scope(|scope| {
            let counted = [0, 1].map(|first| {
                let part = cases.iter().skip(first).step_by(2);
                scope.spawn(move || {
                    let counts = part.map(|case| count(case, size, deliveries));
                    counts.collect::<Vec<_>>()
                })
            });
            let [even, odd] = counted.map(|part| part.join().expect("it counts"));
            (0..cases.len())
                .map(|n| if n % 2 == 0 { even[n / 2] } else { odd[n / 2] })
                .collect()
        });
        let of = |name| {
            counts[cases
                .iter()
                .position(|case| *case == name)
                .expect("it is one")]
        };
        for (case, count) in cases.iter().zip(&counts) {
            if ![BARE, CONTRACT, FLOOR, HMAC].contains(case) {
                let floor = floor(case);
                writeln!(
                    table,
                    "{size} | {case} | {floor} | {:.0}",
                    count - of(floor)
                )
                .expect("a `String` takes everything");
            }
        }
    }
    table
}

/// The figures, by what they are of.
fn figures(table: &str) -> Vec<(&str, f64)> {
    let lines = table
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit_once(" | "));
    let lines = lines.map(|(what, figure)| (what, figure.parse().expect("a number")));
    lines.collect()
}

/// Whether every figure is where it was.
fn is_as_before(table: &str) -> bool {
    let before = std::fs::read_to_string(TABLE).expect("`--bless` has written it");
    let (before, now) = (figures(&before), figures(table));
    assert_eq!(
        before.len(),
        now.len(),
        "cases came or went: `--bless` writes them"
    );
    let mut is_same = true;
    for ((what, before), (name, now)) in before.iter().zip(&now) {
        assert_eq!(what, name, "cases changed: `--bless` writes them");
        // A figure of a few hundred moves more by chance.
        if (now - before).abs() > (before.abs() * TOLERANCE).max(150.0) {
            println!("{what}: {before:.0} instructions before, {now:.0} now");
            is_same = false;
        }
    }
    is_same
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let asked = |what: &str| arguments.iter().any(|argument| argument == what);
    if let [_, flag, name, size, count] = &arguments[..]
        && flag == "--case"
    {
        let number = |text: &str| text.parse().expect("a number");
        return run(name, number(size), number(count));
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: no valgrind");
        assert!(std::env::var_os("CI").is_none(), "CI has valgrind");
        return;
    }
    let table = table();
    print!("{table}");
    if asked("--bless") {
        std::fs::write(TABLE, table).expect("the directory is there");
    } else if asked("--check") {
        assert!(
            is_as_before(&table),
            "`--bless` writes what is meant to be so"
        );
        println!("all within 5 % of what was written down");
    }
}
