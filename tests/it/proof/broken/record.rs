//! What the simple store writes down, and what is lost on the way.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;
use tower_webhook::store::{Claimant, Fence, Fingerprint, IdemKey, Retention, StoredAnswer};

use super::flaw::Flaw;

#[derive(Clone)]
pub(super) struct Record {
    pub(super) state: State,
    pub(super) fence: Fence,
    pub(super) who: Claimant,
    pub(super) before: Option<Claimant>,
    pub(super) payload: Option<Fingerprint>,
    pub(super) claimed: Instant,
    pub(super) lease: Duration,
}

#[derive(Clone)]
pub(super) enum State {
    Running {
        until: Instant,
    },
    Released,
    Done {
        answer: StoredAnswer,
        keep: Retention,
        since: Instant,
    },
}

impl Record {
    pub(super) fn is_forgotten(&self, flaw: Option<Flaw>, now: Instant) -> bool {
        let State::Done { keep, since, .. } = &self.state else {
            return false;
        };
        let kept = match flaw {
            Some(Flaw::NothingIsForgotten) => return false,
            Some(Flaw::TombstoneRetentionIgnored) => keep.full,
            _ => keep.tombstone,
        };
        now >= *since + kept
    }
}

/// The text under which a key is filed.
pub(super) fn file(key: &IdemKey, flaw: Option<Flaw>) -> String {
    let text = key.as_str();
    let after_colon = || {
        text.split_once(':')
            .map_or(text, |(_, rest)| rest)
            .to_owned()
    };
    match flaw {
        Some(Flaw::KeysIgnoreCase) => text.to_lowercase(),
        Some(Flaw::KeysAreTrimmed) => text.trim_end().to_owned(),
        Some(Flaw::KeysAreComposed) => text.replace("e\u{301}", "\u{e9}"),
        Some(Flaw::KeysAreCut) => text.chars().take(200).collect(),
        Some(Flaw::KeysAreWithoutConnection) => after_colon(),
        Some(Flaw::KeysAreNonces) => text.rsplit(':').next().unwrap_or_default().to_owned(),
        _ => text.to_owned(),
    }
}

/// What is kept of an answer.
pub(super) fn kept(answer: &StoredAnswer, flaw: Option<Flaw>) -> StoredAnswer {
    let mut kept = answer.clone();
    let cut = |length: usize| kept.body.slice(..length.min(kept.body.len()));
    match flaw {
        Some(Flaw::BodyEndsAtNul) => {
            let nul = kept.body.iter().position(|byte| *byte == 0);
            kept.body = cut(nul.unwrap_or(usize::MAX));
        }
        Some(Flaw::BodyIsText) => {
            kept.body = String::from_utf8_lossy(&kept.body).into_owned().into();
        }
        Some(Flaw::BodyIsLost) => kept.body = Bytes::new(),
        Some(Flaw::BodyOf255Bytes) => kept.body = cut(255),
        Some(Flaw::TypeIsLost) => kept.content_type = None,
        Some(Flaw::TypeIsAscii) => {
            let is_ascii = |kind: &HeaderValue| kind.to_str().is_ok();
            kept.content_type = kept.content_type.filter(is_ascii);
        }
        Some(Flaw::TypeNeedsABody) if kept.body.is_empty() => kept.content_type = None,
        Some(Flaw::StatusIs200) => kept.status = StatusCode::OK,
        Some(Flaw::StatusClassOnly) => {
            let class = kept.status.as_u16() / 100 * 100;
            kept.status = StatusCode::from_u16(class).unwrap();
        }
        Some(Flaw::TimeIsLost) => kept.accepted_at = 0,
        Some(Flaw::TimeIsADouble) => kept.accepted_at = kept.accepted_at as f64 as i64,
        Some(Flaw::TimeIsUnsigned) => kept.accepted_at = kept.accepted_at.max(0),
        Some(Flaw::TimeIn32Bits) => kept.accepted_at &= 0xffff_ffff,
        _ => {}
    }
    kept
}

/// What is left of it as a tombstone.
pub(super) fn tombstone(answer: &StoredAnswer, flaw: Option<Flaw>) -> StoredAnswer {
    let mut left = answer.to_tombstone();
    match flaw {
        Some(Flaw::TombstoneKeepsTheBody) => left = answer.clone(),
        Some(Flaw::TombstoneLosesStatus) => left.status = StatusCode::OK,
        Some(Flaw::TombstoneLosesTime) => left.accepted_at = 0,
        _ => {}
    }
    left
}

/// A span of milliseconds in 32 bits.
pub(super) fn in_32_bits(span: Duration) -> Duration {
    let millis = u32::try_from(span.as_millis() & 0xffff_ffff).unwrap();
    Duration::from_millis(millis.cast_signed().max(0).unsigned_abs().into())
}
