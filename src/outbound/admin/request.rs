//! What can be asked for, field by field.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::problem::Problem;
use super::read::{number, some};
use crate::outbound::endpoint::EndpointHeaders;

/// Headers by their names. The values are secrets, more often than not.
pub(super) type Headers = BTreeMap<String, Zeroizing<String>>;

/// An endpoint that is to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEndpointBody {
    /// Where deliveries are sent to.
    pub(super) url: String,
    /// What its owner calls it, 256 characters at most.
    #[serde(default)]
    pub(super) description: String,
    /// The event types it wants: `order.created`, `order.*`, `*`. All unless said otherwise.
    #[serde(default = "all")]
    pub(super) events: Vec<String>,
    /// Headers that it wants with each delivery. Their values are not shown again.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(super) headers: Headers,
    /// Most deliveries at once.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(super) max_concurrent: Option<u32>,
    /// Most deliveries a second.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(super) max_per_second: Option<u32>,
}

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}

/// What is to be changed of an endpoint; what is not named stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchBody {
    /// Another URL.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "String")]
    pub(super) url: Option<String>,
    /// Another description.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "String")]
    pub(super) description: Option<String>,
    /// Other event types, all of them.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "Vec<String>")]
    pub(super) events: Option<Vec<String>>,
    /// Other headers, all of them.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(super) headers: Option<Headers>,
    /// Another limit; `null` takes it away.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "Option<u32>")]
    pub(super) max_concurrent: Option<Option<u32>>,
    /// Another limit; `null` takes it away.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "Option<u32>")]
    pub(super) max_per_second: Option<Option<u32>>,
    /// Whether it gets deliveries.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "bool")]
    pub(super) enabled: Option<bool>,
}

/// A new secret.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateBody {
    /// For how many seconds the old secret signs too: a day unless said otherwise, a week at most.
    #[serde(default = "day")]
    #[schemars(range(max = 604_800))]
    pub(super) grace_seconds: u64,
}

fn day() -> u64 {
    crate::secret::ROTATION_GRACE.unsigned_abs()
}

/// Which deliveries are sent again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayBody {
    /// Those emitted at this time or later; in UTC, with a `Z`.
    #[schemars(extend("format" = "date-time"))]
    pub(super) since: String,
    /// Not only dead letters, but also deliveries that arrived.
    #[serde(default)]
    pub(super) delivered: bool,
}

/// Nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NothingBody {}

/// Which endpoints are asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// At most so many: 50 unless said otherwise.
    #[serde(default, deserialize_with = "number")]
    #[schemars(with = "u32", range(min = 1, max = 100))]
    pub(super) limit: Option<u32>,
    /// Those after this one: `next` of the page before.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "String")]
    pub(super) after: Option<String>,
}

/// Which deliveries are asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveriesQuery {
    /// At most so many: 50 unless said otherwise.
    #[serde(default, deserialize_with = "number")]
    #[schemars(with = "u32", range(min = 1, max = 100))]
    pub(super) limit: Option<u32>,
    /// Those in this state.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "State")]
    pub(super) state: Option<State>,
    /// Those before this one: `next` of the page before.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "String")]
    pub(super) before: Option<String>,
}

/// Which dead letters are asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeadLettersQuery {
    /// At most so many: 50 unless said otherwise.
    #[serde(default, deserialize_with = "number")]
    #[schemars(with = "u32", range(min = 1, max = 100))]
    pub(super) limit: Option<u32>,
    /// Those before this one: `next` of the page before.
    #[serde(default, deserialize_with = "some")]
    #[schemars(with = "String")]
    pub(super) before: Option<String>,
}

/// Where a delivery is.
#[derive(Clone, Copy, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It waits, or an attempt is under way.
    Pending,
    /// It arrived.
    Delivered,
    /// It is a dead letter.
    Dead,
}

impl State {
    /// As the store names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// How many are asked for.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked.unwrap_or(50) {
        limit @ 1..=100 => Ok(limit),
        _ => Err(Problem::PARAMETER.of("limit", "must be 1 to 100")),
    }
}

pub(super) fn headers(asked: Headers) -> Result<EndpointHeaders, Problem> {
    let headers = asked.into_iter().map(|(name, mut value)| {
        let value: String = std::mem::take(&mut *value);
        (name, value)
    });
    let headers = EndpointHeaders::new(headers);
    headers.map_err(|err| crate::outbound::OutboundError::from(err).into())
}
