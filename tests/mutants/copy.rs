//! A copy of the crate in which each mutant stands behind a switch.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::list::{Fate, Mutant};
use crate::sites::{self, Kind, Site};

pub struct Copy {
    pub root: PathBuf,
    files: BTreeMap<String, Source>,
}

struct Source {
    text: String,
    sites: Vec<Site>,
    /// What was written for which mutants, by where it stands in the copy.
    written: Vec<(Range<usize>, Vec<usize>)>,
}

impl Copy {
    /// Copies what the tests need, and finds where the switches go.
    pub fn of(crate_root: &Path, root: PathBuf, mutants: &mut [Mutant]) -> Result<Self> {
        for name in [
            "src",
            "tests/it",
            "tests/vectors",
            "tests/ui",
            "examples",
            "benches",
        ] {
            let _ = fs::remove_dir_all(root.join(name));
            copy(&crate_root.join(name), &root.join(name))?;
        }
        for name in [
            "Cargo.toml",
            "Cargo.lock",
            "README.md",
            "tests/allocations.rs",
        ] {
            fs::copy(crate_root.join(name), root.join(name)).with_context(|| name.to_owned())?;
        }
        for name in ["apps", "hostile", "kill", "sdk", "simulation", "soak"] {
            let _ = fs::remove_dir_all(root.join("tests").join(name));
        }
        let lib = root.join("src/lib.rs");
        let text = fs::read_to_string(&lib)? + "\n#[doc(hidden)]\npub mod __mutants;\n";
        fs::write(lib, text)?;
        fs::write(root.join("src/__mutants.rs"), include_str!("switch.rs"))?;

        let mut by_file: HashMap<&str, Vec<(usize, &Mutant)>> = HashMap::new();
        for (at, mutant) in mutants.iter().enumerate() {
            if mutant.fate == Fate::Open {
                by_file
                    .entry(&mutant.file)
                    .or_default()
                    .push((at + 1, mutant));
            }
        }
        let mut files = BTreeMap::new();
        for (name, wanted) in by_file {
            let text = fs::read_to_string(root.join(name))?;
            let sites = sites::find(&text, &wanted).with_context(|| name.to_owned())?;
            files.insert(
                name.to_owned(),
                Source {
                    text,
                    sites,
                    written: Vec::new(),
                },
            );
        }
        let switched = files
            .values()
            .flat_map(|file| &file.sites)
            .flat_map(|site| &site.mutants);
        let switched: HashSet<usize> = switched.map(|(number, _)| *number).collect();
        for (at, mutant) in mutants.iter_mut().enumerate() {
            if mutant.fate == Fate::Open && !switched.contains(&(at + 1)) {
                mutant.fate = Fate::NotTried;
            }
        }
        Ok(Self { root, files })
    }

    /// Writes every file anew, with the switches of those that are still in.
    pub fn write(&mut self, broken: &HashSet<usize>) -> Result<()> {
        for (name, file) in &mut self.files {
            for site in &mut file.sites {
                site.mutants.retain(|(number, _)| !broken.contains(number));
            }
            file.sites.retain(|site| !site.mutants.is_empty());
            let (text, written) = render(&file.text, &mut file.sites);
            file.written = written;
            let path = self.root.join(name);
            if fs::read_to_string(&path)? != text {
                fs::write(path, text)?;
            }
        }
        Ok(())
    }

    /// The mutants that an error at this place is about: those of the smallest text that holds it.
    pub fn blamed(&self, name: &str, at: &Range<usize>) -> &[usize] {
        let Some(file) = self.files.get(name) else {
            return &[];
        };
        let holds = |range: &Range<usize>| range.start <= at.start && at.end <= range.end;
        let holding = file.written.iter().filter(|(range, _)| holds(range));
        holding
            .min_by_key(|(range, _)| range.len())
            .map_or(&[], |(_, numbers)| numbers)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

type Written = Vec<(Range<usize>, Vec<usize>)>;

/// The text with its switches, and where they stand.
fn render(text: &str, sites: &mut [Site]) -> (String, Written) {
    let rank = |kind: &Kind| match kind {
        Kind::Head => 0,
        Kind::Match => 1,
        Kind::Arm | Kind::GuardedArm => 2,
        Kind::Choice => 3,
    };
    sites.sort_by_key(|site| (site.at.start, usize::MAX - site.at.end, rank(&site.kind)));
    let mut page = Page {
        text,
        at: 0,
        out: String::new(),
        written: Vec::new(),
        open: Vec::new(),
    };
    for site in &*sites {
        page.close(site.at.start);
        page.open(site);
    }
    page.close(text.len());
    page.out.push_str(&text[page.at..]);
    (page.out, page.written)
}

struct Page<'a> {
    text: &'a str,
    at: usize,
    out: String,
    written: Written,
    open: Vec<(&'a Site, usize)>,
}

impl<'a> Page<'a> {
    fn open(&mut self, site: &'a Site) {
        self.out.push_str(&self.text[self.at..site.at.start]);
        self.at = site.at.start;
        let start = self.out.len();
        for (at, (number, text)) in site.mutants.iter().enumerate() {
            let start = self.out.len();
            let on = format!("crate::__mutants::on({number})");
            self.out.push_str(&match (&site.kind, at) {
                (Kind::Head, _) => format!("if {on} {{ return {text}; }} "),
                (Kind::Match, _) => String::new(),
                (Kind::Arm, _) => format!(" if !{on}"),
                (Kind::GuardedArm, _) => format!("!{on} && ("),
                (Kind::Choice, 0) => format!("(if {on} {{ {text} }} else "),
                (Kind::Choice, _) => format!("if {on} {{ {text} }} else "),
            });
            self.written.push((start..self.out.len(), vec![*number]));
        }
        if matches!(site.kind, Kind::Choice) {
            self.out.push_str("{ ");
        }
        self.open.push((site, start));
    }

    /// Ends what ends up to here.
    fn close(&mut self, up_to: usize) {
        while let Some((site, start)) = self.open.pop_if(|(site, _)| site.at.end <= up_to) {
            self.out.push_str(&self.text[self.at..site.at.end]);
            self.at = site.at.end;
            self.out.push_str(match site.kind {
                Kind::Head | Kind::Match | Kind::Arm => "",
                Kind::GuardedArm => ")",
                Kind::Choice => " })",
            });
            let numbers = site.mutants.iter().map(|(number, _)| *number).collect();
            self.written.push((start..self.out.len(), numbers));
        }
    }
}
