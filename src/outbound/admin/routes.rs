//! The table of paths, which the description is written from too.

use percent_encoding::percent_decode_str;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    List,
    Create,
    Get,
    Update,
    Delete,
    Deliveries,
    DeadLetters,
    Retry,
    Replay,
    Rotate,
    Test,
    EventTypes,
    OpenApi,
}

pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) actions: &'static [(&'static str, Action)],
}

/// Paths below the one that the service is mounted at; those without a parameter come first.
#[rustfmt::skip]
pub(super) const ROUTES: [Route; 10] = [
    Route { path: "/", actions: &[("GET", Action::List), ("POST", Action::Create)] },
    Route { path: "/event-types", actions: &[("GET", Action::EventTypes)] },
    Route { path: "/openapi.json", actions: &[("GET", Action::OpenApi)] },
    Route { path: "/{id}", actions: &[
        ("GET", Action::Get), ("PATCH", Action::Update), ("DELETE", Action::Delete),
    ] },
    Route { path: "/{id}/deliveries", actions: &[("GET", Action::Deliveries)] },
    Route { path: "/{id}/deliveries/{event_id}/retry", actions: &[("POST", Action::Retry)] },
    Route { path: "/{id}/dead-letters", actions: &[("GET", Action::DeadLetters)] },
    Route { path: "/{id}/replay", actions: &[("POST", Action::Replay)] },
    Route { path: "/{id}/rotate", actions: &[("POST", Action::Rotate)] },
    Route { path: "/{id}/test", actions: &[("POST", Action::Test)] },
];

/// The route of a path, with its parameters decoded.
pub(super) fn find(path: &str) -> Option<(&'static Route, Vec<String>)> {
    ROUTES.iter().find_map(|route| {
        let parameters = matched(route.path, path)?;
        Some((route, parameters))
    })
}

fn matched(template: &str, path: &str) -> Option<Vec<String>> {
    let mut parameters = Vec::new();
    let mut segments = path.split('/');
    for expected in template.split('/') {
        let segment = segments.next()?;
        if expected.starts_with('{') {
            // Decoded after it was split: an encoded slash is part of the segment.
            let decoded = percent_decode_str(segment).decode_utf8().ok()?;
            if decoded.is_empty() {
                return None;
            }
            parameters.push(decoded.into_owned());
        } else if segment != expected {
            return None;
        }
    }
    segments.next().is_none().then_some(parameters)
}

impl Route {
    pub(super) fn action(&self, method: &str) -> Option<Action> {
        let mut actions = self.actions.iter();
        let action = actions.find(|(name, _)| *name == method);
        action.map(|(_, action)| *action)
    }

    /// The methods, as `Allow` lists them.
    pub(super) fn allowed(&self) -> String {
        let names = self.actions.iter().map(|(name, _)| match *name {
            "GET" => "GET, HEAD",
            name => name,
        });
        names.collect::<Vec<_>>().join(", ")
    }
}
