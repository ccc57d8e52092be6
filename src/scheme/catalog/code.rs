use super::entry::{Entry, Kind, Own, SecretFormat};
use super::standard::STANDARD_WEBHOOKS;
use crate::scheme::profile::{Facts, Field};
use crate::scheme::recipe::{Algorithm, Recipe, Time, Unit};
use crate::scheme::signature::Layout;
use crate::scheme::{AnyScheme, SetupScheme, Shape, TokenScheme};

/// `sha256=` and hex digits.
const SHA256: Layout = Layout::Whole { prefix: "sha256=" };
const SHA1: Layout = Layout::Whole { prefix: "sha1=" };
/// A JSON object with `id` and `type`, where they are there.
const ID_AND_TYPE: Facts = Facts {
    id: Some(Field::optional(&["id"])),
    event_type: Some(Field::optional(&["type"])),
    ..Facts::new(Shape::Object)
};

pub(in crate::scheme) const GITHUB: Recipe = Recipe {
    signature: &["x-hub-signature-256"],
    layout: SHA256,
    id: &["x-github-delivery"],
    event_type: &["x-github-event"],
    ..Recipe::HMAC
};

pub(in crate::scheme) const GITHUB_SHA1: Recipe = Recipe {
    signature: &["x-hub-signature"],
    layout: SHA1,
    algorithm: Algorithm::HmacSha1,
    ..GITHUB
};

pub(in crate::scheme) const GITLAB_SIGNING: Recipe = Recipe {
    event_type: &["x-gitlab-event"],
    facts: Facts {
        event_type: None,
        ..STANDARD_WEBHOOKS.facts
    },
    ..STANDARD_WEBHOOKS
};

pub(in crate::scheme) const BITBUCKET: Recipe = Recipe {
    signature: &["x-hub-signature"],
    layout: SHA256,
    id: &["x-request-uuid", "x-request-id"],
    event_type: &["x-event-key"],
    ..Recipe::HMAC
};

pub(in crate::scheme) const LINEAR: Recipe = Recipe {
    signature: &["linear-signature"],
    id: &["linear-delivery"],
    event_type: &["linear-event"],
    time: Time::Payload(&["webhookTimestamp"], Unit::Millis),
    ..Recipe::HMAC
};

pub(in crate::scheme) const SENTRY: Recipe = Recipe {
    signature: &["sentry-hook-signature", "sentry-app-signature"],
    id: &["request-id"],
    event_type: &["sentry-hook-resource"],
    ..Recipe::HMAC
};

pub(in crate::scheme) const VERCEL: Recipe = Recipe {
    signature: &["x-vercel-signature"],
    algorithm: Algorithm::HmacSha1,
    facts: ID_AND_TYPE,
    ..Recipe::HMAC
};

pub(in crate::scheme) const NOTION: Recipe = Recipe {
    signature: &["x-notion-signature"],
    layout: SHA256,
    facts: ID_AND_TYPE,
    ..Recipe::HMAC
};

pub(in crate::scheme) const ASANA: Recipe = Recipe {
    signature: &["x-hook-signature"],
    ..Recipe::HMAC
};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: "github.sha256",
        provider: "github",
        name: "GitHub",
        docs: "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "no retries of its own; a redelivery has the same id",
        kind: Kind::Hmac(&GITHUB),
    },
    Entry {
        id: "github.sha1_legacy",
        provider: "github",
        name: "GitHub, legacy",
        docs: "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "SHA-1, only for servers that send no other",
        kind: Kind::Hmac(&GITHUB_SHA1),
    },
    Entry {
        id: "gitlab.signing_token",
        provider: "gitlab",
        name: "GitLab, signing token",
        docs: "https://docs.gitlab.com/user/project/integrations/webhooks/",
        secret: SecretFormat::Whsec,
        tolerance: Some(300),
        note: "Standard Webhooks",
        kind: Kind::Hmac(&GITLAB_SIGNING),
    },
    Entry {
        id: "gitlab.token",
        provider: "gitlab",
        name: "GitLab, secret token",
        docs: "https://docs.gitlab.com/user/project/integrations/webhooks/",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "nothing is signed; prefer the signing token",
        kind: Kind::Own(Own {
            signature: "`x-gitlab-token`",
            signed: "nothing",
            id: "`idempotency-key`, unsigned",
            time: "no",
            build: |options| super::token(options, TokenScheme::gitlab),
        }),
    },
    Entry {
        id: "bitbucket.hub",
        provider: "bitbucket",
        name: "Bitbucket",
        docs: "https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "`X-Hub-Signature` is SHA-256 here",
        kind: Kind::Hmac(&BITBUCKET),
    },
    Entry {
        id: "linear.hmac",
        provider: "linear",
        name: "Linear",
        docs: "https://linear.app/developers/webhooks",
        secret: SecretFormat::Text,
        tolerance: Some(60),
        note: "`Linear-Timestamp` is not signed and not read",
        kind: Kind::Hmac(&LINEAR),
    },
    Entry {
        id: "sentry.hmac",
        provider: "sentry",
        name: "Sentry",
        docs: "https://docs.sentry.io/organization/integrations/integration-platform/webhooks/",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "`Sentry-Hook-Timestamp` is not signed and not read",
        kind: Kind::Hmac(&SENTRY),
    },
    Entry {
        id: "vercel.sha1",
        provider: "vercel",
        name: "Vercel",
        docs: "https://vercel.com/docs/webhooks/webhooks-api",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "SHA-1",
        kind: Kind::Hmac(&VERCEL),
    },
    Entry {
        id: "notion.sha256",
        provider: "notion",
        name: "Notion",
        docs: "https://developers.notion.com/reference/webhooks",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "the key is the verification token",
        kind: Kind::Hmac(&NOTION),
    },
    Entry {
        id: "notion.handshake",
        provider: "notion",
        name: "Notion, first request",
        docs: "https://developers.notion.com/reference/webhooks",
        secret: SecretFormat::None,
        tolerance: None,
        note: "hands over the key, unsigned; takes no delivery",
        kind: Kind::Own(Own {
            signature: "none",
            signed: "nothing",
            id: "none",
            time: "no",
            build: |options| {
                let told = options.told()?;
                super::setup(options, SetupScheme::notion(move |secret| told(secret)))
            },
        }),
    },
    Entry {
        id: "asana.hook",
        provider: "asana",
        name: "Asana",
        docs: "https://developers.asana.com/docs/webhooks-guide",
        secret: SecretFormat::Text,
        tolerance: None,
        note: "the key is the `X-Hook-Secret` of the first request; heartbeats have no events",
        kind: Kind::Hmac(&ASANA),
    },
    Entry {
        id: "asana.handshake",
        provider: "asana",
        name: "Asana, first request",
        docs: "https://developers.asana.com/docs/webhooks-guide",
        secret: SecretFormat::None,
        tolerance: None,
        note: "hands over the key, unsigned; takes no delivery, and is refused where there is a key",
        kind: Kind::Own(Own {
            signature: "none",
            signed: "nothing",
            id: "none",
            time: "no",
            build: |options| {
                if options.has_secrets() {
                    // The receiver has its key: nobody hands it another.
                    let mut secrets = options.read_secrets(SecretFormat::Text)?.into_iter();
                    let first = secrets.next().expect("there is at least one");
                    let scheme = crate::scheme::HmacScheme::asana(first);
                    let scheme = secrets.fold(scheme, crate::scheme::HmacScheme::or_secret);
                    return Ok(AnyScheme::new(scheme));
                }
                let told = options.told()?;
                super::setup(options, SetupScheme::asana(move |secret| told(secret)))
            },
        }),
    },
];
