//! Providers whose keys are looked up by an id.

use super::Options;
use super::entry::{Entry, Kind, Own, SecretFormat};
use crate::config::ConfigError;
use crate::scheme::AnyScheme;

const SNS: Own = Own {
    signature: "body `Signature`: RSA with SHA-1 or SHA-256, base64",
    signed: "`Message`, `MessageId`, `Subject`, `Timestamp`, `TopicArn`, `Type` and the like",
    id: "body `MessageId`, signed",
    time: "RFC 3339",
    build: sns,
};

const PAYPAL: Own = Own {
    signature: "`paypal-transmission-sig`: RSA with SHA-256, base64",
    signed: "transmission id, time, webhook id, CRC-32 of the body",
    id: "`paypal-transmission-id`, signed",
    time: "RFC 3339",
    build: paypal,
};

const PLAID: Own = Own {
    signature: "`plaid-verification`: a JSON Web Token, ES256",
    signed: "time, SHA-256 of the body",
    id: "none",
    time: "s",
    build: plaid,
};

const RFC9421: Own = Own {
    signature: "`signature-input` and `signature`",
    signed: "what `signature-input` names: the method, the target and the digest of the body at least",
    id: "any header, signed where it is named",
    time: "s",
    build: rfc9421,
};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: "aws_sns.rsa_cert",
        provider: "aws_sns",
        name: "Amazon SNS",
        docs: "https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html",
        secret: SecretFormat::Pem,
        tolerance: None,
        note: "the topic must be named; a `SubscriptionConfirmation` is reported, not fetched",
        kind: Kind::Own(SNS),
    },
    Entry {
        id: "paypal.rsa_cert",
        provider: "paypal",
        name: "PayPal",
        docs: "https://developer.paypal.com/api/rest/webhooks/rest/",
        secret: SecretFormat::Pem,
        tolerance: None,
        note: "a checksum binds no body: who has one delivery can make another with the same",
        kind: Kind::Own(PAYPAL),
    },
    Entry {
        id: "plaid.jwt_es256",
        provider: "plaid",
        name: "Plaid",
        docs: "https://plaid.com/docs/api/webhooks/webhook-verification/",
        secret: SecretFormat::Jwk,
        tolerance: Some(300),
        note: "no delivery id",
        kind: Kind::Own(PLAID),
    },
    Entry {
        id: "rfc9421.hmac-sha256",
        provider: "rfc9421",
        name: "HTTP Message Signatures, HMAC",
        docs: "https://www.rfc-editor.org/rfc/rfc9421",
        secret: SecretFormat::Base64,
        tolerance: None,
        note: "the algorithm is the key's, whatever the sender says",
        kind: Kind::Own(RFC9421),
    },
    Entry {
        id: "rfc9421.ed25519",
        provider: "rfc9421",
        name: "HTTP Message Signatures, Ed25519",
        docs: "https://www.rfc-editor.org/rfc/rfc9421",
        secret: SecretFormat::Ed25519Base64,
        tolerance: None,
        note: "the algorithm is the key's, whatever the sender says",
        kind: Kind::Own(Own {
            build: rfc9421_ed25519,
            ..RFC9421
        }),
    },
];

#[cfg(feature = "x509")]
fn certificates(options: &Options) -> Result<crate::scheme::PinnedKeys, ConfigError> {
    let pem = options.only_secret()?;
    let key = crate::scheme::VerifyingKey::certificate_pem(pem)?;
    Ok(crate::scheme::PinnedKeys::one(key))
}

#[cfg(feature = "x509")]
fn sns(options: &Options) -> Result<AnyScheme, ConfigError> {
    use crate::scheme::SnsScheme;
    let keys = certificates(options)?;
    let mut topics = options.topics.iter();
    let scheme = match topics.next() {
        Some(topic) => SnsScheme::for_topic(keys, topic),
        None if options.allows_any_topic => SnsScheme::dangerous_any_topic(keys),
        None => {
            let reason = "must be named: anybody can sign with a topic of their own";
            return Err(ConfigError::new("topics", reason));
        }
    };
    let scheme = topics.fold(scheme, |scheme, topic| scheme.or_topic(topic));
    Ok(AnyScheme::new(scheme.with_clock(options.clock())))
}

#[cfg(feature = "x509")]
fn paypal(options: &Options) -> Result<AnyScheme, ConfigError> {
    let id = options.webhook_id.as_deref();
    let id = id.ok_or(ConfigError::new("webhook_id", "must be set"))?;
    let scheme = crate::scheme::PayPalScheme::new(certificates(options)?, id)?;
    Ok(AnyScheme::new(scheme.with_clock(options.clock())))
}

#[cfg(feature = "jwt")]
fn plaid(options: &Options) -> Result<AnyScheme, ConfigError> {
    let keys = crate::scheme::PinnedKeys::new();
    let keys = options
        .raw_secrets()?
        .try_fold(keys, |keys, jwk| keys.with_jwk(jwk))?;
    let scheme = crate::scheme::PlaidScheme::new(keys);
    Ok(AnyScheme::new(scheme.with_clock(options.clock())))
}

#[cfg(feature = "rfc9421")]
fn rfc9421(options: &Options) -> Result<AnyScheme, ConfigError> {
    let mut secrets = options.read_secrets(SecretFormat::Base64)?.into_iter();
    let key = secrets.next().expect("there is at least one");
    signatures(options, crate::scheme::VerifyingKey::hmac_sha256(key))
}

#[cfg(feature = "rfc9421")]
fn rfc9421_ed25519(options: &Options) -> Result<AnyScheme, ConfigError> {
    use base64::Engine as _;
    let text = options.only_secret()?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    let bytes = bytes.map_err(|_| ConfigError::new("signing_secrets", "is not base64"))?;
    signatures(options, crate::scheme::VerifyingKey::ed25519(&bytes)?)
}

#[cfg(feature = "rfc9421")]
fn signatures(
    options: &Options,
    key: crate::scheme::VerifyingKey,
) -> Result<AnyScheme, ConfigError> {
    use crate::scheme::{PinnedKeys, Rfc9421Scheme};
    let keys = match &options.key_id {
        Some(id) => PinnedKeys::new().with(id.as_str(), key),
        None => PinnedKeys::one(key),
    };
    let mut scheme = Rfc9421Scheme::new(keys).with_clock(options.clock());
    if !options.components.is_empty() || options.allows_unsigned_body {
        let names = options.components.iter().map(String::as_str);
        scheme = scheme.with_required_components(names)?;
    }
    if let Some(url) = &options.public_url {
        scheme = scheme.with_public_url(url)?;
    }
    if options.allows_unsigned_body {
        scheme = scheme.dangerous().allow_unsigned_body();
    }
    Ok(AnyScheme::new(scheme))
}

#[cfg(not(feature = "x509"))]
fn sns(_: &Options) -> Result<AnyScheme, ConfigError> {
    Err(ConfigError::new("type", "needs the feature `x509`"))
}

#[cfg(not(feature = "x509"))]
fn paypal(_: &Options) -> Result<AnyScheme, ConfigError> {
    Err(ConfigError::new("type", "needs the feature `x509`"))
}

#[cfg(not(feature = "jwt"))]
fn plaid(_: &Options) -> Result<AnyScheme, ConfigError> {
    Err(ConfigError::new("type", "needs the feature `jwt`"))
}

#[cfg(not(feature = "rfc9421"))]
fn rfc9421(_: &Options) -> Result<AnyScheme, ConfigError> {
    Err(ConfigError::new("type", "needs the feature `rfc9421`"))
}

#[cfg(not(feature = "rfc9421"))]
fn rfc9421_ed25519(_: &Options) -> Result<AnyScheme, ConfigError> {
    Err(ConfigError::new("type", "needs the feature `rfc9421`"))
}
