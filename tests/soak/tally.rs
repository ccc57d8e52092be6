//! What a sender counts, under the names that the metrics of the receiver have.

use std::collections::BTreeMap;

/// By metric.
pub(crate) type Counts = BTreeMap<String, u64>;

/// How a request ended, as its sender sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Acknowledged,
    Duplicate,
    InProgress,
    Stale,
    Unauthenticated,
    TooLarge,
    /// Hung up on before the body was there, or refused for that: a machine that stands still for a second is as
    /// good as a sender that does.
    Aborted,
}

impl End {
    /// What an answer says.
    pub(crate) fn of(status: u16, is_duplicate: bool, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        match status {
            204 if is_duplicate => Self::Duplicate,
            204 => Self::Acknowledged,
            401 => Self::Unauthenticated,
            408 => Self::Aborted,
            409 => Self::Stale,
            413 => Self::TooLarge,
            503 if body.contains("in-progress") => Self::InProgress,
            other => panic!("nothing here is answered with {other} {body}"),
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Duplicate => "duplicate",
            Self::InProgress => "in_progress",
            Self::Stale => "stale",
            Self::Unauthenticated => "unauthenticated",
            Self::TooLarge => "too_large",
            Self::Aborted => "body_aborted",
        }
    }

    fn is_authentic(self) -> bool {
        !matches!(self, Self::Unauthenticated | Self::TooLarge | Self::Aborted)
    }
}

/// Counts a request to `connection` that ended so.
pub(crate) fn count(counts: &mut Counts, connection: &str, end: End) {
    let mut add = |metric: String| *counts.entry(metric).or_default() += 1;
    // Nobody's name is believed before the signature.
    let connection = if end.is_authentic() {
        connection
    } else {
        "unknown"
    };
    let outcome = end.label();
    add(format!(
        r#"webhook_requests_total{{connection="{connection}",outcome="{outcome}"}}"#
    ));
    if end.is_authentic() {
        add(r#"webhook_verified_total{key_id="0"}"#.to_owned());
    }
    if end == End::Unauthenticated {
        add(r#"webhook_auth_failures_total{cause="bad_signature"}"#.to_owned());
    }
}

/// Counts a request whose sender had gone while its handler ran, to its end.
pub(crate) fn count_gone(counts: &mut Counts, connection: &str) {
    count(counts, connection, End::Acknowledged);
    *counts
        .entry("webhook_client_gone_total".into())
        .or_default() += 1;
}

/// Counts bodies that were not there in time as those that broke off: which of the two it is depends on who stood still.
pub(crate) fn join_late(mut counts: Counts) -> Counts {
    let metric =
        |outcome| format!(r#"webhook_requests_total{{connection="unknown",outcome="{outcome}"}}"#);
    if let Some(late) = counts.remove(&metric("body_timeout")) {
        *counts.entry(metric("body_aborted")).or_default() += late;
    }
    counts
}
