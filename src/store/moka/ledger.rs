use std::collections::VecDeque;

use tokio::time::Instant;

use crate::store::{Fence, IdemKey, Retention};

/// When what was completed may be forgotten.
#[derive(Default)]
pub(super) struct Ledger {
    // A service has few retentions, and within one the order of completion is the order of age.
    pages: Vec<Page>,
}

struct Page {
    keep: Retention,
    full: VecDeque<(Instant, Due)>,
    bare: VecDeque<(Instant, Due)>,
}

/// A completed record.
#[derive(Clone)]
pub(super) struct Due {
    pub(super) key: IdemKey,
    pub(super) fence: Fence,
}

impl Ledger {
    pub(super) fn enter(&mut self, due: Due, keep: Retention, now: Instant) {
        let found = self.pages.iter().position(|page| page.keep == keep);
        let index = found.unwrap_or_else(|| {
            self.pages.push(Page {
                keep,
                full: VecDeque::new(),
                bare: VecDeque::new(),
            });
            self.pages.len() - 1
        });
        self.pages[index].full.push_back((now, due));
    }

    /// The records whose answer is to be stripped, and those to be forgotten.
    pub(super) fn take_due(&mut self, now: Instant) -> (Vec<Due>, Vec<Due>) {
        let (mut strip, mut forget) = (Vec::new(), Vec::new());
        for page in &mut self.pages {
            while let Some((done, due)) = page
                .full
                .pop_front_if(|(done, _)| now >= *done + page.keep.full)
            {
                strip.push(due.clone());
                page.bare.push_back((done, due));
            }
            while let Some((_, due)) = page
                .bare
                .pop_front_if(|(done, _)| now >= *done + page.keep.tombstone)
            {
                forget.push(due);
            }
        }
        (strip, forget)
    }

    /// The oldest record past its safety window.
    pub(super) fn take_early(&mut self, now: Instant) -> Option<Due> {
        let oldest = |page: &Page| {
            let safety = page.keep.safety?;
            let (done, _) = page.bare.front().or_else(|| page.full.front())?;
            (now >= *done + safety).then_some(*done)
        };
        let ages = self.pages.iter_mut();
        let ages = ages.filter_map(|page| Some((oldest(page)?, page)));
        let (_, page) = ages.min_by_key(|(done, _)| *done)?;
        let taken = page.bare.pop_front().or_else(|| page.full.pop_front());
        taken.map(|(_, due)| due)
    }
}
