//! The figures of a candidate at one size, as they stand in the file of the results.

const HEAD: &str =
    "bytes,candidate,deliveries/s,least,most,p50 µs,p99 µs,CPU µs a delivery,share of the core";

#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) bytes: usize,
    pub(crate) name: String,
    /// Deliveries a second: the median of the rounds, the least and the most.
    pub(crate) rate: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// Microseconds: medians of the rounds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) cpu: f64,
    /// How much of its core the server used; where that is little, the load was the limit.
    pub(crate) share: f64,
}

impl Row {
    pub(crate) fn is_ours(&self) -> bool {
        self.name.starts_with("tower-webhook") || self.name.starts_with("limit and verify")
    }

    fn line(&self) -> String {
        let Self {
            bytes,
            rate,
            least,
            most,
            p50,
            p99,
            cpu,
            share,
            ..
        } = self;
        let name = self.name.replace(',', ";");
        format!(
            "{bytes},{name},{rate:.0},{least:.0},{most:.0},{p50:.1},{p99:.1},{cpu:.2},{share:.2}\n"
        )
    }

    fn read(line: &str) -> Option<Self> {
        let parts: Vec<_> = line.split(',').collect();
        let figure = |at: usize| parts.get(at)?.parse::<f64>().ok();
        Some(Self {
            bytes: parts[0].parse().ok()?,
            name: parts.get(1)?.replace(';', ","),
            rate: figure(2)?,
            least: figure(3)?,
            most: figure(4)?,
            p50: figure(5)?,
            p99: figure(6)?,
            cpu: figure(7)?,
            share: figure(8)?,
        })
    }
}

/// The rows of an earlier run, for the sizes that are not measured now.
pub(crate) fn read(path: &str) -> Vec<Row> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(Row::read).collect()
}

pub(crate) fn write(path: &str, rows: &[Row]) {
    let lines: String = rows.iter().map(Row::line).collect();
    std::fs::write(path, format!("{HEAD}\n{lines}")).expect("the directory is there");
}
