use http::StatusCode;
use http::request::Parts;
use tower_webhook::BoxError;
use tower_webhook::delivery::Delivery;
use tower_webhook::scheme::{AnyScheme, AuthError, AuthErrorKind, Claims, Pass as _, Scheme as _};

/// What is said of a request.
#[derive(Debug)]
pub(crate) enum Verdict {
    Accepted(Delivery),
    Challenge(StatusCode),
    /// The word for it, and a sentence.
    Refused(String, String),
}

/// What may be old, and what may be ahead, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) now: i64,
    pub(crate) past: u64,
    pub(crate) future: u64,
}

impl Verdict {
    pub(crate) fn word(&self) -> &str {
        match self {
            Self::Accepted(_) => "ok",
            Self::Challenge(_) => "challenge",
            Self::Refused(word, _) => word,
        }
    }
}

/// Judges a request: the scheme first, then the time that it signs.
pub(crate) fn judge(
    scheme: &AnyScheme,
    head: &Parts,
    body: &[u8],
    window: Option<Window>,
) -> Verdict {
    match scheme.greet(head) {
        Some(Ok(answer)) => return Verdict::Challenge(answer.status()),
        Some(Err(why)) => return refused("challenge_rejected", why.to_string()),
        None => {}
    }
    let claims = scheme.begin(head).and_then(|mut pass| {
        pass.update(body);
        pass.finish(body)
    });
    match claims {
        Ok(Claims::Delivery(delivery)) => in_time(delivery, window),
        Ok(Claims::Handshake(answer)) => Verdict::Challenge(answer.status()),
        Ok(_) => refused("unknown", "neither a delivery nor a question".into()),
        Err(why) => refused(&word(why), why.to_string()),
    }
}

fn in_time(delivery: Delivery, window: Option<Window>) -> Verdict {
    let (Some(Window { now, past, future }), Some(time)) = (window, delivery.timestamp) else {
        return Verdict::Accepted(delivery);
    };
    let apart = now.abs_diff(time);
    if now > time && apart > past {
        let why = format!("the signature is right, but {apart} s old where {past} s are allowed");
        return refused("stale", why);
    }
    if time > now && apart > future {
        let why =
            format!("the signature is right, but {apart} s ahead where {future} s are allowed");
        return refused("future", why);
    }
    Verdict::Accepted(delivery)
}

fn refused(word: &str, why: String) -> Verdict {
    Verdict::Refused(word.into(), why)
}

/// Why there is no scheme.
pub(crate) fn config_word(err: &BoxError) -> &'static str {
    match err.to_string() {
        text if text.contains("is empty") || text.contains("must hold") => "config_error",
        text if text.contains("public_url") => "config_error",
        _ => "invalid_secret",
    }
}

/// The word of the vectors for a cause.
fn word(err: AuthError) -> String {
    match err.kind() {
        AuthErrorKind::Mismatch => "bad_signature".into(),
        AuthErrorKind::BodyDigest => "body_hash_mismatch".into(),
        AuthErrorKind::Uncovered => "insufficient_coverage".into(),
        AuthErrorKind::UntrustedKeyUrl => "untrusted_cert_url".into(),
        // The other names are the words, in the other case.
        kind => {
            let mut word = String::new();
            for char in format!("{kind:?}").chars() {
                if char.is_ascii_uppercase() && !word.is_empty() {
                    word.push('_');
                }
                word.push(char.to_ascii_lowercase());
            }
            word
        }
    }
}
