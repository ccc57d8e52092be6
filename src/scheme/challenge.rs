//! Questions that a provider signs: whether the receiver is there, and knows the secret.

use std::borrow::Cow;

use ::http::StatusCode;
use serde::Deserialize;

use super::Handshake;

/// Bytes of the longest payload that may be a question: no provider's has a tenth of it.
const LONGEST: usize = 16 << 10;

/// A question inside the payload of a verified request.
#[derive(Debug)]
pub(crate) struct Challenge {
    /// A text that every such payload has, and few others: without it nothing is parsed.
    needle: &'static str,
    answer: fn(&[u8], &Sign<'_>) -> Option<Handshake>,
}

impl Challenge {
    /// The answer, where `body` is such a question.
    pub(super) fn answer(&self, body: &[u8], sign: &Sign<'_>) -> Option<Handshake> {
        let needle = self.needle.as_bytes();
        let asks =
            body.len() <= LONGEST && body.windows(needle.len()).any(|window| window == needle);
        asks.then(|| (self.answer)(body, sign)).flatten()
    }
}

/// Gives the hex digits of a MAC by the secret that matched.
type Sign<'a> = dyn Fn(&[u8]) -> String + 'a;

/// Slack's `url_verification`: the challenge goes back.
pub(super) static SLACK: Challenge = Challenge {
    needle: "url_verification",
    answer: |body, _| {
        #[derive(Deserialize)]
        struct Asked<'a> {
            #[serde(borrow, rename = "type")]
            kind: Cow<'a, str>,
            #[serde(borrow)]
            challenge: Cow<'a, str>,
        }
        let asked: Asked<'_> = serde_json::from_slice(body).ok()?;
        (asked.kind == "url_verification").then(|| Handshake::echo(&asked.challenge))
    },
};

/// Twitch's `webhook_callback_verification`: the challenge goes back. Which kind of message it is
/// stands in an unsigned header, so it is told by the challenge in the signed body.
pub(super) static TWITCH: Challenge = Challenge {
    needle: "\"challenge\"",
    answer: |body, _| {
        #[derive(Deserialize)]
        struct Asked<'a> {
            #[serde(borrow)]
            challenge: Cow<'a, str>,
            #[serde(borrow)]
            subscription: Subscription<'a>,
        }
        #[derive(Deserialize)]
        struct Subscription<'a> {
            #[serde(borrow)]
            status: Cow<'a, str>,
        }
        let asked: Asked<'_> = serde_json::from_slice(body).ok()?;
        let pending = asked.subscription.status == "webhook_callback_verification_pending";
        pending.then(|| Handshake::echo(&asked.challenge))
    },
};

/// Zoom's `endpoint.url_validation`: the token goes back with its MAC. Asked without a signature it
/// would sign whatever a stranger likes, `v0:…` included.
pub(super) static ZOOM: Challenge = Challenge {
    needle: "endpoint.url_validation",
    answer: |body, sign| {
        #[derive(Deserialize)]
        struct Asked<'a> {
            #[serde(borrow)]
            event: Cow<'a, str>,
            #[serde(borrow)]
            payload: Payload<'a>,
        }
        #[derive(Deserialize)]
        struct Payload<'a> {
            #[serde(borrow, rename = "plainToken")]
            token: Cow<'a, str>,
        }
        let asked: Asked<'_> = serde_json::from_slice(body).ok()?;
        let token = asked.payload.token;
        // What is signed in deliveries begins so: no token of Zoom's does.
        if asked.event != "endpoint.url_validation" || token.starts_with("v0:") {
            return None;
        }
        let answer = serde_json::json!({
            "plainToken": token,
            "encryptedToken": sign(token.as_bytes()),
        });
        Some(Handshake::json(answer.to_string()))
    },
};

/// Discord's pings: of interactions, answered with a pong, and of webhook events, with 204.
pub(super) static DISCORD: Challenge = Challenge {
    needle: "\"type\"",
    answer: |body, _| {
        #[derive(Deserialize)]
        struct Asked {
            #[serde(rename = "type")]
            kind: u8,
            #[serde(default)]
            version: Option<u8>,
        }
        let asked: Asked = serde_json::from_slice(body).ok()?;
        match (asked.kind, asked.version) {
            // Interactions have a version too, and their ping is 1.
            (1, _) if !has_event(body) => Some(Handshake::json(r#"{"type":1}"#)),
            (0, Some(_)) => Some(Handshake::new(StatusCode::NO_CONTENT)),
            _ => None,
        }
    },
};

/// Webhook events of type 1 carry an event; the ping of interactions does not.
fn has_event(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Asked {
        event: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Asked>(body).is_ok_and(|asked| asked.event.is_some())
}
