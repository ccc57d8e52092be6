//! Schemes by their ids: those of the catalogue, and those that want more than secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tower_webhook::BoxError;
use tower_webhook::scheme::catalog::{self, Options, SecretText};
use tower_webhook::scheme::{
    AnyScheme, PayPalScheme, PinnedKeys, PlaidScheme, Rfc9421Scheme, SnsScheme, VerifyingKey,
};
use tower_webhook::secret::Secret;
use tower_webhook::time::ManualClock;

/// What a scheme is made with.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) secrets: Vec<SecretText>,
    /// The first of them, as it was given.
    pub(crate) text: String,
    pub(crate) url: Option<String>,
    /// As the vectors have it.
    pub(crate) config: Value,
    pub(crate) now: i64,
}

/// The ids of the schemes that are not in the catalogue.
pub(crate) const OTHERS: &[&str] = &[
    "aws_sns.rsa_cert",
    "paypal.rsa_cert",
    "plaid.jwt_es256",
    "rfc9421.ed25519",
    "rfc9421.hmac-sha256",
];

pub(crate) fn is_known(id: &str) -> bool {
    OTHERS.contains(&id) || catalog::all().any(|entry| entry.id == id)
}

/// Makes the scheme.
pub(crate) fn build(id: &str, setup: &Setup) -> Result<AnyScheme, BoxError> {
    let clock = ManualClock::new(setup.now);
    match id {
        "aws_sns.rsa_cert" => {
            let key = VerifyingKey::certificate_pem(&setup.text)?;
            let scheme = SnsScheme::dangerous_any_topic(PinnedKeys::one(key));
            Ok(AnyScheme::new(scheme.with_clock(clock)))
        }
        "paypal.rsa_cert" => {
            let key = VerifyingKey::certificate_pem(&setup.text)?;
            let id = setup.config["webhook_id"].as_str().unwrap_or_default();
            let scheme = PayPalScheme::new(PinnedKeys::one(key), id)?;
            Ok(AnyScheme::new(scheme.with_clock(clock)))
        }
        "plaid.jwt_es256" => {
            let keys = PinnedKeys::new().with_jwk(&setup.text)?;
            Ok(AnyScheme::new(PlaidScheme::new(keys).with_clock(clock)))
        }
        "rfc9421.ed25519" | "rfc9421.hmac-sha256" => rfc9421(id, setup, clock),
        _ => {
            let entry = catalog::all().find(|entry| entry.id == id);
            let entry = entry.ok_or(format!("no scheme `{id}`; see `--schemes`"))?;
            Ok(entry.build(&options(setup))?)
        }
    }
}

fn rfc9421(id: &str, setup: &Setup, clock: ManualClock) -> Result<AnyScheme, BoxError> {
    let secret = STANDARD.decode(&setup.text)?;
    let key = match id {
        "rfc9421.ed25519" => VerifyingKey::ed25519(&secret)?,
        _ => VerifyingKey::hmac_sha256(Secret::dangerous_any_length(secret)?),
    };
    let keys = match setup.config["keyid"].as_str() {
        Some(id) => PinnedKeys::new().with(id, key),
        None => PinnedKeys::one(key),
    };
    let scheme = Rfc9421Scheme::new(keys).with_clock(clock);
    let Some(required) = setup.config["required_components"].as_array() else {
        return Ok(AnyScheme::new(scheme));
    };
    let names = required.iter().filter_map(Value::as_str);
    let scheme = scheme.with_required_components(names)?;
    Ok(AnyScheme::new(
        if required.iter().any(|name| name == "content-digest") {
            scheme
        } else {
            scheme.dangerous().allow_unsigned_body()
        },
    ))
}

fn options(setup: &Setup) -> Options {
    let secrets = setup.secrets.iter().cloned();
    let mut options = secrets.fold(Options::new(), Options::secret);
    let config = &setup.config;
    let given = ["public_url", "notification_url", "signed_uri"];
    let given = given.iter().find_map(|key| config[*key].as_str());
    if let Some(url) = setup.url.as_deref().or(given) {
        options = options.public_url(url);
    }
    for origin in config["allowed_origins"].as_array().into_iter().flatten() {
        options = options.origin(origin.as_str().unwrap_or_default());
    }
    options = match &config["allowed_rate"] {
        Value::Number(rate) => options.rate(rate.to_string()),
        Value::String(rate) => options.rate(rate),
        _ => options,
    };
    // Short secrets are what somebody may be looking for.
    options.dangerous().allow_short_secrets()
}
