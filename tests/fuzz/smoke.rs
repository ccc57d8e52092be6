//! Each target in short, on any toolchain: its seeds, and mutations of them by words of its dictionary.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::NOW;
use crate::request::read;
use crate::vectors::{CASES, Case};

/// Mutations a target where nobody says otherwise.
const RUNS: usize = 3_000;
/// Most bytes of an input.
const MAX: usize = 4_096;

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The seeds of `target` that are committed.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(place("seeds").join(target)).expect("each target has seeds");
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// The words of a dictionary, as libFuzzer writes them.
fn words(name: &str) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(place("dictionaries").join(format!("{name}.dict"))).unwrap();
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let words = lines.map(|line| word(line).unwrap_or_else(|| panic!("{name}: {line}")));
    words.collect()
}

/// `name="text"`, or the text alone, with `\\`, `\"` and `\xAB`.
fn word(line: &str) -> Option<Vec<u8>> {
    let quoted = &line[line.find('"')?..];
    let quoted = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = quoted.bytes();
    let mut word = Vec::new();
    while let Some(byte) = bytes.next() {
        word.push(match byte {
            b'\\' => match bytes.next()? {
                b'x' => {
                    let digits = [bytes.next()?, bytes.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                other => other,
            },
            other => other,
        });
    }
    Some(word)
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut roll = self.0;
        roll = (roll ^ (roll >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        roll = (roll ^ (roll >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        roll ^ (roll >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() >> 33).unwrap() % end.max(1)
    }

    fn of<'t>(&mut self, texts: &'t [Vec<u8>]) -> &'t [u8] {
        &texts[self.below(texts.len())]
    }

    /// Changes `input` in a few places.
    fn mutate(&mut self, input: &mut Vec<u8>, words: &[Vec<u8>], seeds: &[Vec<u8>]) {
        for _ in 0..=self.below(3) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(12)).min(input.len());
            match self.below(8) {
                0 => input.insert(at, self.roll().to_le_bytes()[0]),
                1 => drop(input.drain(at..end)),
                2 if at < input.len() => input[at] ^= 1 << self.below(8),
                3 => {
                    let copy = input[at..end].to_vec();
                    drop(input.splice(at..at, copy));
                }
                4 => {
                    let other = self.of(seeds);
                    let from = self.below(other.len() + 1);
                    input.truncate(at);
                    input.extend_from_slice(&other[from..]);
                }
                // In place of what stands between two signs, as the value of a header does.
                5 | 6 => {
                    let is_sign = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'-';
                    let from = input[..at]
                        .iter()
                        .rposition(is_sign)
                        .map_or(0, |sign| sign + 1);
                    let to = input[at..]
                        .iter()
                        .position(is_sign)
                        .map_or(input.len(), |sign| at + sign);
                    drop(input.splice(from..to, self.of(words).to_vec()));
                }
                _ => drop(input.splice(at..at, self.of(words).to_vec())),
            }
        }
        input.truncate(MAX);
    }
}

fn runs() -> usize {
    let runs = std::env::var("FUZZ_RUNS");
    runs.map_or(RUNS, |runs| runs.parse().expect("a number of runs"))
}

/// Gives `target` all of `seeds`, and mutations of them. Returns what it panicked at.
fn attack(target: fn(&[u8]), seeds: &[Vec<u8>], words: &[Vec<u8>]) -> Option<Vec<u8>> {
    let fails = |input: &[u8]| catch_unwind(AssertUnwindSafe(|| target(input))).is_err();
    if let Some(seed) = seeds.iter().find(|seed| fails(seed)) {
        return Some(seed.clone());
    }
    let mut dice = Dice(1);
    let mut input = Vec::new();
    for _ in 0..runs() {
        input.clear();
        input.extend_from_slice(dice.of(seeds));
        dice.mutate(&mut input, words, seeds);
        if fails(&input) {
            return Some(input);
        }
    }
    None
}

fn holds(name: &str, target: fn(&[u8]), more: impl IntoIterator<Item = Vec<u8>>) {
    let mut seeds = seeds(name);
    seeds.extend(more);
    let found = attack(target, &seeds, &words(name));
    let text = found.as_deref().map(String::from_utf8_lossy);
    assert!(found.is_none(), "{name} fails at {text:?}");
}

/// The vectors as inputs of `schemes` and, behind a byte that says so, of `differential`.
fn vectors(mark: &[u8]) -> Vec<Vec<u8>> {
    let input = |case: &Case| [mark, case.id.as_bytes(), b"\n", &case.text].concat();
    CASES.iter().map(input).collect()
}

#[test]
#[ignore = "writes what `run` gives to libFuzzer"]
fn seeds_of_vectors() {
    for (target, mark) in [("schemes", &b""[..]), ("differential", b"\xff")] {
        let folder = place("corpus/vectors").join(target);
        fs::create_dir_all(&folder).unwrap();
        for (case, input) in CASES.iter().zip(vectors(mark)) {
            fs::write(folder.join(&case.id), input).unwrap();
        }
    }
}

#[test]
fn what_a_scheme_accepts_was_signed() {
    holds("schemes", crate::schemes, vectors(b""));
}

#[test]
fn most_vectors_are_cases() {
    let signed = CASES.iter().filter(|case| case.signed.is_some()).count();
    assert!(
        CASES.len() > 1_000 && signed >= 400,
        "{} {signed}",
        CASES.len()
    );
}

#[test]
fn a_signature_is_read_as_its_provider_writes_it() {
    holds("signatures", crate::signatures, []);
}

#[test]
fn a_time_is_read_as_it_is_written_and_is_inside_the_window() {
    holds("timestamp", crate::timestamp, []);
}

#[test]
fn a_message_signature_covers_what_we_read_that_it_covers() {
    holds("rfc9421", crate::rfc9421, []);
}

#[test]
fn an_envelope_has_what_stands_in_the_payload() {
    holds("envelope", crate::envelope, []);
}

#[test]
fn keys_differ_where_deliveries_do() {
    holds("key", crate::key, []);
}

#[test]
fn a_sender_does_not_say_where_it_is() {
    holds("forwarded", crate::forwarded, []);
}

#[test]
fn the_stack_runs_what_was_signed_once() {
    holds("stack", crate::stack, []);
}

#[test]
fn others_judge_as_we_do_or_it_is_known_why_not() {
    holds("differential", crate::differential, vectors(b"\xff"));
}

/// How `standardwebhooks` 1.0.1 asks whether a time is inside its window, before it looks at the signature.
fn careless(data: &[u8]) {
    let (head, _) = read(data);
    let time = head.headers.get("webhook-timestamp");
    let time = time.and_then(|time| time.to_str().ok()?.parse::<i64>().ok());
    if let Some(time) = time {
        let _ = NOW - time > 300;
    }
}

#[test]
fn the_dictionary_finds_an_overflow_and_bits_alone_do_not() {
    let seed = b"POST /in\nwebhook-id: id-1\nwebhook-timestamp: 1763700000\n\n{}".to_vec();
    let found = attack(careless, std::slice::from_ref(&seed), &words("schemes"));
    let found = found.expect("it is found");
    let text = String::from_utf8_lossy(&found);
    assert!(text.contains("webhook-timestamp: -92233"), "{text}");
    // The control of the control: words that mean nothing to it.
    let nothing = [b"a".to_vec(), b"=".to_vec()];
    assert_eq!(attack(careless, &[seed], &nothing), None);
}
