use super::entry::{Entry, Kind, Own, SecretFormat};
use crate::scheme::profile::{Facts, Field};
use crate::scheme::recipe::{Algorithm, Part, Recipe, Time, Unit, UrlForm};
use crate::scheme::signature::{Encoding, Layout};
use crate::scheme::{AnyScheme, CloudEventsScheme, GreetingScheme, Shape, TokenScheme};

pub(in crate::scheme) const HUBSPOT: Recipe = Recipe {
    signature: &["x-hubspot-signature-v3"],
    encoding: Encoding::Base64,
    content: &[Part::Method, Part::Url, Part::Body, Part::Timestamp],
    time: Time::Header(&["x-hubspot-request-timestamp"], Unit::Millis),
    url: UrlForm::Unescaped,
    facts: Facts::new(Shape::Array),
    ..Recipe::HMAC
};

pub(in crate::scheme) const HUBSPOT_V1: Recipe = Recipe {
    signature: &["x-hubspot-signature"],
    algorithm: Algorithm::Sha256,
    facts: Facts::new(Shape::Array),
    ..Recipe::HMAC
};

pub(in crate::scheme) const HUBSPOT_V2: Recipe = Recipe {
    content: &[Part::Method, Part::Url, Part::Body],
    // Cards are asked for by `GET`, with what they are about in the query.
    url: UrlForm::Queried,
    facts: Facts {
        allows_get: true,
        ..Facts::new(Shape::Opaque)
    },
    ..HUBSPOT_V1
};

pub(in crate::scheme) const TYPEFORM: Recipe = Recipe {
    signature: &["typeform-signature"],
    layout: Layout::Whole { prefix: "sha256=" },
    encoding: Encoding::Base64,
    facts: Facts {
        id: Some(Field::optional(&["event_id"])),
        event_type: Some(Field::optional(&["event_type"])),
        ..Facts::new(Shape::Object)
    },
    ..Recipe::HMAC
};

pub(in crate::scheme) const DROPBOX: Recipe = Recipe {
    signature: &["x-dropbox-signature"],
    ..Recipe::HMAC
};

pub(in crate::scheme) const CALENDLY: Recipe = Recipe {
    signature: &["calendly-webhook-signature"],
    layout: Layout::Pairs {
        separator: ",",
        version: "v1",
    },
    content: &[Part::Timestamp, Part::Literal("."), Part::Body],
    time: Time::Signature("t", Unit::Seconds),
    facts: Facts {
        event_type: Some(Field::optional(&["event"])),
        ..Facts::new(Shape::Object)
    },
    ..Recipe::HMAC
};

pub(in crate::scheme) const WORKOS: Recipe = Recipe {
    signature: &["workos-signature"],
    // Its own SDK for Python wants the space.
    layout: Layout::Pairs {
        separator: ", ",
        version: "v1",
    },
    time: Time::Signature("t", Unit::Millis),
    facts: Facts {
        id: Some(Field::optional(&["id"])),
        ..CALENDLY.facts
    },
    ..CALENDLY
};

pub(in crate::scheme) const PAGERDUTY: Recipe = Recipe {
    signature: &["x-pagerduty-signature"],
    layout: CALENDLY.layout,
    id: &["x-webhook-id"],
    facts: Facts {
        event_type: Some(Field::optional(&["event", "event_type"])),
        ..Facts::new(Shape::Object)
    },
    ..Recipe::HMAC
};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: "hubspot.v3",
        provider: "hubspot",
        name: "HubSpot v3",
        docs: "https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests",
        secret: SecretFormat::Text,
        tolerance: Some(300),
        note: "an array of events; some escapes in the URL are undone before it is signed",
        kind: Kind::Hmac(&HUBSPOT),
    },
    Entry {
        id: "hubspot.v1_legacy",
        provider: "hubspot",
        name: "HubSpot v1, legacy",
        docs: "https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "no HMAC: who has one delivery can append to its body and sign that",
        kind: Kind::Hmac(&HUBSPOT_V1),
    },
    Entry {
        id: "hubspot.v2_legacy",
        provider: "hubspot",
        name: "HubSpot v2, legacy",
        docs: "https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "no HMAC: who has one delivery can append to its body and sign that",
        kind: Kind::Hmac(&HUBSPOT_V2),
    },
    Entry {
        id: "typeform.sha256",
        provider: "typeform",
        name: "Typeform",
        docs: "https://www.typeform.com/developers/webhooks/secure-your-webhooks/",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "base64 after `sha256=`",
        kind: Kind::Hmac(&TYPEFORM),
    },
    Entry {
        id: "dropbox.hmac",
        provider: "dropbox",
        name: "Dropbox",
        docs: "https://www.dropbox.com/developers/reference/webhooks",
        secret: SecretFormat::Text15,
        tolerance: None,
        note: "app secrets have 15 characters; `GET` is answered",
        kind: Kind::Hmac(&DROPBOX),
    },
    Entry {
        id: "dropbox.handshake",
        provider: "dropbox",
        name: "Dropbox, first request",
        docs: "https://www.dropbox.com/developers/reference/webhooks",
        secret: SecretFormat::None,
        tolerance: None,
        note: "the `GET` alone; takes no delivery",
        kind: Kind::Own(Own {
            signature: "none",
            signed: "nothing",
            id: "none",
            time: "no",
            build: |_| Ok(AnyScheme::new(GreetingScheme::dropbox())),
        }),
    },
    Entry {
        id: "calendly.v1",
        provider: "calendly",
        name: "Calendly",
        docs: "https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures",
        secret: SecretFormat::Text,
        tolerance: Some(180),
        note: "no delivery id",
        kind: Kind::Hmac(&CALENDLY),
    },
    Entry {
        id: "workos.v1",
        provider: "workos",
        name: "WorkOS",
        docs: "https://workos.com/docs/events/data-syncing/webhooks",
        secret: SecretFormat::Text,
        tolerance: Some(180),
        note: "milliseconds, and a space after the comma",
        kind: Kind::Hmac(&WORKOS),
    },
    Entry {
        id: "pagerduty.v1",
        provider: "pagerduty",
        name: "PagerDuty v3",
        docs: "https://developer.pagerduty.com/docs/verifying-webhook-signatures",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "the key looks like base64 and is not to be decoded",
        kind: Kind::Hmac(&PAGERDUTY),
    },
    Entry {
        id: "okta.authorization",
        provider: "okta",
        name: "Okta event hooks",
        docs: "https://developer.okta.com/docs/concepts/event-hooks/",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "nothing is signed; `GET` is answered",
        kind: Kind::Own(OKTA),
    },
    Entry {
        id: "okta.handshake",
        provider: "okta",
        name: "Okta, first request",
        docs: "https://developer.okta.com/docs/concepts/event-hooks/",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "the same scheme",
        kind: Kind::Own(OKTA),
    },
    Entry {
        id: "cloudevents.bearer",
        provider: "cloudevents",
        name: "CloudEvents",
        docs: "https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "nothing is signed; the token may stand in the query",
        kind: Kind::Own(Own {
            signature: "`authorization: Bearer`, query `access_token`",
            signed: "nothing",
            id: "body `id`",
            time: "no",
            build: |options| {
                if options.origins.is_empty() {
                    return super::token(options, cloud_token);
                }
                let mut tokens = options.read_secrets(SecretFormat::Text)?.into_iter();
                let first = tokens.next().expect("there is at least one");
                let token = tokens.fold(cloud_token(first), TokenScheme::or_token);
                Ok(consent(
                    options,
                    CloudEventsScheme::new(token, options.origins.clone()),
                ))
            },
        }),
    },
    Entry {
        id: "cloudevents.webhook",
        provider: "cloudevents",
        name: "CloudEvents, consent",
        docs: "https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md",
        secret: SecretFormat::None,
        tolerance: None,
        note: "the `OPTIONS` alone; takes no delivery",
        kind: Kind::Own(Own {
            signature: "none",
            signed: "nothing",
            id: "none",
            time: "no",
            build: |options| {
                let scheme = CloudEventsScheme::consent_only(options.origins.clone());
                Ok(consent(options, scheme))
            },
        }),
    },
];

const OKTA: Own = Own {
    signature: "`authorization`",
    signed: "nothing",
    id: "body `eventId`",
    time: "no",
    build: |options| super::token(options, TokenScheme::okta),
};

fn cloud_token(token: crate::secret::Secret) -> TokenScheme {
    TokenScheme::bearer(token).or_in_query("access_token")
}

fn consent(options: &super::Options, scheme: CloudEventsScheme) -> AnyScheme {
    AnyScheme::new(match &options.rate {
        Some(rate) => scheme.with_rate(rate.as_str()),
        None => scheme,
    })
}
