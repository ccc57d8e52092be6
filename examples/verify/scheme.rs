//! Schemes by their ids.

use serde_json::Value;
use tower_webhook::BoxError;
use tower_webhook::scheme::AnyScheme;
use tower_webhook::scheme::catalog::{Entry, Options, SecretText};
use tower_webhook::time::ManualClock;

/// What a scheme is made with.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) secrets: Vec<SecretText>,
    pub(crate) url: Option<String>,
    /// As the vectors have it.
    pub(crate) config: Value,
    pub(crate) now: i64,
}

/// Makes the scheme.
pub(crate) fn build(entry: &Entry, setup: &Setup) -> Result<AnyScheme, BoxError> {
    let secrets = setup.secrets.iter().cloned();
    let mut options = secrets.fold(Options::new().on_secret(drop), Options::secret);
    let config = &setup.config;
    let given = ["public_url", "notification_url", "signed_uri"];
    let given = given.iter().find_map(|key| config[*key].as_str());
    if let Some(url) = setup.url.as_deref().or(given) {
        options = options.public_url(url);
    }
    let texts = |key: &str| {
        let texts = config[key].as_array().into_iter().flatten();
        texts.filter_map(Value::as_str)
    };
    options = texts("allowed_origins").fold(options, Options::origin);
    options = match &config["allowed_rate"] {
        Value::Number(rate) => options.rate(rate.to_string()),
        Value::String(rate) => options.rate(rate),
        _ => options,
    };
    if let Some(id) = config["webhook_id"].as_str() {
        options = options.webhook_id(id);
    }
    if let Some(id) = config["keyid"].as_str() {
        options = options.key_id(id);
    }
    let mut required = texts("required_components");
    // A list without the digest says that the body need not be signed.
    if config["required_components"].is_array() && required.all(|name| name != "content-digest") {
        options = options.dangerous().allow_unsigned_body();
    }
    options = texts("required_components").fold(options, Options::component);
    options = options.with_clock(ManualClock::new(setup.now));
    // Here the question is who signed, and with what, however weak it is.
    options = options.dangerous().allow_any_topic();
    Ok(entry.build(&options.dangerous().allow_short_secrets())?)
}
