//! The vectors of all providers, each with a scheme made for it.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use serde_json::Value;
use tower_webhook::delivery::Delivery;
use tower_webhook::scheme::AnyScheme;
use tower_webhook::scheme::catalog::{self, Entry, Options};

use crate::compare::{Verdict, judge};
use crate::request::{read, write};
use crate::run::At;

/// A vector: who receives it, and what is known to be signed.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) entry: &'static Entry,
    pub(crate) scheme: AnyScheme,
    /// The request as text.
    #[cfg_attr(not(test), expect(dead_code, reason = "seeds are made of it"))]
    pub(crate) text: Vec<u8>,
    /// What was signed, where the vector is accepted. Each vector has a secret of its own, so nothing else is.
    pub(crate) signed: Option<Signed>,
    /// Its only secret, as the provider writes it.
    pub(crate) secret: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) now: i64,
}

#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    pub(crate) delivery: Delivery,
}

/// Where a vector says under which URL it was received.
const URLS: [&str; 3] = ["public_url", "notification_url", "signed_uri"];

/// All of them, in the order of the file.
pub(crate) static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let file = include_str!("../vectors/providers.json");
    let file: Value = serde_json::from_str(file).expect("the vectors are JSON");
    let vectors = file["vectors"].as_array().expect("the vectors are a list");
    vectors.iter().filter_map(case).collect()
});

/// The case of this name; another name is some case.
pub(crate) fn named(name: &[u8]) -> &'static Case {
    static NAMES: LazyLock<HashMap<&[u8], usize>> = LazyLock::new(|| {
        let names = CASES.iter().map(|case| case.id.as_bytes());
        names.zip(0..).collect()
    });
    let sum = |sum: usize, byte: &u8| sum.wrapping_mul(31).wrapping_add(usize::from(*byte));
    let some = || name.iter().fold(0, sum) % CASES.len();
    &CASES[NAMES.get(name).copied().unwrap_or_else(some)]
}

/// The case of a vector, where a receiver can be made for it and its body is no megabyte.
fn case(vector: &Value) -> Option<Case> {
    let entry = catalog::find(vector["scheme"].as_str()?)?;
    let scheme = entry.build(&options(vector)?).ok()?;
    let (head, body) = read(&text(vector)?);
    let signed = match judge(&scheme, &head, &body) {
        Verdict::Delivery(delivery) => Some(Signed {
            head: head.clone(),
            body: body.clone(),
            delivery: *delivery,
        }),
        _ => None,
    };
    Some(Case {
        id: vector["id"].as_str()?.into(),
        entry,
        scheme,
        text: write(&head, &body),
        signed,
        secret: match &vector["secrets"].as_array()?[..] {
            [secret] => secret.as_str().map(str::to_owned),
            _ => None,
        },
        url: URLS
            .iter()
            .find_map(|key| vector["config"][key].as_str())
            .map(str::to_owned),
        now: vector["now"].as_i64()?,
    })
}

fn text(vector: &Value) -> Option<Vec<u8>> {
    let mut text = format!("{} ", vector["method"].as_str()?);
    text += vector["url"].as_str()?;
    for header in vector["headers"].as_array()? {
        text += &format!("\n{}: {}", header[0].as_str()?, header[1].as_str()?);
    }
    text += "\n\n";
    let mut text = text.into_bytes();
    match (vector["body_utf8"].as_str(), vector["body_base64"].as_str()) {
        (Some(body), _) => text.extend_from_slice(body.as_bytes()),
        (_, Some(body)) => text.extend(STANDARD.decode(body).ok()?),
        _ => return None,
    }
    Some(text)
}

fn options(vector: &Value) -> Option<Options> {
    let config = &vector["config"];
    let text = |key: &str| config[key].as_str();
    let mut options = Options::new().on_secret(drop);
    for secret in vector["secrets"].as_array()? {
        options = options.secret(secret.as_str()?);
    }
    for key in URLS {
        options = text(key).into_iter().fold(options, Options::public_url);
    }
    let origins = config["allowed_origins"].as_array().into_iter().flatten();
    options = origins
        .filter_map(Value::as_str)
        .fold(options, Options::origin);
    let rate = &config["allowed_rate"];
    let rate = rate
        .as_str()
        .map(str::to_owned)
        .or_else(|| rate.as_u64().map(|rate| rate.to_string()));
    options = rate.into_iter().fold(options, Options::rate);
    options = text("webhook_id")
        .into_iter()
        .fold(options, Options::webhook_id);
    options = text("keyid").into_iter().fold(options, Options::key_id);
    let components = config["required_components"]
        .as_array()
        .into_iter()
        .flatten();
    let components = components.filter_map(Value::as_str);
    if !components.clone().any(|name| name == "content-digest") {
        options = options.dangerous().allow_unsigned_body();
    }
    options = components.fold(options, Options::component);
    let options = options
        .with_clock(At(vector["now"].as_i64()?))
        .dangerous()
        .allow_any_topic();
    Some(options.dangerous().allow_short_secrets())
}
