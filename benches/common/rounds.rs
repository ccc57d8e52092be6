use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What this thread has computed for so far: other work on the machine does not count.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).expect("below a second"),
    )
}

/// The middle of `figures`.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Times of several cases, by round.
pub(crate) struct Table {
    rounds: Vec<Vec<f64>>,
}

impl Table {
    /// Runs all `cases` in each round, one further each time: what slows the machine slows them alike, and
    /// none always follows the same one.
    pub(crate) fn run(cases: usize, rounds: usize, mut case: impl FnMut(usize) -> f64) -> Self {
        let rounds = (0..rounds).map(|round| {
            let mut times = vec![0.0; cases];
            for index in 0..cases {
                let index = (index + round) % cases;
                times[index] = case(index);
            }
            times
        });
        Self {
            rounds: rounds.collect(),
        }
    }

    pub(crate) fn median(&self, case: usize) -> f64 {
        median(self.rounds.iter().map(|times| times[case]))
    }

    /// The median of the ratios that `case` had to `other` in each round.
    pub(crate) fn ratio(&self, case: usize, other: usize) -> f64 {
        median(self.rounds.iter().map(|times| times[case] / times[other]))
    }
}
