//! Whether the time of a verification tells what it must not: `cargo bench --bench timing [-- SAMPLES]`.
//!
//! As [dudect](https://eprint.iacr.org/2016/1123) does it: deliveries of two classes, prepared alike and in an order that
//! a fixed seed draws, go through limit and verify as a user composes them; each is timed up to the verdict, and Welch's
//! t is taken of all times and of the times below each of a hundred percentiles. The largest |t| counts. A verifier that
//! leaves at the first wrong byte must be flagged, else nothing that was measured here says anything, and two classes
//! that are the same must not be. `-- --test` holds the statistics to distributions that are known, and tries each
//! comparison a little.

#[path = "../common/mod.rs"]
mod common;
mod comparisons;
mod deliveries;
mod leaky;
mod statistics;

use self::comparisons::{Comparison, Judged, all};
use self::deliveries::Dice;
use self::statistics::{Verdict, check, judge};

/// As many as the figures of others were taken with.
const SAMPLES: usize = 1_000_000;
/// Prepared at once, and then timed.
const BATCH: usize = 500;
/// |t| from which on two classes are told apart. On shared cores 4.5, as dudect has it, is noise.
const FLAGGED: f64 = 10.0;
/// What the control has at least, where the machine is quiet enough to say anything.
const CONTROL: f64 = 100.0;

/// Nanoseconds that nobody has told apart behind a network.
const SMALL: f64 = 20.0;

/// Times `samples` deliveries of both classes.
fn measure(comparison: &mut Comparison, samples: usize) -> Verdict {
    let mut dice = Dice::new();
    let mut times = Vec::with_capacity(samples);
    // What is cold at first is not counted.
    for batch in 0..=samples.div_ceil(BATCH) {
        let classes: Vec<_> = (0..BATCH).map(|_| dice.coin()).collect();
        let prepare = |class: &usize| (comparison.prepare)(&mut dice, *class);
        let deliveries: Vec<_> = classes.iter().map(prepare).collect();
        for (class, delivery) in classes.into_iter().zip(deliveries) {
            let (nanoseconds, status) = (comparison.run)(delivery);
            assert_eq!(status, comparison.statuses[class], "{}", comparison.name);
            if batch > 0 {
                times.push((class, nanoseconds));
            }
        }
    }
    judge(times)
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let samples = arguments.iter().find_map(|argument| argument.parse().ok());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    if is_test {
        check();
        for mut comparison in all() {
            measure(&mut comparison, 2 * BATCH);
        }
        return println!("the statistics are right, and each comparison runs");
    }
    let samples = samples.unwrap_or(SAMPLES);
    println!(
        "{samples} samples a comparison; differences are of medians, the second class less the first"
    );
    println!("{:>8} {:>10} {:>10}  comparison", "|t|", "ns", "of ns");
    let mut wrong = Vec::new();
    for mut comparison in all() {
        let verdict = measure(&mut comparison, samples);
        let Comparison { name, judged, .. } = comparison;
        println!(
            "{:>8.1} {:>+10.1} {:>10.0}  {name}",
            verdict.t, verdict.difference, verdict.median
        );
        let is_right = match judged {
            Judged::Leaks => verdict.t > CONTROL,
            Judged::Tells => true,
            Judged::MustNotTell => verdict.t < FLAGGED,
            Judged::MustBeSmall => verdict.difference.abs() < SMALL,
        };
        if !is_right {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "not as it should be: {wrong:?}");
}
