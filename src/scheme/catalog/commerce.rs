use super::entry::{Entry, Kind, Own, SecretFormat};
use crate::scheme::profile::{Facts, Field};
use crate::scheme::recipe::{Part, Recipe, Time, Unit};
use crate::scheme::signature::{Encoding, Layout};
use crate::scheme::{AdyenScheme, AnyScheme, Shape};

pub(in crate::scheme) const STRIPE: Recipe = Recipe {
    signature: &["stripe-signature"],
    layout: Layout::Pairs {
        separator: ",",
        version: "v1",
    },
    content: &[Part::Timestamp, Part::Literal("."), Part::Body],
    time: Time::Signature("t", Unit::Seconds),
    facts: Facts {
        id: Some(Field::required(&["id"])),
        event_type: Some(Field::required(&["type"])),
        ..Facts::new(Shape::Object)
    },
    ..Recipe::HMAC
};

pub(in crate::scheme) const SHOPIFY: Recipe = Recipe {
    signature: &["x-shopify-hmac-sha256"],
    encoding: Encoding::Base64,
    id: &["x-shopify-webhook-id"],
    event_type: &["x-shopify-topic"],
    ..Recipe::HMAC
};

pub(in crate::scheme) const SHOPIFY_EVENTS: Recipe = Recipe {
    signature: &["shopify-hmac-sha256"],
    id: &["shopify-webhook-id"],
    event_type: &["shopify-topic"],
    ..SHOPIFY
};

pub(in crate::scheme) const SQUARE: Recipe = Recipe {
    signature: &["x-square-hmacsha256-signature"],
    encoding: Encoding::Base64,
    content: &[Part::Url, Part::Body],
    facts: Facts {
        id: Some(Field::optional(&["event_id"])),
        event_type: Some(Field::optional(&["type"])),
        ..Facts::new(Shape::Object)
    },
    ..Recipe::HMAC
};

pub(in crate::scheme) const PADDLE: Recipe = Recipe {
    signature: &["paddle-signature"],
    layout: Layout::Pairs {
        separator: ";",
        version: "h1",
    },
    content: &[Part::Timestamp, Part::Literal(":"), Part::Body],
    time: Time::Signature("ts", Unit::Seconds),
    facts: Facts {
        id: Some(Field::optional(&["notification_id"])),
        event_type: Some(Field::optional(&["event_type"])),
        ..Facts::new(Shape::Object)
    },
    ..Recipe::HMAC
};

pub(in crate::scheme) const ADYEN_PLATFORM: Recipe = Recipe {
    signature: &["hmacsignature"],
    encoding: Encoding::Base64,
    facts: Facts {
        event_type: Some(Field::optional(&["type"])),
        ..Facts::new(Shape::Object)
    },
    ..Recipe::HMAC
};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: "stripe.v1",
        provider: "stripe",
        name: "Stripe",
        docs: "https://docs.stripe.com/webhooks#verify-manually",
        secret: SecretFormat::Text,
        tolerance: Some(300),
        note: "the key is the whole text, `whsec_` included",
        kind: Kind::Hmac(&STRIPE),
    },
    Entry {
        id: "shopify.hmac",
        provider: "shopify",
        name: "Shopify",
        docs: "https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "ids, topic and `Triggered-At` are not signed; 5 s to answer",
        kind: Kind::Hmac(&SHOPIFY),
    },
    Entry {
        id: "shopify.events",
        provider: "shopify",
        name: "Shopify, events",
        docs: "https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "the same without `X-` before its headers",
        kind: Kind::Hmac(&SHOPIFY_EVENTS),
    },
    Entry {
        id: "square.hmacsha256",
        provider: "square",
        name: "Square",
        docs: "https://developer.squareup.com/docs/webhooks/step3validate",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "the URL is the one that was registered, to the letter",
        kind: Kind::Hmac(&SQUARE),
    },
    Entry {
        id: "paddle.h1",
        provider: "paddle",
        name: "Paddle Billing",
        docs: "https://developer.paddle.com/webhooks/about/signature-verification",
        secret: SecretFormat::Text,
        tolerance: Some(5),
        note: "5 s are less than some networks need",
        kind: Kind::Hmac(&PADDLE),
    },
    Entry {
        id: "adyen.payments_fields",
        provider: "adyen",
        name: "Adyen payments",
        docs: "https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures",
        secret: SecretFormat::Hex,
        tolerance: None,
        note: "only these fields are signed; a success is answered with `[accepted]`",
        kind: Kind::Own(Own {
            signature: "body `additionalData.hmacSignature`, base64",
            signed: "references, merchant, amount, event code, success",
            id: "what is signed",
            time: "no",
            build: |options| {
                let mut secrets = options.read_secrets(SecretFormat::Hex)?.into_iter();
                let first = secrets.next().expect("there is at least one");
                let scheme = AdyenScheme::payments(first);
                Ok(AnyScheme::new(secrets.fold(scheme, AdyenScheme::or_secret)))
            },
        }),
    },
    Entry {
        id: "adyen.platform_raw",
        provider: "adyen",
        name: "Adyen platform",
        docs: "https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures",
        secret: SecretFormat::Hex,
        tolerance: None,
        note: "no id: the digest of the body stands for it",
        kind: Kind::Hmac(&ADYEN_PLATFORM),
    },
];
