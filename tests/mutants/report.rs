//! What became of the mutants: a file with a line each, and the table of `tests/README.md`.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;

use crate::list::{Fate, Mutant, PARTS, part};

pub struct Outcomes {
    file: File,
    last: HashMap<String, Fate>,
}

impl Outcomes {
    /// Begins a file anew, or goes on with what it says.
    pub fn open(path: PathBuf, again: bool) -> Result<Self> {
        let text = if again {
            fs::read_to_string(&path)?
        } else {
            String::new()
        };
        let last = text.lines().filter_map(|line| {
            let (word, name) = line.split_once('\t')?;
            let (name, by) = name.split_once('\t').unwrap_or((name, ""));
            let fate = match word {
                "not tried" => Fate::NotTried,
                "broken" => Fate::Broken,
                "caught" => Fate::Caught(by.to_owned()),
                _ => return None,
            };
            Some((name.to_owned(), fate))
        });
        Ok(Self {
            last: last.collect(),
            file: File::create(path)?,
        })
    }

    /// What was decided before stays so; what was missed is open.
    pub fn recall(&self, mutants: &mut [Mutant]) {
        for mutant in mutants
            .iter_mut()
            .filter(|mutant| mutant.fate == Fate::Open)
        {
            if let Some(fate) = self.last.get(&mutant.name) {
                mutant.fate = fate.clone();
            }
        }
    }

    pub fn tell(&mut self, mutant: &Mutant, fate: &Fate) -> Result<()> {
        let name = &mutant.name;
        let line = match fate {
            Fate::Open => return Ok(()),
            Fate::Listed => format!("listed\t{name}"),
            Fate::NotTried => format!("not tried\t{name}"),
            Fate::Broken => format!("broken\t{name}"),
            Fate::Caught(by) => format!("caught\t{name}\t{by}"),
            Fate::Missed(asked) => format!("missed\t{name}\t{asked}"),
        };
        writeln!(self.file, "{line}")?;
        Ok(())
    }
}

pub fn print(mutants: &[Mutant]) {
    println!("| part | made | do not compile | caught | listed | missed | not tried |");
    println!("|---|---|---|---|---|---|---|");
    for name in PARTS {
        let of_part = || mutants.iter().filter(|mutant| part(&mutant.file) == name);
        let count = |is: fn(&Fate) -> bool| of_part().filter(|mutant| is(&mutant.fate)).count();
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} |",
            of_part().count(),
            count(|fate| *fate == Fate::Broken),
            count(|fate| matches!(fate, Fate::Caught(_))),
            count(|fate| *fate == Fate::Listed),
            count(|fate| matches!(fate, Fate::Missed(_))),
            count(|fate| *fate == Fate::NotTried),
        );
    }
    for mutant in mutants {
        if let Fate::Missed(asked) = mutant.fate {
            println!("missed by {asked}: {}", mutant.name);
        }
        if mutant.fate == Fate::NotTried {
            println!("not tried: {}", mutant.name);
        }
    }
}
