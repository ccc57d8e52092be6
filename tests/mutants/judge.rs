//! Asks the tests: which mutants each reaches, and for each mutant whether one that reaches it fails.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::list::{Fate, Mutant};

/// What takes longer judges nothing.
const LONGEST: Duration = Duration::from_secs(100);

/// What takes longer is asked only where all others passed.
const QUICK: Duration = Duration::from_secs(2);

pub struct Test {
    binary: PathBuf,
    name: String,
    time: Duration,
    reaches: HashSet<usize>,
}

/// Which tests caught mutants of a file, and how many.
#[derive(Default)]
struct Caught(Mutex<HashMap<String, HashMap<String, usize>>>);

impl Caught {
    fn by(&self, file: &str, test: &Test) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tests = files.entry(file.to_owned()).or_default();
        *tests.entry(test.name.clone()).or_default() += 1;
    }

    /// Those that caught most come first, and among equals the quickest.
    fn sort(&self, file: &str, tests: &mut [&Test]) {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(caught) = files.get(file) {
            tests.sort_by_key(|test| Reverse(caught.get(&test.name).copied().unwrap_or(0)));
        }
    }
}

#[derive(Eq, PartialEq)]
enum Ended {
    Passed,
    Failed,
    TimedOut,
}

pub struct Judge<'a> {
    pub root: &'a Path,
    pub work: &'a Path,
    /// Only tests with one of these in their names, if there are any.
    pub only: &'a [String],
    pub workers: usize,
}

impl Judge<'_> {
    /// Runs each test once, in a process of its own. What fails or takes too long is left out.
    pub fn tests(&self, binaries: &[PathBuf]) -> Result<Vec<Test>> {
        let mut names = Vec::new();
        for binary in binaries {
            let output = Command::new(binary)
                .args(["--list", "--format", "terse"])
                .output()?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let tests = text.lines().filter_map(|line| line.strip_suffix(": test"));
            let tests = tests.filter(|name| {
                self.only.is_empty() || self.only.iter().any(|only| name.contains(only))
            });
            names.extend(tests.map(|name| (binary.clone(), name.to_owned())));
        }
        let found = Mutex::new(Vec::new());
        self.each(names.len(), |at| {
            let (binary, name) = &names[at];
            let journal = self.work.join(format!("reached-{at}"));
            fs::write(&journal, "")?;
            let reached = [("MUTANTS_REACHED", journal.as_os_str().to_owned())];
            let (ended, time) = self.run(binary, name, &reached, LONGEST)?;
            let text = fs::read_to_string(&journal)?;
            fs::remove_file(&journal)?;
            if ended == Ended::Passed {
                let reaches = text.lines().filter_map(|line| line.parse().ok()).collect();
                let test = Test {
                    binary: binary.clone(),
                    name: name.clone(),
                    time,
                    reaches,
                };
                found
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(test);
            } else {
                println!("not asked: {name}");
            }
            Ok(())
        })?;
        let mut tests = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        tests.sort_by_key(|test| test.time);
        Ok(tests)
    }

    /// Finds the fate of each mutant that is still open, and says it as soon as it is known: first by the quick tests,
    /// and for what they miss by the others.
    pub fn judge(
        &self,
        mutants: &[Mutant],
        tests: &[Test],
        tell: &(dyn Fn(usize, Fate) -> Result<()> + Sync),
    ) -> Result<()> {
        let (quick, slow) = tests.split_at(tests.partition_point(|test| test.time < QUICK));
        let open = (0..mutants.len()).filter(|at| mutants[*at].fate == Fate::Open);
        let mut open: Vec<usize> = open.collect();
        let caught = Caught::default();
        for (tests, is_last) in [(quick, false), (slow, true)] {
            let missed = Mutex::new(Vec::new());
            self.each(open.len(), |at| {
                let (mutant, number) = (&mutants[open[at]], open[at] + 1);
                let mut asked: Vec<&Test> = tests
                    .iter()
                    .filter(|test| test.reaches.contains(&number))
                    .collect();
                caught.sort(&mutant.file, &mut asked);
                for test in asked {
                    if self.fails(test, number)? {
                        caught.by(&mutant.file, test);
                        return tell(open[at], Fate::Caught(test.name.clone()));
                    }
                }
                missed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(open[at]);
                if is_last {
                    let reached = quick
                        .iter()
                        .chain(slow)
                        .filter(|test| test.reaches.contains(&number));
                    return tell(open[at], Fate::Missed(reached.count()));
                }
                println!("missed by quick tests: {}", mutant.name);
                Ok(())
            })?;
            open = missed.into_inner().unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// A test that fails must fail again: a machine that is busy is not a mutant that is caught.
    fn fails(&self, test: &Test, number: usize) -> Result<bool> {
        let limit = test.time * 4 + Duration::from_secs(8);
        let mutant = [("MUTANT", number.to_string().into())];
        for _ in 0..2 {
            let (ended, _) = self.run(&test.binary, &test.name, &mutant, limit)?;
            match ended {
                Ended::Passed => return Ok(false),
                Ended::TimedOut => return Ok(true),
                Ended::Failed => {}
            }
        }
        Ok(true)
    }

    fn run(
        &self,
        binary: &Path,
        name: &str,
        set: &[(&str, std::ffi::OsString)],
        limit: Duration,
    ) -> Result<(Ended, Duration)> {
        let start = Instant::now();
        let mut child = Command::new(binary)
            .args([name, "--exact", "--test-threads=1"])
            .current_dir(self.root)
            .env("CARGO_MANIFEST_DIR", self.root)
            .envs(set.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if start.elapsed() > limit {
                break None;
            }
            thread::sleep(Duration::from_millis(2));
        };
        // With the processes that it started.
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let ended = match status {
            Some(status) if status.success() => Ended::Passed,
            Some(_) => Ended::Failed,
            None => {
                child.wait()?;
                Ended::TimedOut
            }
        };
        Ok((ended, start.elapsed()))
    }

    fn each(&self, count: usize, work: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
        let next = AtomicUsize::new(0);
        let worker = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    return Ok(());
                }
                work(at)?;
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.workers).map(|_| scope.spawn(worker)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().expect("a worker"))
        })
    }
}
