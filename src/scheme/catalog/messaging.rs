use super::entry::{Entry, Kind, Own, SecretFormat};
use crate::scheme::challenge::{
    DISCORD as DISCORD_PING, SLACK as SLACK_QUESTION, TWITCH as TWITCH_QUESTION,
    ZOOM as ZOOM_QUESTION,
};
use crate::scheme::profile::{Facts, Field};
use crate::scheme::recipe::{Algorithm, Part, Recipe, Time, Unit};
use crate::scheme::signature::Layout;
use crate::scheme::{AnyScheme, Shape, TokenScheme, TwilioScheme};

pub(in crate::scheme) const SLACK: Recipe = Recipe {
    signature: &["x-slack-signature"],
    layout: Layout::Whole { prefix: "v0=" },
    content: &[
        Part::Literal("v0:"),
        Part::Timestamp,
        Part::Literal(":"),
        Part::Body,
    ],
    time: Time::Header(&["x-slack-request-timestamp"], Unit::Seconds),
    facts: Facts {
        // Commands and interactions are forms and carry no event; the SDKs allow 5 min both ways.
        id: Some(Field::optional(&["event_id"])),
        event_type: Some(Field::optional(&["event", "type"])),
        future_skew: 300,
        ..Facts::new(Shape::ObjectOrForm)
    },
    challenge: Some(&SLACK_QUESTION),
    ..Recipe::HMAC
};

pub(in crate::scheme) const DISCORD: Recipe = Recipe {
    signature: &["x-signature-ed25519"],
    algorithm: Algorithm::Ed25519,
    content: &[Part::Timestamp, Part::Body],
    time: Time::Header(&["x-signature-timestamp"], Unit::Seconds),
    facts: Facts {
        id: Some(Field::optional(&["id"])),
        event_type: Some(Field::optional(&["event", "type"])),
        ..Facts::new(Shape::Object)
    },
    challenge: Some(&DISCORD_PING),
    ..Recipe::HMAC
};

pub(in crate::scheme) const META: Recipe = Recipe {
    signature: &["x-hub-signature-256"],
    layout: Layout::Whole { prefix: "sha256=" },
    facts: Facts {
        event_type: Some(Field::optional(&["object"])),
        ..Facts::new(Shape::Object)
    },
    ..Recipe::HMAC
};

pub(in crate::scheme) const ZOOM: Recipe = Recipe {
    signature: &["x-zm-signature"],
    layout: Layout::Whole { prefix: "v0=" },
    content: SLACK.content,
    time: Time::Header(&["x-zm-request-timestamp"], Unit::Seconds),
    facts: Facts {
        event_type: Some(Field::optional(&["event"])),
        ..Facts::new(Shape::Object)
    },
    challenge: Some(&ZOOM_QUESTION),
    ..Recipe::HMAC
};

pub(in crate::scheme) const TWITCH: Recipe = Recipe {
    signature: &["twitch-eventsub-message-signature"],
    layout: Layout::Whole { prefix: "sha256=" },
    content: &[Part::Id, Part::Timestamp, Part::Body],
    time: Time::Header(&["twitch-eventsub-message-timestamp"], Unit::Rfc3339),
    id: &["twitch-eventsub-message-id"],
    event_type: &["twitch-eventsub-subscription-type"],
    challenge: Some(&TWITCH_QUESTION),
    ..Recipe::HMAC
};

/// Twilio's schemes differ in the key alone: which content is signed, the request says.
const fn twilio(
    build: fn(&super::Options) -> Result<AnyScheme, crate::config::ConfigError>,
) -> Own {
    Own {
        signature: "`x-twilio-signature`, base64",
        signed: "URL and sorted form fields, or URL with the hash of the body",
        id: "the digest of the fields",
        time: "no",
        build,
    }
}

fn auth_token(options: &super::Options) -> Result<AnyScheme, crate::config::ConfigError> {
    build_twilio(options, TwilioScheme::new)
}

fn build_twilio(
    options: &super::Options,
    new: fn(crate::scheme::PublicUrl, crate::secret::Secret) -> TwilioScheme,
) -> Result<AnyScheme, crate::config::ConfigError> {
    let mut secrets = options.read_secrets(SecretFormat::Text)?.into_iter();
    let first = secrets.next().expect("there is at least one");
    let scheme = new(options.read_url()?, first);
    Ok(AnyScheme::new(
        secrets.fold(scheme, TwilioScheme::or_secret),
    ))
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: "slack.v0",
        provider: "slack",
        name: "Slack",
        docs: "https://docs.slack.dev/authentication/verifying-requests-from-slack",
        secret: SecretFormat::Text,
        tolerance: Some(300),
        note: "3 s to answer; `url_verification` is answered",
        kind: Kind::Hmac(&SLACK),
    },
    Entry {
        id: "discord.ed25519",
        provider: "discord",
        name: "Discord",
        docs: "https://discord.com/developers/docs/interactions/overview",
        secret: SecretFormat::Ed25519Hex,
        tolerance: None,
        note: "sends bad signatures on purpose and wants 401; pings are answered",
        kind: Kind::Ed25519(&DISCORD),
    },
    Entry {
        id: "meta.hub256",
        provider: "meta",
        name: "Meta (WhatsApp, Messenger, Instagram)",
        docs: "https://developers.facebook.com/docs/graph-api/webhooks/getting-started",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "no delivery id; `GET` is answered to who knows the verify token",
        kind: Kind::Hmac(&META),
    },
    Entry {
        id: "meta.handshake",
        provider: "meta",
        name: "Meta, first request",
        docs: "https://developers.facebook.com/docs/graph-api/webhooks/getting-started",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "the `GET` alone, the secret being the verify token; takes no delivery",
        kind: Kind::Own(Own {
            signature: "query `hub.verify_token`",
            signed: "nothing",
            id: "none",
            time: "no",
            build: |options| {
                let mut tokens = options.read_secrets(SecretFormat::Text)?.into_iter();
                let token = tokens.next().expect("there is at least one");
                Ok(AnyScheme::new(crate::scheme::GreetingScheme::meta(token)))
            },
        }),
    },
    Entry {
        id: "zoom.v0",
        provider: "zoom",
        name: "Zoom",
        docs: "https://developers.zoom.us/docs/api/webhooks/",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "`endpoint.url_validation` is answered where it is signed, again every 72 h",
        kind: Kind::Hmac(&ZOOM),
    },
    Entry {
        id: "twitch.eventsub",
        provider: "twitch",
        name: "Twitch EventSub",
        docs: "https://dev.twitch.tv/docs/eventsub/handling-webhook-events",
        secret: SecretFormat::Text,
        tolerance: Some(600),
        note: "the text of the timestamp is signed, nanoseconds and all; the challenge is answered",
        kind: Kind::Hmac(&TWITCH),
    },
    Entry {
        id: "telegram.secret_token",
        provider: "telegram",
        name: "Telegram",
        docs: "https://core.telegram.org/bots/api#setwebhook",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "nothing is signed",
        kind: Kind::Own(Own {
            signature: "`x-telegram-bot-api-secret-token`",
            signed: "nothing",
            id: "body `update_id`",
            time: "no",
            build: |options| super::token(options, TokenScheme::telegram),
        }),
    },
    Entry {
        id: "twilio.form",
        provider: "twilio",
        name: "Twilio",
        docs: "https://www.twilio.com/docs/usage/webhooks/webhooks-security",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "SHA-1 over decoded fields, joined without a separator",
        kind: Kind::Own(twilio(auth_token)),
    },
    Entry {
        id: "twilio.body_sha256",
        provider: "twilio",
        name: "Twilio, JSON",
        docs: "https://www.twilio.com/docs/usage/webhooks/webhooks-security",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "the same scheme: a URL with `bodySHA256` says which",
        kind: Kind::Own(twilio(auth_token)),
    },
    Entry {
        id: "twilio.shared_key",
        provider: "twilio",
        name: "Twilio, shared key",
        docs: "https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "SHA-256, and nothing that SHA-1 signed",
        kind: Kind::Own(twilio(|options| {
            build_twilio(options, TwilioScheme::shared_key)
        })),
    },
];
