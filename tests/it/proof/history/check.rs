//! Whether a history can be that of a right store.

use std::time::Duration;

use super::event::{Call, Event, Reply, Tick, Violation};

/// Between the clock of the store, in milliseconds, and ours.
const SLACK: Duration = Duration::from_millis(3);

/// What is wrong with the history of one key. The last event is a claim after all leases.
pub(super) fn check(key: usize, events: &[Event], lease: Duration) -> Vec<Violation> {
    let of_key: Vec<Event> = events.iter().filter(|e| e.key == key).copied().collect();
    let history = History {
        key,
        events: &of_key,
        lease,
    };
    let mut found = Vec::new();
    history.commits(&mut found);
    history.fences(&mut found);
    history.holders(&mut found);
    found
}

struct History<'e> {
    key: usize,
    events: &'e [Event],
    lease: Duration,
}

/// A grant that was heard of.
#[derive(Clone, Copy)]
struct Grant {
    call: Call,
    fence: u64,
    asked: Tick,
    /// When the claimant first asked: the reply to that may have been lost, not the grant.
    since: Tick,
    heard: Tick,
}

impl History<'_> {
    fn heard(&self) -> impl Iterator<Item = (&Event, Tick, Reply)> {
        let heard = |event| -> Option<(&Event, Tick, Reply)> {
            let event: &Event = event;
            event.heard.map(|(tick, reply)| (event, tick, reply))
        };
        self.events.iter().filter_map(heard)
    }

    fn grants(&self) -> Vec<Grant> {
        let granted = |(event, heard, reply): (&Event, Tick, Reply)| match reply {
            Reply::Acquired(fence) => Some(Grant {
                call: event.call,
                fence,
                asked: event.asked,
                since: self.first_asked(event.call).unwrap_or(event.asked),
                heard,
            }),
            _ => None,
        };
        self.heard().filter_map(granted).collect()
    }

    fn first_asked(&self, call: Call) -> Option<Tick> {
        let asked = |event: &Event| (event.call == call).then_some(event.asked);
        let asked = self.events.iter().filter_map(asked);
        asked.min_by_key(|tick| tick.number)
    }

    /// At most one commit, known to all who ask later, and told as it was made.
    fn commits(&self, found: &mut Vec<Violation>) {
        // Known from its holder, or from a duplicate that was told.
        let committed = |(event, heard, reply)| match (event, reply) {
            (Call::Complete(fence), Reply::Held) => Some((heard, fence)),
            (Call::Claim(_), Reply::Done(fence)) => Some((heard, fence)),
            _ => None,
        };
        let calls = self
            .heard()
            .map(|(event, heard, reply)| (event.call, heard, reply));
        let known: Vec<(Tick, u64)> = calls.filter_map(committed).collect();
        let Some((since, fence)) = known.iter().min_by_key(|(heard, _)| heard.number) else {
            return;
        };
        let by_holder = |(event, _, reply): (&Event, Tick, Reply)| match (event.call, reply) {
            (Call::Complete(fence), Reply::Held) => Some(fence),
            _ => None,
        };
        let mut own: Vec<u64> = self.heard().filter_map(by_holder).collect();
        own.sort_unstable();
        own.dedup();
        if own.len() > 1 {
            found.push(Violation::TwoCommits(self.key));
        }
        if known.iter().any(|(_, other)| other != fence) {
            found.push(Violation::AnswerOfAnother(self.key));
        }
        let asked = |event: &Event| event.call == Call::Complete(*fence);
        if !self.events.iter().any(asked) {
            found.push(Violation::AnswerOfNobody(self.key));
        }
        for (event, _, reply) in self.heard() {
            if !since.is_before(event.asked) {
                continue;
            }
            match (event.call, reply) {
                (Call::Claim(_), Reply::Acquired(_)) => {
                    found.push(Violation::GrantedAfterCommit(self.key));
                }
                (Call::Claim(_), Reply::InProgress | Reply::Mismatch) => {
                    found.push(Violation::CommitForgotten(self.key));
                }
                (Call::Release(_) | Call::Renew(_), Reply::Held) => {
                    found.push(Violation::ReleasedAfterCommit(self.key));
                }
                _ => {}
            }
        }
    }

    /// Of two grants, the later has the greater token, and no two claimants have one.
    fn fences(&self, found: &mut Vec<Violation>) {
        let grants = self.grants();
        for (index, one) in grants.iter().enumerate() {
            for two in &grants[index + 1..] {
                if one.call == two.call {
                    continue;
                }
                if one.fence == two.fence {
                    found.push(Violation::FenceGivenTwice(self.key));
                }
                let (first, then) = match one.heard.is_before(two.asked) {
                    true => (one, two),
                    false if two.heard.is_before(one.asked) => (two, one),
                    false => continue,
                };
                if first.fence >= then.fence {
                    found.push(Violation::FenceNotGrown(self.key));
                }
            }
        }
    }

    /// Nobody is granted what another surely holds, or holds what another was granted.
    fn holders(&self, found: &mut Vec<Violation>) {
        let grants = self.grants();
        for grant in &grants {
            let releases = |event: &&Event| event.call == Call::Release(grant.fence);
            let released = self.events.iter().find(releases).map(|event| event.asked);
            for next in grants.iter().filter(|next| next.call != grant.call) {
                let is_released = released.is_some_and(|asked| asked.is_before(next.heard));
                let until = grant.since.time + self.lease;
                if grant.heard.is_before(next.asked)
                    && !is_released
                    && next.heard.time + SLACK < until
                {
                    found.push(Violation::GrantedWhileHeld(self.key));
                }
            }
        }
        for (event, _, reply) in self.heard() {
            let (Call::Renew(fence) | Call::Complete(fence) | Call::Release(fence)) = event.call
            else {
                continue;
            };
            let is_taken = |next: &Grant| next.fence > fence && next.heard.is_before(event.asked);
            if reply == Reply::Held && grants.iter().any(is_taken) {
                found.push(Violation::HeldAfterTakeover(self.key));
            }
        }
    }
}
