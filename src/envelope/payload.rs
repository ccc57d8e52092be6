use std::error::Error as StdError;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::delivery::Delivery;
use crate::verify::Verified;

/// A payload and what verification established about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Envelope<T> {
    /// The payload.
    pub payload: T,
    /// The delivery.
    pub delivery: Delivery,
}

impl<T: DeserializeOwned> Envelope<T> {
    /// Reads a JSON payload as a `T`.
    ///
    /// # Errors
    ///
    /// Returns an error when the payload is not a `T`. That is the receiver's fault, not the
    /// sender's: answer it with a 5xx, so that the delivery comes again.
    pub fn open(body: &impl Verified) -> Result<Self, EnvelopeError> {
        let payload = serde_json::from_slice(body.as_bytes()).map_err(|err| EnvelopeError {
            line: err.line(),
            column: err.column(),
        })?;
        Ok(Self {
            payload,
            delivery: body.delivery().clone(),
        })
    }
}

/// A payload that is not of the expected type. Says where, never what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeError {
    line: usize,
    column: usize,
}

impl EnvelopeError {
    /// Line of the fault, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column of the fault in bytes, counted from 1; 0 when the whole line is meant.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column } = self;
        write!(f, "not of the expected type at line {line} column {column}")
    }
}

impl StdError for EnvelopeError {}
