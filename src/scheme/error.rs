use std::error::Error as StdError;
use std::fmt;

/// Why a delivery is not authentic. Senders never see it: each kind gives the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthError(AuthErrorKind);

/// The category of an [`AuthError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// A header the scheme needs is missing.
    MissingHeader,
    /// A header came more than once.
    DuplicateHeader,
    /// A header cannot be read as the scheme writes it.
    MalformedHeader,
    /// The timestamp is not a number of the scheme's form.
    MalformedTimestamp,
    /// The body, which holds the signature or what is signed, cannot be read.
    MalformedBody,
    /// The key that the sender names is not one of ours, or no longer.
    UnknownKey,
    /// Only signatures of versions that this scheme does not accept.
    UnsupportedVersion,
    /// No signature matches the body under any secret.
    Mismatch,
    /// The body is not the one whose digest was signed.
    BodyDigest,
    /// The signature does not cover what it must.
    Uncovered,
    /// The signature has an end, and it has passed.
    Expired,
    /// The certificate lies at a URL that is not the provider's.
    UntrustedKeyUrl,
    /// Signed by the provider, but for somebody else's topic.
    OtherTopic,
    /// The key is not here yet, so nothing can be said: the sender may try again.
    KeyUnavailable,
}

impl AuthErrorKind {
    /// The label of the cause, from a closed set.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::MissingHeader => "missing_header",
            Self::DuplicateHeader => "duplicate_header",
            Self::MalformedHeader => "malformed_header",
            Self::MalformedTimestamp => "malformed_timestamp",
            Self::MalformedBody => "malformed_body",
            Self::UnknownKey => "unknown_key",
            Self::UnsupportedVersion => "unsupported_version",
            Self::Mismatch => "bad_signature",
            Self::BodyDigest => "body_hash_mismatch",
            Self::Uncovered => "insufficient_coverage",
            Self::Expired => "expired",
            Self::UntrustedKeyUrl => "untrusted_cert_url",
            Self::OtherTopic => "other_topic",
            Self::KeyUnavailable => "key_unavailable",
        }
    }
}

impl AuthError {
    /// The category of refusal.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
        self.0
    }
}

impl From<AuthErrorKind> for AuthError {
    fn from(kind: AuthErrorKind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            AuthErrorKind::MissingHeader => "a header of the signature is missing",
            AuthErrorKind::DuplicateHeader => "a header of the signature came twice",
            AuthErrorKind::MalformedHeader => "a header of the signature is malformed",
            AuthErrorKind::MalformedTimestamp => "the timestamp is malformed",
            AuthErrorKind::MalformedBody => "the body is malformed",
            AuthErrorKind::UnknownKey => "the key is unknown",
            AuthErrorKind::UnsupportedVersion => "no signature of a supported version",
            AuthErrorKind::Mismatch => "no signature matches",
            AuthErrorKind::BodyDigest => "the body is not the one that was signed",
            AuthErrorKind::Uncovered => "the signature does not cover enough",
            AuthErrorKind::Expired => "the signature has expired",
            AuthErrorKind::UntrustedKeyUrl => "the certificate is not at the provider's",
            AuthErrorKind::OtherTopic => "the topic is not one of ours",
            AuthErrorKind::KeyUnavailable => "the key is not available yet",
        })
    }
}

impl StdError for AuthError {}
