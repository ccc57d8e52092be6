//! One simulation, and what many come to.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::check::{Violation, check};
use crate::journal::{Entry, Fact, Fault};
use crate::plan::{Plan, RECEIVERS, SENDERS};
use crate::weather::Weather;
use crate::world::World;
use crate::{mallory, receiver, sender, shop};

/// Messages arrive between steps.
const STEP: Duration = Duration::from_millis(25);
/// When a simulation ends at the latest.
const END: Duration = Duration::from_secs(180);

/// How a simulation ended.
pub(crate) struct End {
    plan: Plan,
    entries: Vec<Entry>,
    pub(crate) trace: u64,
    pub(crate) violations: Vec<Violation>,
}

/// The order in which a machine that crashes drops its tasks depends on their numbers, which the process
/// counts. So simulations run one at a time, and each begins at a round number.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("it needs nothing");
    let is_round = |id: tokio::task::Id| {
        id.to_string()
            .parse()
            .is_ok_and(|id: u64| id.is_multiple_of(16))
    };
    while !is_round(runtime.spawn(async {}).id()) {}
    alone
}

pub(crate) fn run(plan: Plan) -> End {
    let _alone = alone();
    let mut weather = Weather::new(&plan);
    let world = Arc::new(World::new(plan.clone()));
    let mut sim = turmoil::Builder::new()
        .rng_seed(plan.seed)
        .tick_duration(STEP)
        .simulation_duration(END)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(60))
        .tcp_capacity(1024)
        .build();
    let store = Arc::clone(&world);
    sim.host("store", move || shop::serve(Arc::clone(&store)));
    for number in 0..RECEIVERS {
        let world = Arc::clone(&world);
        sim.host(sender::name(number), move || {
            receiver::serve(Arc::clone(&world), number)
        });
    }
    for number in 0..SENDERS {
        let sender = sender::send(Arc::clone(&world), number);
        sim.client(format!("sender-{number}"), sender);
    }
    sim.client("mallory", mallory::interfere(Arc::clone(&world)));
    while sim.elapsed() + STEP * 2 < END {
        weather.pass(&mut sim, &world);
        let is_over = sim.step().expect("no machine fails by itself");
        if is_over {
            break;
        }
    }
    world.is_running.store(false, Ordering::Relaxed);
    drop(sim);
    let entries = world.journal.entries();
    End {
        violations: check(&plan, &entries),
        trace: world.journal.trace(),
        entries,
        plan,
    }
}

impl End {
    /// Prints what happened.
    pub(crate) fn tell(&self) {
        println!("{:#?}", self.plan);
        for (at, fact) in &self.entries {
            println!("{:>8.3} {fact:?}", at.as_secs_f64());
        }
        println!("{:?}", self.violations);
    }
}

/// What simulations come to.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    seeds: u64,
    seconds: f64,
    events: usize,
    deliveries: usize,
    forgeries: usize,
    unanswered: usize,
    duplicates: usize,
    in_progress: usize,
    effects: usize,
    doubles: usize,
    crashes: usize,
    cuts: usize,
    clocks: usize,
    store_faults: usize,
    pub(crate) violations: usize,
}

impl Totals {
    pub(crate) fn add(&mut self, end: &End) {
        self.seeds += 1;
        self.seconds += end.entries.last().map_or(0.0, |(at, _)| at.as_secs_f64());
        self.events += end.plan.events.len();
        self.violations += end.violations.len();
        let mut seen = std::collections::BTreeSet::new();
        for (_, fact) in &end.entries {
            match fact {
                Fact::Sent { .. } => self.deliveries += 1,
                Fact::Forged { .. } => self.forgeries += 1,
                Fact::Answered { answer: None, .. } => self.unanswered += 1,
                Fact::Answered {
                    answer: Some(answer),
                    ..
                } => {
                    self.duplicates += usize::from(answer.is_duplicate);
                    self.in_progress += usize::from(answer.body.contains("processing"));
                }
                Fact::Effect { key, .. } => {
                    self.effects += 1;
                    self.doubles += usize::from(!seen.insert(*key));
                }
                Fact::Fault(Fault::Crash(_) | Fault::StoreDown) => self.crashes += 1,
                Fact::Fault(Fault::Cut(_) | Fault::Mute(_) | Fault::Hold(_)) => self.cuts += 1,
                Fact::Fault(Fault::Clock(_, ahead)) => self.clocks += usize::from(*ahead != 0),
                Fact::StoreFault => self.store_faults += 1,
                _ => {}
            }
        }
    }

    /// Whether there was some of everything, so that nothing was kept for want of trying.
    pub(crate) fn is_everything_tried(&self) -> bool {
        let all = [
            self.forgeries,
            self.unanswered,
            self.duplicates,
            self.in_progress,
            self.doubles,
            self.crashes,
            self.cuts,
            self.clocks,
            self.store_faults,
        ];
        all.iter().all(|count| *count > 0)
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} seeds, {:.0} simulated hours: {} events in {} deliveries ({} without an answer), {} duplicates, \
             {} times `processing`, {} forgeries; {} effects, {} of them again after a crash or a commit in doubt; \
             {} crashes, {} lines cut or held, {} clocks set, {} calls of the store failed; {} violations",
            self.seeds,
            self.seconds / 3600.0,
            self.events,
            self.deliveries,
            self.unanswered,
            self.duplicates,
            self.in_progress,
            self.forgeries,
            self.effects,
            self.doubles,
            self.crashes,
            self.cuts,
            self.clocks,
            self.store_faults,
            self.violations,
        )
    }
}
