//! How shared stores write an answer down.
//!
//! The head, 11 bytes, is what a tombstone keeps: version, status, time. The tail is the type and the
//! body, and empty where there is neither. All numbers are big-endian.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::{Fence, StoreError, StoredAnswer};

const VERSION: u8 = 1;
/// Length of a head, in bytes.
pub(super) const HEAD: usize = 11;
/// Stands for the length of a type that is not there.
const NO_TYPE: u32 = u32::MAX;
/// More than any retention, and little enough for the doubles of Lua.
const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);

pub(super) fn head(answer: &StoredAnswer) -> [u8; HEAD] {
    let mut head = [VERSION; HEAD];
    head[1..3].copy_from_slice(&answer.status.as_u16().to_be_bytes());
    head[3..].copy_from_slice(&answer.accepted_at.to_be_bytes());
    head
}

pub(super) fn tail(answer: &StoredAnswer) -> Vec<u8> {
    let kind = answer.content_type.as_ref();
    if kind.is_none() && answer.body.is_empty() {
        return Vec::new();
    }
    let bytes = kind.map_or(&[][..], HeaderValue::as_bytes);
    let length = kind.map_or(NO_TYPE, |_| u32::try_from(bytes.len()).unwrap_or(NO_TYPE));
    [&length.to_be_bytes(), bytes, &answer.body].concat()
}

/// # Errors
///
/// Returns [`Corrupt`](super::StoreErrorKind::Corrupt) for what neither this version nor an earlier one wrote.
pub(super) fn decode(head: &[u8], tail: &[u8]) -> Result<StoredAnswer, StoreError> {
    read(head, tail).ok_or_else(|| StoreError::corrupt("an answer of an unknown form"))
}

fn read(head: &[u8], tail: &[u8]) -> Option<StoredAnswer> {
    let head: &[u8; HEAD] = head.try_into().ok()?;
    let (&[version], rest) = head.split_first_chunk()?;
    let (status, time) = rest.split_first_chunk()?;
    if version != VERSION {
        return None;
    }
    let status = StatusCode::from_u16(u16::from_be_bytes(*status)).ok()?;
    let answer = StoredAnswer::new(status, i64::from_be_bytes(time.try_into().ok()?));
    if tail.is_empty() {
        return Some(answer);
    }
    let (length, rest) = tail.split_first_chunk()?;
    let (kind, body) = match u32::from_be_bytes(*length) {
        NO_TYPE => (None, rest),
        length => {
            let (kind, body) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            (Some(HeaderValue::from_bytes(kind).ok()?), body)
        }
    };
    Some(answer.with_body(Bytes::copy_from_slice(body), kind))
}

/// Whole milliseconds, rounded up: a lease is never shorter than was asked for.
pub(super) fn millis(time: Duration) -> i64 {
    let micros = time.min(CENTURY).as_micros();
    i64::try_from(micros.div_ceil(1000)).unwrap_or(i64::MAX)
}

/// A fence as a signed number. Those that were granted fit.
pub(super) fn number(fence: Fence) -> i64 {
    i64::try_from(fence.get()).unwrap_or(i64::MAX)
}

pub(super) fn fence(number: i64) -> Result<Fence, StoreError> {
    let number = u64::try_from(number)
        .ok()
        .and_then(std::num::NonZeroU64::new);
    number
        .map(Fence::new)
        .ok_or_else(|| StoreError::corrupt("a token below 1"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn answers_are_read_as_they_were_written(
            status in 100_u16..1000,
            accepted_at: i64,
            kind in prop::option::of("[ -~]{0,40}"),
            body in prop::collection::vec(any::<u8>(), 0..1100),
        ) {
            let kind = kind.map(|kind| HeaderValue::from_str(&kind).unwrap());
            let answer = StoredAnswer::new(StatusCode::from_u16(status).unwrap(), accepted_at)
                .with_body(body.into(), kind);
            prop_assert_eq!(&decode(&head(&answer), &tail(&answer)).unwrap(), &answer);
            prop_assert_eq!(decode(&head(&answer), &[]).unwrap(), answer.to_tombstone());
        }

        #[test]
        fn what_was_not_written_is_an_error_or_an_answer(
            head in prop::collection::vec(any::<u8>(), 0..14),
            tail in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let _ = decode(&head, &tail);
        }
    }

    #[test]
    fn times_are_rounded_up_and_bounded() {
        assert_eq!(millis(Duration::from_micros(1)), 1);
        assert_eq!(millis(Duration::from_millis(300)), 300);
        assert_eq!(millis(Duration::MAX), millis(CENTURY));
    }
}
