use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};

use crate::delivery::Delivery;
use crate::secret::Secret;

/// What a verified request turned out to be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Claims {
    /// A delivery, for the handler.
    Delivery(Delivery),
    /// The provider asked whether we are there. It is answered here and reaches no handler.
    Handshake(Handshake),
}

/// The answer to a provider that checks a receiver before it delivers to it.
#[derive(Clone)]
#[must_use]
pub struct Handshake {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    secret: Option<Secret>,
}

impl Handshake {
    /// An answer without a body.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            secret: None,
        }
    }

    /// 200 with `text` as plain text, which no browser may take for anything else: it is the
    /// sender's.
    pub fn echo(text: &str) -> Self {
        let mut answer = Self::new(StatusCode::OK).with_body(text.to_owned(), "text/plain");
        let nosniff = HeaderValue::from_static("nosniff");
        answer.headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
        answer
    }

    /// 200 with a JSON text.
    pub fn json(text: impl Into<Bytes>) -> Self {
        Self::new(StatusCode::OK).with_body(text, "application/json")
    }

    fn with_body(mut self, body: impl Into<Bytes>, kind: &'static str) -> Self {
        self.body = body.into();
        let kind = HeaderValue::from_static(kind);
        self.headers.insert(CONTENT_TYPE, kind);
        self
    }

    /// Adds a header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds the secret that the provider handed over.
    pub fn with_secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body of the answer.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The secret that the provider handed over, where it does so.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }
}

impl From<Delivery> for Claims {
    fn from(delivery: Delivery) -> Self {
        Self::Delivery(delivery)
    }
}

impl From<Handshake> for Claims {
    fn from(handshake: Handshake) -> Self {
        Self::Handshake(handshake)
    }
}

// Not derived: the body echoes what a stranger sent.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
