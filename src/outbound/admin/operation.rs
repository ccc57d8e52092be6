//! What the description says of each action, beside what the types say.

use super::routes::Action;

/// What an action is called, does, and may be answered with.
pub(super) struct Operation {
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// The status when it is done.
    pub(super) done: u16,
    /// The problems it can end with. All can end with 403.
    pub(super) problems: &'static [u16],
    /// The headers of the answer when it is done.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// Whether it heeds `If-Match`.
    pub(super) is_conditional: bool,
}

const TAG: (&str, &str) = ("ETag", "The version of the settings, for `If-Match`.");
const NEXT: (&str, &str) = ("Link", "The next page, unless it is the last.");

impl Action {
    #[rustfmt::skip]
    pub(super) const fn operation(self) -> Operation {
        match self {
            Self::List => told("listEndpoints", "The endpoints, the oldest first", &[400, 503]),
            Self::Create => Operation {
                done: 201, headers: &[TAG],
                ..told("createEndpoint", "Make an endpoint; its secret is shown this once", &[400, 413, 415, 422, 503])
            },
            Self::Get => Operation { headers: &[TAG], ..told("getEndpoint", "An endpoint", &[404, 503]) },
            Self::Update => Operation {
                headers: &[TAG], is_conditional: true,
                ..told("updateEndpoint", "Change an endpoint", &[400, 404, 409, 412, 413, 415, 422, 500, 503])
            },
            Self::Delete => Operation {
                done: 204, headers: &[], is_conditional: true,
                ..told("deleteEndpoint", "Forget an endpoint with its deliveries", &[404, 412, 503])
            },
            Self::Deliveries => told("listDeliveries", "The last deliveries with their attempts, the newest first", &[400, 404, 503]),
            Self::DeadLetters => told("listDeadLetters", "The deliveries that were given up, the newest first", &[400, 404, 503]),
            Self::Retry => Operation {
                done: 202, headers: &[],
                ..told("retryDelivery", "Send a delivery that is over again", &[400, 404, 409, 413, 415, 422, 503])
            },
            Self::Replay => Operation {
                done: 202, headers: &[],
                ..told("replayDeliveries", "Send dead letters since a time again", &[400, 404, 409, 413, 415, 422, 503])
            },
            Self::Rotate => Operation {
                headers: &[TAG], is_conditional: true,
                ..told("rotateSecret", "Make a new secret; it is shown this once", &[400, 404, 409, 412, 413, 415, 422, 500, 503])
            },
            Self::Test => Operation {
                done: 202, headers: &[],
                ..told("testEndpoint", "Send a test event", &[400, 404, 409, 413, 415, 422, 503])
            },
            Self::EventTypes => Operation { headers: &[], ..told("listEventTypes", "The events that there are", &[]) },
            Self::OpenApi => Operation { headers: &[], ..told("getDescription", "This document", &[]) },
        }
    }
}

/// A list or a thing that is told.
const fn told(id: &'static str, summary: &'static str, problems: &'static [u16]) -> Operation {
    Operation {
        id,
        summary,
        done: 200,
        problems,
        headers: &[NEXT],
        is_conditional: false,
    }
}
