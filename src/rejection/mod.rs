//! Every answer that is not the handler's: one table of kinds, statuses and headers.
//!
//! A room answers with an RFC 9457 problem document and puts an [`Outcome`](crate::outcome::Outcome)
//! into the extensions of the response. How it looks is replaced in one place, the outermost
//! [`observe`](crate::observe) layer.

mod answer;
mod future;

use http::StatusCode;

pub use self::future::ResponseFuture;

/// Why a delivery was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The whole receiver is switched off: 404.
    Disabled,
    /// The provider does not deliver with this method: 405.
    Method,
    /// The sender's address is not on the list, or cannot be told: 403.
    IpDenied,
    /// A provider's question whether the receiver is there, that lacks what is asked: 400.
    Handshake,
    /// The body is longer than the limit, declared or not: 413.
    TooLarge,
    /// The bytes in flight, or the handlers, have used up their permits: 503.
    Shed,
    /// The body was not there in time: 408.
    BodyTimeout,
    /// The connection ended before the body did: 400, which nobody is there to read.
    BodyAborted,
    /// The body is encoded, or of a media type that the scheme does not send: 415.
    Encoding,
    /// Not authentic, whatever the reason: 401, the same bytes for each.
    Unauthenticated,
    /// The secrets cannot be had, so nothing can be verified: 503.
    SecretUnavailable,
    /// Authentic, but older than the replay window: 409.
    Stale,
    /// Authentic, but further ahead of our clock than the skew: 409.
    Future,
    /// Authentic, but the payload is not of the scheme's shape: 400.
    Malformed {
        /// Line of the fault, counted from 1.
        line: u32,
        /// Column of the fault in bytes, counted from 1; 0 when the whole line is meant.
        column: u32,
    },
    /// The idempotency store did not answer, or not in time: 503.
    StoreUnavailable,
    /// The idempotency store may forget nothing and has no room: 503.
    StoreFull,
    /// The key is known with another payload: 422.
    FingerprintMismatch,
    /// The same delivery is being processed at this moment: 503.
    InProgress {
        /// Seconds after which a retry makes sense, 30 at most.
        retry_after: u8,
        /// 409 instead, as the receiver chose.
        is_conflict: bool,
    },
    /// The store of receipts did not answer when the delivery came: 503.
    ReceiptUnavailable,
    /// The handler panicked: 500.
    HandlerPanic,
    /// The handler passed its deadline: 503.
    HandlerTimeout,
    /// The claim was lost to another holder while the handler ran: 503.
    LeaseLost,
    /// The service is shutting down: 503.
    Draining,
}

impl Rejection {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Disabled => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::IpDenied => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyAborted | Self::Handshake | Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Stale
            | Self::Future
            | Self::InProgress {
                is_conflict: true, ..
            } => StatusCode::CONFLICT,
            Self::FingerprintMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::HandlerPanic => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Shed
            | Self::SecretUnavailable
            | Self::StoreUnavailable
            | Self::StoreFull
            | Self::ReceiptUnavailable
            | Self::InProgress { .. }
            | Self::HandlerTimeout
            | Self::LeaseLost
            | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The label of the outcome, from a closed set.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Method => "method",
            Self::IpDenied => "ip_denied",
            Self::Handshake => "handshake_malformed",
            Self::TooLarge => "too_large",
            Self::Shed => "shed",
            Self::BodyTimeout => "body_timeout",
            Self::BodyAborted => "body_aborted",
            Self::Encoding => "encoding",
            Self::Unauthenticated => "unauthenticated",
            Self::SecretUnavailable => "secret_unavailable",
            Self::Stale => "stale",
            Self::Future => "future",
            Self::Malformed { .. } => "malformed",
            Self::StoreUnavailable => "store_unavailable",
            Self::StoreFull => "store_full",
            Self::ReceiptUnavailable => "receipt_unavailable",
            Self::FingerprintMismatch => "fingerprint_mismatch",
            Self::InProgress { .. } => "in_progress",
            Self::HandlerPanic => "handler_panic",
            Self::HandlerTimeout => "handler_timeout",
            Self::LeaseLost => "lease_lost",
            Self::Draining => "draining",
        }
    }
}
