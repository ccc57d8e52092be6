use std::fmt;

use http::{Response, StatusCode};

use super::DispatchBody;
use crate::BoxError;
use crate::idempotency::{Reject, Retry};

/// What a handler's return value says to the sender.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an answer to a delivery",
    label = "a handler returns `()`, a `StatusCode`, or a `Result` of either with a `Failure`",
    note = "any error becomes a `Failure` by `?`: the sender tries again"
)]
pub trait IntoAnswer {
    /// Makes the response. `done` is the status of a success that has none of its own.
    fn into_answer(self, done: StatusCode) -> Response<DispatchBody>;
}

/// Why a handler did not do what it was asked. What it says is for logs: the sender hears the status
/// alone.
pub struct Failure {
    is_final: bool,
    status: StatusCode,
    reason: BoxError,
}

impl Failure {
    /// Refuses the delivery for good, with 422: retries get the same answer and run nothing.
    pub fn reject(reason: impl Into<BoxError>) -> Self {
        Self {
            is_final: true,
            status: StatusCode::UNPROCESSABLE_ENTITY,
            reason: reason.into(),
        }
    }

    /// Asks the sender to try again, with 503.
    pub fn retry(reason: impl Into<BoxError>) -> Self {
        Self {
            is_final: false,
            status: StatusCode::SERVICE_UNAVAILABLE,
            reason: reason.into(),
        }
    }

    /// Sets the status. No sender ever sees 410 or a 3xx, and none sees a success.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Whether retries get the same answer.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.is_final
    }
}

// Every error by `?`. That is why `Failure` is no `Error` itself.
impl<E: Into<BoxError>> From<E> for Failure {
    fn from(reason: E) -> Self {
        Self {
            is_final: false,
            status: StatusCode::INTERNAL_SERVER_ERROR,
            reason: reason.into(),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("is_final", &self.is_final)
            .field("status", &self.status)
            .field("reason", &self.reason)
            .finish()
    }
}

impl IntoAnswer for () {
    fn into_answer(self, done: StatusCode) -> Response<DispatchBody> {
        done.into_answer(done)
    }
}

impl IntoAnswer for StatusCode {
    fn into_answer(self, _: StatusCode) -> Response<DispatchBody> {
        let mut response = Response::new(DispatchBody::empty());
        *response.status_mut() = self;
        response
    }
}

impl IntoAnswer for Failure {
    fn into_answer(self, done: StatusCode) -> Response<DispatchBody> {
        #[cfg(feature = "tracing")]
        tracing::warn!(reason = %self.reason, is_final = self.is_final, "webhook handler failed");
        let mut response = self.status.into_answer(done);
        if self.is_final {
            response.extensions_mut().insert(Reject);
        } else {
            response.extensions_mut().insert(Retry);
        }
        response
    }
}

impl<A: IntoAnswer, E: Into<Failure>> IntoAnswer for Result<A, E> {
    fn into_answer(self, done: StatusCode) -> Response<DispatchBody> {
        match self {
            Ok(answer) => answer.into_answer(done),
            Err(failure) => failure.into().into_answer(done),
        }
    }
}
