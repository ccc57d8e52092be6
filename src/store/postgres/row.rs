//! What goes into rows, and what comes out.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;

use crate::store::encoding::{decode, fence, head, millis, number, tail};
use crate::store::{Claim, Fence, Held, IdemKey, Retention, StoreError, StoredAnswer};

pub(super) fn completion<'q>(
    statement: Query<'q, sqlx::Postgres, PgArguments>,
    key: &'q IdemKey,
    fence: Fence,
    answer: &StoredAnswer,
    keep: Retention,
) -> Query<'q, sqlx::Postgres, PgArguments> {
    let tail = Some(tail(answer)).filter(|tail| !tail.is_empty());
    statement
        .bind(key.as_str())
        .bind(number(fence))
        .bind(head(answer).to_vec())
        .bind(tail)
        .bind(millis(keep.full))
        .bind(millis(keep.tombstone))
}

pub(super) fn held(is_held: bool) -> Held {
    if is_held { Held::Yes } else { Held::Lost }
}

/// Reads what the statement of a claim returns.
pub(super) fn read(row: &PgRow) -> Result<Claim, StoreError> {
    let verdict: &str = row.try_get("verdict").map_err(error)?;
    Ok(match verdict {
        "A" => Claim::Acquired {
            fence: fence(row.try_get("fence").map_err(error)?)?,
            reclaimed: row.try_get("reclaimed").map_err(error)?,
        },
        "P" => {
            let wait: i64 = row.try_get("wait").map_err(error)?;
            let retry_after = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
            Claim::InProgress { retry_after }
        }
        "M" => Claim::Mismatch,
        _ => {
            let head: Option<&[u8]> = row.try_get("head").map_err(error)?;
            let tail: Option<&[u8]> = row.try_get("tail").map_err(error)?;
            let answer = decode(head.unwrap_or_default(), tail.unwrap_or_default())?;
            Claim::Done { answer }
        }
    })
}

pub(super) fn error(err: sqlx::Error) -> StoreError {
    use sqlx::Error::{ColumnDecode, ColumnIndexOutOfBounds, ColumnNotFound, Decode};
    match &err {
        // Class 53, number 100: the disk is full.
        sqlx::Error::Database(said) if said.code().as_deref() == Some("53100") => {
            StoreError::full()
        }
        ColumnDecode { .. } | ColumnIndexOutOfBounds { .. } | ColumnNotFound(_) | Decode(_) => {
            StoreError::corrupt(err)
        }
        _ => StoreError::unavailable(err),
    }
}

#[cfg(test)]
mod tests {
    use super::error;
    use crate::store::StoreErrorKind;
    use crate::store::postgres::server::tests::said;

    #[test]
    fn what_the_server_says_is_told_apart() {
        for (err, kind) in [
            (said("53100"), StoreErrorKind::Full),
            (said("53200"), StoreErrorKind::Unavailable),
            (
                sqlx::Error::ColumnNotFound("fence".into()),
                StoreErrorKind::Corrupt,
            ),
            (
                sqlx::Error::Decode("no number".into()),
                StoreErrorKind::Corrupt,
            ),
            (sqlx::Error::PoolTimedOut, StoreErrorKind::Unavailable),
        ] {
            let text = err.to_string();
            assert_eq!(error(err).kind(), kind, "{text}");
        }
    }
}
