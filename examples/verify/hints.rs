//! What would have matched. Nothing is guessed: each hint was tried.

use tower_webhook::scheme::catalog;

use crate::judge::Verdict;
use crate::request::Capture;
use crate::variations::{Variation, bodies, headers, keys, times, urls};

/// Most hints that are given: the first ones change least.
const MOST: usize = 3;

pub(crate) fn hints(capture: &Capture, verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Accepted(delivery) if delivery.secret_slot > 0 => {
            let name = capture.secret_name(delivery.secret_slot);
            let first = capture.secret_name(0);
            vec![format!(
                "signed with {name} and not with {first}: the sender has another one in use"
            )]
        }
        Verdict::Accepted(_) | Verdict::Challenge(_) => Vec::new(),
        Verdict::Refused(word, _) if word == "stale" || word == "future" => time(capture),
        Verdict::Refused(word, _) => changes(capture, word),
    }
}

/// The signature is right, and the time is not.
fn time(capture: &Capture) -> Vec<String> {
    let seconds = Capture {
        now: capture.now / 1000,
        ..capture.clone()
    };
    if matches!(seconds.judge(), Ok(Verdict::Accepted(_))) {
        let now = seconds.now;
        return vec![format!(
            "`--at` was given in milliseconds: it is accepted with `--at {now}`"
        )];
    }
    vec!["give the time of arrival with `--at`, or look at the clock of the receiver".into()]
}

fn changes(capture: &Capture, word: &str) -> Vec<String> {
    let axes: [fn(&Capture) -> Vec<Variation>; 4] = [bodies, keys, headers, urls];
    let mut hints = Vec::new();
    for axis in axes {
        let matching = axis(capture).into_iter();
        let matching = matching.filter(|(_, other)| other.matches());
        hints.extend(matching.map(|(what, _)| format!("it would match with {what}")));
    }
    hints.extend(other_schemes(capture));
    if hints.is_empty() {
        // Two things at once: another body under another key, another key in another header.
        for (one, two) in [(1, 0), (1, 2), (2, 0), (3, 0), (1, 3)] {
            for (what, other) in axes[one](capture) {
                let matching = axes[two](&other).into_iter();
                let matching = matching.filter(|(_, other)| other.matches());
                hints.extend(
                    matching.map(|(too, _)| format!("it would match with {what}, and with {too}")),
                );
            }
        }
    }
    if hints.is_empty() && word == "malformed_timestamp" {
        hints.extend(units(capture));
    }
    hints.dedup();
    hints.truncate(MOST);
    if hints.is_empty() {
        hints.push(
            "nothing that is usually changed would have matched: another secret, or another body"
                .into(),
        );
    }
    hints
}

/// Times in milliseconds, which few schemes have.
fn units(capture: &Capture) -> Vec<String> {
    let texts = capture.headers.iter().filter_map(|(name, value)| {
        let text = value.to_str().ok()?;
        let has_millis = times(text)
            .iter()
            .any(|(what, _)| what.starts_with("seconds"));
        has_millis.then(|| format!("`{name}` has a time of 13 digits: milliseconds, for seconds?"))
    });
    texts.collect()
}

/// Schemes by which it is signed.
fn other_schemes(capture: &Capture) -> Vec<String> {
    let mut all = Vec::new();
    for entry in catalog::all().filter(|entry| entry.id != capture.entry.id) {
        let entry_capture = Capture {
            entry,
            ..capture.clone()
        };
        if entry_capture.matches() {
            let is_kin = capture.entry.provider == entry.provider;
            all.push((
                !is_kin,
                format!("it would match by the scheme {}", entry.id),
            ));
        }
    }
    all.sort_by_key(|(is_foreign, _)| *is_foreign);
    all.into_iter().map(|(_, hint)| hint).collect()
}
