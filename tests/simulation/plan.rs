//! What a seed holds in store: events, how their handlers fare, and the design that is tried.

use std::time::Duration;

use crate::dice::Dice;
use crate::flaw::Flaw;

pub(crate) const SENDERS: usize = 3;
pub(crate) const RECEIVERS: usize = 2;
const EVENTS_OF_A_SENDER: usize = 3;

pub(crate) const STANDARD_SECRET: &str = "whsec_YSBzZWNyZXQgb2YgdGhlIHNpbXVsYXRpb24=";
pub(crate) const GITHUB_SECRET: &str = "another secret of the simulation";
pub(crate) const WRONG_SECRET: &str = "whsec_bm90IHRoZSBzZWNyZXQgdGhhdCBpcyBrbm93bg==";

/// What a forger says an event's number is.
pub(crate) const FORGED: usize = 999;

/// Everything that is decided before a simulation begins.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) flaw: Option<Flaw>,
    pub(crate) memory: MemoryKind,
    /// Whether receivers remember what they completed in front of the store.
    pub(crate) is_layered: bool,
    /// Whether unsigned ids are kept out of keys.
    pub(crate) is_strict: bool,
    pub(crate) events: Vec<Event>,
}

/// What the store on the network keeps its records in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryKind {
    /// Records that survive the store's process.
    Plain,
    /// `MokaStore`.
    Moka,
}

/// How an event is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Its id and its time are signed.
    Standard,
    /// Only its body is.
    GitHub,
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) number: usize,
    pub(crate) sender: usize,
    pub(crate) wire: Wire,
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) body: String,
    /// When it is first sent.
    pub(crate) start: Duration,
    pub(crate) fate: Fate,
    /// How the first runs of its handler end; further ones succeed.
    pub(crate) runs: Vec<Run>,
    /// How long its runs take, in turn.
    pub(crate) work: [Duration; 4],
}

/// What has to become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Handled,
    /// The handler refuses for good: 422.
    Refused,
    /// Signed with another secret: 401.
    Forged,
    /// Signed long ago: 409.
    Stale,
    /// Signed, but no object: 400.
    Malformed,
}

/// How a run of a handler ends that does not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    Fails,
    Panics,
    Hangs,
}

impl Fate {
    /// The status by which a sender knows that it need not come again; `None` for every 2xx.
    pub(crate) fn refusal(self) -> Option<u16> {
        match self {
            Self::Handled => None,
            Self::Refused => Some(422),
            Self::Forged => Some(401),
            Self::Stale => Some(409),
            Self::Malformed => Some(400),
        }
    }
}

impl Plan {
    pub(crate) fn new(seed: u64, flaw: Option<Flaw>) -> Self {
        let mut dice = Dice::new(seed, 1);
        // A flaw of the store needs a store that may have it.
        let is_moka = dice.percent(40) && flaw.is_none();
        let is_layered = dice.percent(30) && flaw.is_none();
        let is_strict = dice.percent(40);
        let events = (0..SENDERS * EVENTS_OF_A_SENDER).map(|number| event(&mut dice, number));
        let mut events: Vec<_> = events.collect();
        pair(&mut events);
        Self {
            seed,
            flaw,
            memory: if is_moka {
                MemoryKind::Moka
            } else {
                MemoryKind::Plain
            },
            is_layered,
            is_strict,
            events,
        }
    }
}

fn event(dice: &mut Dice, number: usize) -> Event {
    let fate = match dice.below(20) {
        0 => Fate::Refused,
        1 => Fate::Forged,
        2 => Fate::Stale,
        3 => Fate::Malformed,
        _ => Fate::Handled,
    };
    // Only where the time is signed can a delivery be stale.
    let wire = if fate == Fate::Stale || dice.percent(50) {
        Wire::Standard
    } else {
        Wire::GitHub
    };
    let mut runs = Vec::new();
    while dice.percent(25) && runs.len() < 2 {
        runs.push(match dice.below(5) {
            0 => Run::Panics,
            1 => Run::Hangs,
            _ => Run::Fails,
        });
    }
    // Runs differ: one in three takes longer than its sender waits, and some longer than a lease.
    let work = [(); 4].map(|()| match dice.below(3) {
        0 => dice.millis(0, 50),
        1 => dice.millis(50, 1_500),
        _ => dice.millis(1_500, 8_000),
    });
    let kind = "order".to_owned();
    let mut event = Event {
        number,
        sender: number % SENDERS,
        wire,
        id: format!("event-{number}"),
        body: String::new(),
        kind,
        start: dice.millis(0, 12_000),
        fate,
        runs,
        work,
    };
    event.write();
    event
}

/// Gives the first two events by Standard Webhooks names that are one where colons are not escaped.
fn pair(events: &mut [Event]) {
    let signed = events.iter_mut().filter(|e| e.wire == Wire::Standard);
    let mut signed = signed.filter(|e| e.fate == Fate::Handled);
    if let (Some(one), Some(two)) = (signed.next(), signed.next()) {
        one.kind = "order:paid".to_owned();
        one.id = "7".to_owned();
        two.id = "paid:7".to_owned();
        one.write();
        two.write();
    }
}

impl Event {
    fn write(&mut self) {
        let Self { number, kind, .. } = self;
        self.body = match self.fate {
            Fate::Malformed => format!("[{number}]"),
            _ => format!(r#"{{"type":"{kind}","n":{number}}}"#),
        };
    }
}
