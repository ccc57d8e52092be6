//! Whether memory stays where it is.

use std::time::Duration;

/// Bytes a request that memory may grow by, on the straight line through what was measured. malloc gives nothing smaller
/// than 32, so that not even every fourth request may leave something behind.
const TREND: f64 = 8.0;
/// Bytes above the median of the time after the warm-up that it may ever have: what requests at once take.
const PEAK: u64 = 16 << 20;
/// Descriptors above that median: 64 events at once, each on a connection of its own.
const DESCRIPTORS: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    memory: u64,
    descriptors: usize,
}

/// What a process took, from its start on.
#[derive(Debug)]
pub(crate) struct Samples(Vec<Sample>);

impl Samples {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn take(&mut self, at: Duration, memory: u64, descriptors: usize) {
        self.0.push(Sample {
            at,
            memory,
            descriptors,
        });
    }

    /// All but the first quarter, in which the store fills.
    fn warm(&self) -> &[Sample] {
        let end = self.0.last().map_or(Duration::ZERO, |last| last.at);
        let begin = self.0.partition_point(|sample| sample.at < end / 4);
        &self.0[begin..]
    }

    /// Bytes a second, by least squares.
    fn trend(&self) -> f64 {
        let warm = self.warm();
        let count = warm.len() as f64;
        let (x, y) = (
            |sample: &Sample| sample.at.as_secs_f64(),
            |sample: &Sample| sample.memory as f64,
        );
        let mean = |of: &dyn Fn(&Sample) -> f64| warm.iter().map(of).sum::<f64>() / count;
        let (mid_x, mid_y) = (mean(&x), mean(&y));
        let both = mean(&|sample| (x(sample) - mid_x) * (y(sample) - mid_y));
        let alone = mean(&|sample| (x(sample) - mid_x).powi(2));
        if alone > 0.0 { both / alone } else { 0.0 }
    }

    /// The middle, and the most, after the warm-up.
    fn middle_and_most<T: Ord + Copy>(&self, of: impl Fn(&Sample) -> T) -> (T, T) {
        let mut all: Vec<_> = self.warm().iter().map(of).collect();
        all.sort_unstable();
        (all[all.len() / 2], all[all.len() - 1])
    }

    /// In one line each, to be written down.
    pub(crate) fn story(&self) -> String {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let (middle, most) = self.middle_and_most(|sample| sample.memory);
        let (open, most_open) = self.middle_and_most(|sample| sample.descriptors);
        let tenths = (0..=10).filter_map(|tenth| self.0.get(tenth * (self.0.len() - 1) / 10));
        let tenths: Vec<_> = tenths.map(|it| format!("{:.1}", mib(it.memory))).collect();
        format!(
            "MiB by tenths of the time: {}\nafter the first quarter {:.1} MiB in the middle, {:.1} at most, {:+.2} MiB/h; \
             {open} descriptors in the middle, {most_open} at most",
            tenths.join(" "),
            mib(middle),
            mib(most),
            self.trend() * 3600.0 / f64::from(1 << 20),
        )
    }

    /// Fails where memory or descriptors grew while `requests` came, all in all.
    pub(crate) fn judge(&self, requests: u64) {
        let all = self.0.last().expect("there are samples").at.as_secs_f64();
        let each = self.trend() / (requests as f64 / all);
        println!("{each:+.2} bytes a request, by the trend");
        assert!(each < TREND, "memory grows by {each} bytes a request");
        let (middle, most) = self.middle_and_most(|sample| sample.memory);
        assert!(most < middle + PEAK, "{middle} bytes, and {most}");
        let (middle, most) = self.middle_and_most(|sample| sample.descriptors);
        assert!(most < middle + DESCRIPTORS, "{middle} open, and {most}");
    }
}

/// An hour at 200 requests a second that fills up for ten minutes, goes up and down by 2 MiB in 40 s, and leaves
/// `leak` bytes behind with each request.
fn hour(leak: f64) -> Samples {
    let mut samples = Samples::new();
    for at in (0..=3600_u32).step_by(5) {
        let filled = f64::from(at.min(600)) * 50_000.0;
        let swing = f64::from(at % 40) / 40.0 * f64::from(2 << 20);
        let memory = filled + swing + f64::from(at) * 200.0 * leak;
        samples.take(Duration::from_secs(at.into()), memory as u64, 40);
    }
    samples
}

#[test]
fn memory_that_goes_up_and_down_is_flat() {
    hour(0.0).judge(3600 * 200);
}

#[test]
#[should_panic(expected = "memory grows by")]
fn thirty_two_bytes_that_every_third_request_leaves_behind_are_found() {
    hour(32.0 / 3.0).judge(3600 * 200);
}
