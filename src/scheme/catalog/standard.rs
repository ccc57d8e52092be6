use super::entry::{Entry, Kind, SecretFormat};
use crate::scheme::Shape;
use crate::scheme::profile::{Facts, Field};
use crate::scheme::recipe::{Algorithm, Part, Recipe, Time, Unit};
use crate::scheme::signature::{Encoding, Layout};

const DOT: Part = Part::Literal(".");

pub(in crate::scheme) const STANDARD_WEBHOOKS: Recipe = Recipe {
    signature: &["webhook-signature"],
    layout: Layout::List { version: "v1" },
    encoding: Encoding::Base64,
    content: &[Part::Id, DOT, Part::Timestamp, DOT, Part::Body],
    time: Time::Header(&["webhook-timestamp"], Unit::Seconds),
    id: &["webhook-id"],
    facts: Facts {
        // `type` is recommended, not demanded; the reference SDKs allow 5 min both ways.
        event_type: Some(Field::optional(&["type"])),
        future_skew: 300,
        ..Facts::new(Shape::Object)
    },
    ..Recipe::HMAC
};

pub(in crate::scheme) const STANDARD_WEBHOOKS_V1A: Recipe = Recipe {
    layout: Layout::List { version: "v1a" },
    algorithm: Algorithm::Ed25519,
    ..STANDARD_WEBHOOKS
};

pub(in crate::scheme) const SVIX: Recipe = Recipe {
    signature: &["svix-signature", "webhook-signature"],
    time: Time::Header(&["svix-timestamp", "webhook-timestamp"], Unit::Seconds),
    id: &["svix-id", "webhook-id"],
    ..STANDARD_WEBHOOKS
};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: "standard_webhooks.v1",
        provider: "standard_webhooks",
        name: "Standard Webhooks",
        docs: "https://www.standardwebhooks.com",
        secret: SecretFormat::Whsec,
        tolerance: Some(300),
        note: "a retry has a new timestamp and the same id",
        kind: Kind::Hmac(&STANDARD_WEBHOOKS),
    },
    Entry {
        id: "standard_webhooks.v1a",
        provider: "standard_webhooks",
        name: "Standard Webhooks, asymmetric",
        docs: "https://www.standardwebhooks.com",
        secret: SecretFormat::Ed25519Base64,
        tolerance: Some(300),
        note: "four signatures at most",
        kind: Kind::Ed25519(&STANDARD_WEBHOOKS_V1A),
    },
    Entry {
        id: "svix.v1",
        provider: "svix",
        name: "Svix",
        docs: "https://docs.svix.com/receiving/verifying-payloads/how-manual",
        secret: SecretFormat::Whsec,
        tolerance: Some(300),
        note: "each `svix-` header may be a `webhook-` one",
        kind: Kind::Hmac(&SVIX),
    },
    Entry {
        id: "clerk.svix",
        provider: "clerk",
        name: "Clerk",
        docs: "https://clerk.com/docs/guides/development/webhooks/overview",
        secret: SecretFormat::Whsec,
        tolerance: Some(300),
        note: "Svix",
        kind: Kind::Hmac(&SVIX),
    },
    Entry {
        id: "resend.svix",
        provider: "resend",
        name: "Resend",
        docs: "https://resend.com/docs/webhooks/verify-webhooks-requests",
        secret: SecretFormat::Whsec,
        tolerance: Some(300),
        note: "Svix",
        kind: Kind::Hmac(&SVIX),
    },
];
