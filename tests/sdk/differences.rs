//! Where an SDK and we do not judge alike, and why.

use crate::cases::Case;

pub(super) struct Difference {
    /// Its name with its registry.
    pub(super) sdk: &'static str,
    /// The name of the case, or how it begins, with a `*` after it.
    pub(super) case: &'static str,
    pub(super) they_accept: bool,
    pub(super) why: &'static str,
}

impl Difference {
    pub(super) fn is(&self, sdk: &str, case: &Case) -> bool {
        let named = match self.case.strip_suffix('*') {
            Some(start) => case.name.starts_with(start),
            None => case.name == self.case,
        };
        self.sdk == sdk && named
    }
}

pub(super) const DIFFERENCES: &[Difference] = &[];
