use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::{Envelope, EnvelopeError};
use crate::delivery::Delivery;
use crate::verify::{Verified as _, VerifiedBody};

/// Extractor of a verified JSON payload and its delivery.
///
/// Answers 500 where the stack was not applied, and where the payload is not a `T`: the sender tries
/// again, and nothing is lost.
#[derive(Clone, Debug)]
pub struct Webhook<T>(pub T, pub Delivery);

/// Extractor of the verified bytes and their delivery. Answers 500 where the stack was not applied.
#[derive(Clone, Debug)]
pub struct RawWebhook(pub Bytes, pub Delivery);

/// Why an extractor refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookRejection {
    /// The request did not pass `VerifyLayer`.
    Unverified,
    /// The payload is not of the expected type.
    Payload(EnvelopeError),
}

impl<T, S> FromRequestParts<S> for Webhook<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = WebhookRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebhookRejection> {
        let opened = Envelope::open(verified(parts)?).map_err(WebhookRejection::Payload)?;
        Ok(Self(opened.payload, opened.delivery))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RawWebhook {
    type Rejection = WebhookRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebhookRejection> {
        let body = verified(parts)?;
        Ok(Self(body.as_bytes().clone(), body.delivery().clone()))
    }
}

fn verified(parts: &Parts) -> Result<&VerifiedBody, WebhookRejection> {
    let body = parts.extensions.get();
    body.ok_or(WebhookRejection::Unverified)
}

impl WebhookRejection {
    /// The status of the answer: the fault is the receiver's.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

impl std::fmt::Display for WebhookRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unverified => f.write_str("the request did not pass the webhook layers"),
            Self::Payload(err) => err.fmt(f),
        }
    }
}

impl std::error::Error for WebhookRejection {}

impl IntoResponse for WebhookRejection {
    fn into_response(self) -> Response {
        self.status().into_response()
    }
}
