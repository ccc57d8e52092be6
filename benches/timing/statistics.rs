//! Welch's t over what was cropped at percentiles, and the proof that it finds what it should.

use super::deliveries::Dice;

/// How many percentiles the times are cropped at: closer and closer to all of them.
const CROPS: i32 = 100;
/// A class of fewer says nothing.
const FEWEST: f64 = 100.0;

/// What two classes of times look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    /// The largest |t|, over all crops.
    pub(crate) t: f64,
    /// The median of the second class less that of the first, in ns.
    pub(crate) difference: f64,
    /// The median of both, in ns.
    pub(crate) median: f64,
}

/// Count, sum and sum of squares.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn mean(self) -> f64 {
        self.sum / self.count
    }

    /// The variance of the mean.
    fn spread(self) -> f64 {
        let variance = (self.squares - self.sum * self.mean()) / (self.count - 1.0);
        variance / self.count
    }
}

/// Welch's t.
fn welch(classes: [Moments; 2]) -> f64 {
    let [first, second] = classes;
    let spread = first.spread() + second.spread();
    // Times that are all the same cannot be told apart.
    if spread > 0.0 {
        (second.mean() - first.mean()) / spread.sqrt()
    } else {
        0.0
    }
}

/// The middle of what is sorted.
fn middle(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Looks at the times of both classes.
pub(crate) fn judge(mut times: Vec<(usize, f64)>) -> Verdict {
    times.sort_by(|left, right| left.1.total_cmp(&right.1));
    let of = |class| {
        let own = times.iter().filter(move |(it, _)| *it == class);
        own.map(|(_, time)| *time).collect::<Vec<_>>()
    };
    let all: Vec<_> = times.iter().map(|(_, time)| *time).collect();
    let median = middle(&all);
    // From the shortest on, so that each crop adds to the one before it.
    let crop = |at: i32| 1.0 - 0.5_f64.powf(10.0 * f64::from(at) / f64::from(CROPS));
    let crops = (1..=CROPS).map(|at| (crop(at) * times.len() as f64) as usize);
    let mut classes = [Moments::default(); 2];
    let (mut t, mut taken) = (0.0_f64, 0);
    for end in crops.chain([times.len()]) {
        // What is as long as the longest is in, whichever class came first in sorting.
        let longest = times.get(end.saturating_sub(1)).map(|(_, time)| *time);
        while let Some((class, time)) = times.get(taken)
            && Some(*time) <= longest
        {
            // Less the median, so that squares of small differences are not lost in large numbers.
            classes[*class].add(time - median);
            taken += 1;
        }
        if classes.iter().all(|class| class.count >= FEWEST) {
            t = t.max(welch(classes).abs());
        }
    }
    Verdict {
        t,
        difference: middle(&of(1)) - middle(&of(0)),
        median,
    }
}

/// Times around 2,000 ns, 20 ns wide; of the second class `shift` longer. One in `rare` was interrupted for up to 0.2 ms.
fn synthetic(shift: f64, rare: u64) -> Verdict {
    let mut dice = Dice::new();
    let times = (0..100_000).map(|_| {
        let class = dice.coin();
        // Twelve throws are as good as normal.
        let noise: f64 = (0..12).map(|_| dice.part() - 0.5).sum();
        let interrupted = dice.below(rare) == 0;
        let pause = if interrupted { dice.part() * 2e5 } else { 0.0 };
        let longer = if class == 1 { shift } else { 0.0 };
        (class, (2000.0 + 20.0 * noise + longer + pause).round())
    });
    judge(times.collect())
}

/// Holds the statistics to what is known.
pub(crate) fn check() {
    let of = |values: [f64; 5]| {
        let mut moments = Moments::default();
        values.into_iter().for_each(|value| moments.add(value));
        moments
    };
    // Means 3 and 6, variances 2.5 and 10: 3 / √(0.5 + 2).
    let t = welch([
        of([1.0, 2.0, 3.0, 4.0, 5.0]),
        of([2.0, 4.0, 6.0, 8.0, 10.0]),
    ]);
    assert!((t - 3.0 / 2.5_f64.sqrt()).abs() < 1e-12, "{t}");

    let same = synthetic(0.0, u64::MAX);
    assert!(same.t < 4.5 && same.difference.abs() <= 1.0, "{same:?}");
    let shifted = synthetic(2.0, u64::MAX);
    // 2 / (20 √(2 / 50,000)) is 15.8.
    assert!((12.0..20.0).contains(&shifted.t), "{shifted:?}");
    assert!((shifted.difference - 2.0).abs() <= 1.0, "{shifted:?}");

    // What interrupts one in a hundred hides that from a t over everything, and not from one over crops.
    let same = synthetic(0.0, 100);
    assert!(same.t < 4.5, "{same:?}");
    let hidden = synthetic(2.0, 100);
    assert!(hidden.t > 10.0, "{hidden:?}");

    let alike = judge(
        vec![(0, 7.0); 1000]
            .into_iter()
            .chain(vec![(1, 7.0); 1000])
            .collect(),
    );
    assert!(alike.t == 0.0 && alike.difference == 0.0, "{alike:?}");
}
