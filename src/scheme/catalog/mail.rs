use super::entry::{Entry, Kind, Own, SecretFormat};
use crate::scheme::profile::{Facts, Field};
use crate::scheme::recipe::{Algorithm, Part, Recipe, Time, Unit};
use crate::scheme::signature::{Encoding, Layout};
use crate::scheme::{AnyScheme, MailgunScheme, Shape};

pub(in crate::scheme) const INTERCOM: Recipe = Recipe {
    signature: &["x-hub-signature"],
    layout: Layout::Whole { prefix: "sha1=" },
    algorithm: Algorithm::HmacSha1,
    facts: Facts {
        id: Some(Field::optional(&["id"])),
        event_type: Some(Field::optional(&["topic"])),
        ..Facts::new(Shape::Object)
    },
    ..Recipe::HMAC
};

pub(in crate::scheme) const SENDGRID: Recipe = Recipe {
    signature: &["x-twilio-email-event-webhook-signature"],
    encoding: Encoding::Base64,
    algorithm: Algorithm::EcdsaP256,
    content: &[Part::Timestamp, Part::Body],
    time: Time::Header(&["x-twilio-email-event-webhook-timestamp"], Unit::Seconds),
    facts: Facts::new(Shape::Array),
    ..Recipe::HMAC
};

fn mailgun(options: &super::Options) -> Result<AnyScheme, crate::config::ConfigError> {
    let mut secrets = options.read_secrets(SecretFormat::Text)?.into_iter();
    let first = secrets.next().expect("there is at least one");
    let scheme = MailgunScheme::new(first);
    Ok(AnyScheme::new(
        secrets.fold(scheme, MailgunScheme::or_secret),
    ))
}

const MAILGUN: Own = Own {
    signature: "body `signature`, hex",
    signed: "timestamp, token; not the rest of the body",
    id: "body `token`, signed",
    time: "s",
    build: mailgun,
};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: "intercom.hub_sha1",
        provider: "intercom",
        name: "Intercom",
        docs: "https://developers.intercom.com/docs/webhooks/webhook-notifications",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "SHA-1; `HEAD` is answered",
        kind: Kind::Hmac(&INTERCOM),
    },
    Entry {
        id: "sendgrid.ecdsa_p256",
        provider: "sendgrid",
        name: "SendGrid",
        docs: "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features",
        secret: SecretFormat::Spki,
        tolerance: None,
        note: "an array of events; its line break at the end is signed",
        kind: Kind::Ecdsa(&SENDGRID),
    },
    Entry {
        id: "mailgun.json",
        provider: "mailgun",
        name: "Mailgun",
        docs: "https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "the body is not signed: who reads one delivery can send another in its place",
        kind: Kind::Own(MAILGUN),
    },
    Entry {
        id: "mailgun.form",
        provider: "mailgun",
        name: "Mailgun, forms",
        docs: "https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "the same scheme: the media type says which",
        kind: Kind::Own(MAILGUN),
    },
];
