//! What befalls machines, network and clocks.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use turmoil::Sim;

use crate::dice::Dice;
use crate::journal::{Fact, Fault, Line};
use crate::plan::{MemoryKind, Plan, RECEIVERS, SENDERS};
use crate::sender::name;
use crate::world::World;

/// How long something befalls them, in milliseconds.
const STORM: u64 = 25_000;

/// Faults, by their time.
pub(crate) struct Weather(VecDeque<(Duration, Fault)>);

impl Weather {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut dice = Dice::new(plan.seed, 5);
        let mut faults = Vec::new();
        for receiver in 0..RECEIVERS {
            spells(&mut dice, &mut faults, 9_000, 5_000, |_| {
                (Fault::Crash(receiver), Fault::Restart(receiver))
            });
            spells(&mut dice, &mut faults, 12_000, 6_000, |dice| {
                let most = if dice.percent(50) { 40 } else { 700 };
                let ahead = i64::try_from(dice.below(2 * most)).unwrap();
                let ahead = ahead - i64::try_from(most).unwrap();
                (Fault::Clock(receiver, ahead), Fault::Clock(receiver, 0))
            });
            let lines = (0..SENDERS).map(|sender| Line::In(sender, receiver));
            for line in lines.chain([Line::Store(receiver)]) {
                spells(&mut dice, &mut faults, 14_000, 7_000, |dice| {
                    let begin = match dice.below(5) {
                        0 | 1 => Fault::Cut(line),
                        2 => Fault::Mute(line),
                        _ => Fault::Hold(line),
                    };
                    (begin, Fault::Mend(line))
                });
            }
        }
        // What lies in its own process is gone with it.
        if plan.memory == MemoryKind::Plain {
            spells(&mut dice, &mut faults, 15_000, 3_000, |_| {
                (Fault::StoreDown, Fault::StoreUp)
            });
        }
        faults.sort_by_key(|(at, _)| *at);
        faults.push((Duration::from_millis(STORM + 1), Fault::Calm));
        Self(faults.into())
    }

    /// Does what is due.
    pub(crate) fn pass(&mut self, sim: &mut Sim<'_>, world: &World) {
        let now = sim.elapsed();
        while let Some((_, fault)) = self.0.pop_front_if(|(at, _)| *at <= now) {
            world.journal.note_at(now, Fact::Fault(fault));
            strike(sim, world, fault);
        }
    }
}

/// Spells of one kind, one after the other: `calm` is the longest time before one, `long` the longest
/// of one.
fn spells(
    dice: &mut Dice,
    faults: &mut Vec<(Duration, Fault)>,
    calm: u64,
    long: u64,
    mut draw: impl FnMut(&mut Dice) -> (Fault, Fault),
) {
    let storm = Duration::from_millis(STORM);
    let mut now = Duration::ZERO;
    loop {
        now += dice.millis(500, 2 * calm);
        if now >= storm {
            return;
        }
        let (begin, end) = draw(dice);
        faults.push((now, begin));
        now = (now + dice.millis(10, long)).min(storm);
        faults.push((now, end));
    }
}

fn strike(sim: &mut Sim<'_>, world: &World, fault: Fault) {
    let ends = |line| match line {
        Line::In(sender, receiver) => (format!("sender-{sender}"), name(receiver)),
        Line::Store(receiver) => (name(receiver), "store".to_owned()),
    };
    match fault {
        Fault::Crash(receiver) => sim.crash(name(receiver)),
        Fault::Restart(receiver) => sim.bounce(name(receiver)),
        Fault::StoreDown => sim.crash("store"),
        Fault::StoreUp => sim.bounce("store"),
        Fault::Cut(line) => {
            let (one, two) = ends(line);
            sim.partition(one, two);
        }
        Fault::Mute(line) => {
            let (one, two) = ends(line);
            sim.partition_oneway(two, one);
        }
        Fault::Hold(line) => {
            let (one, two) = ends(line);
            sim.hold(one, two);
        }
        Fault::Mend(line) => {
            let (one, two) = ends(line);
            sim.release(one.clone(), two.clone());
            sim.repair(one, two);
        }
        Fault::Clock(receiver, ahead) => world.set_clock(receiver, ahead),
        Fault::Calm => world.is_calm.store(true, Ordering::Relaxed),
    }
}
