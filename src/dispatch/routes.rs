use std::collections::HashMap;
use std::sync::Arc;

use super::handler::Route;
use crate::event::EventPattern;
use crate::scan::scan;
use crate::scheme::{Field, Shape};
use crate::verify::{Verified as _, VerifiedBody};

/// The routes of a [`Dispatch`](super::Dispatch).
#[derive(Clone, Default)]
pub(super) struct Routes {
    exact: HashMap<Box<str>, Arc<dyn Route>>,
    // The longest first.
    below: Vec<(Box<str>, Arc<dyn Route>)>,
    pub(super) fallback: Option<Arc<dyn Route>>,
}

impl Routes {
    pub(super) fn add(&mut self, pattern: EventPattern, route: Arc<dyn Route>) {
        match pattern {
            EventPattern::Exact(name) => {
                self.exact.insert(name, route);
            }
            EventPattern::Below(stem) => {
                self.below.retain(|(other, _)| *other != stem);
                self.below.push((stem, route));
                self.below
                    .sort_by_key(|(stem, _)| std::cmp::Reverse(stem.len()));
            }
        }
    }

    /// The most exact route of a delivery.
    pub(super) fn find(&self, body: &VerifiedBody) -> Option<Arc<dyn Route>> {
        let event = body.delivery().event_type.as_deref();
        let found = event.and_then(|event| {
            let action = self.has_actions_of(event).then(|| action(body)).flatten();
            let full = action.map(|action| format!("{event}.{action}"));
            let exact = full.as_deref().and_then(|full| self.exact.get(full));
            exact.or_else(|| self.exact.get(event)).or_else(|| {
                let name = full.as_deref().unwrap_or(event);
                let mut below = self.below.iter();
                below
                    .find(|(stem, _)| name.len() > stem.len() && name.starts_with(&**stem))
                    .map(|(_, route)| route)
            })
        });
        found.or(self.fallback.as_ref()).cloned()
    }

    /// Whether a route may ask for more than the event type.
    fn has_actions_of(&self, event: &str) -> bool {
        let asks = |name: &str| {
            let rest = name.strip_prefix(event);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        self.exact.keys().any(|name| asks(name)) || self.below.iter().any(|(stem, _)| asks(stem))
    }
}

fn action(body: &VerifiedBody) -> Option<Box<str>> {
    let shape = body.shape();
    let wanted = Field::optional(&["action"]);
    let is_object = matches!(shape, Shape::Object | Shape::ObjectOrForm | Shape::Form);
    let found = is_object.then(|| scan(body.as_bytes(), shape, [Some(wanted)]))?;
    found.ok().and_then(|[action]| action)
}
