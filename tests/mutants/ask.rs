//! Which mutants of the crate its tests catch, with one build for all of them.
//!
//! `cargo run -- [--again] [--only TEST]… [PART…]`: the parts are those of the table in `tests/README.md`, and without
//! one all. `--again` asks only of what was missed the last time, `--only` only tests with that in their names.

mod compile;
mod copy;
mod judge;
mod list;
mod report;
mod sites;

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};

use crate::copy::Copy;
use crate::judge::Judge;
use crate::list::{Fate, PARTS};
use crate::report::Outcomes;

fn main() -> Result<()> {
    let (mut again, mut only, mut parts) = (false, Vec::new(), Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match &*arg {
            "--again" => again = true,
            "--only" => only.push(args.next().context("--only takes a part of a name")?),
            part if PARTS.contains(&part) => parts.push(arg),
            other => bail!("{other} is no part: {PARTS:?}"),
        }
    }
    if parts.is_empty() {
        parts = PARTS.map(str::to_owned).to_vec();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let work = root.join("target/mutants/work");
    fs::create_dir_all(work.join("crate/tests"))?;

    let mut mutants = list::read(&root, &parts)?;
    let mut outcomes = Outcomes::open(work.join("outcomes"), again)?;
    if again {
        outcomes.recall(&mut mutants);
    }
    println!("{} mutants", mutants.len());
    let mut copy = Copy::of(&root, work.join("crate"), &mut mutants)?;
    // Of its own: cargo takes the copy for the crate, and what was built of one for the other.
    let (binaries, broken) = compile::compile(&mut copy, &work.join("target"))?;
    for number in broken {
        mutants[number - 1].fate = Fate::Broken;
    }
    let judge = Judge {
        root: &copy.root,
        work: &work,
        only: &only,
        workers: 2,
    };
    let tests = judge.tests(&binaries)?;
    println!("{} tests judge", tests.len());

    for mutant in &mutants {
        outcomes.tell(mutant, &mutant.fate)?;
    }
    let told = Mutex::new((outcomes, Vec::new()));
    judge.judge(&mutants, &tests, &|at, fate| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.0.tell(&mutants[at], &fate)?;
        told.1.push((at, fate));
        Ok(())
    })?;
    let (_, fates) = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (at, fate) in fates {
        mutants[at].fate = fate;
    }
    report::print(&mutants);
    Ok(())
}
