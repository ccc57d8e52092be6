//! Signs as each provider does, for tests.

use ::http::header::{CONTENT_TYPE, HeaderValue};
use ::http::{HeaderMap, HeaderName, Method};

use super::own::{self, Twilio};
use super::{SigningKey, recipe};
use crate::scheme::catalog::{Entry, Kind};
use crate::scheme::{PublicUrl, Shape, TokenScheme};

pub(super) const JSON: &str = "application/json";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// A delivery before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) method: Method,
    pub(crate) url: PublicUrl,
    pub(crate) id: Option<String>,
    pub(crate) event_type: Option<String>,
    /// The time of sending.
    pub(crate) unix_seconds: i64,
    pub(crate) body: Vec<u8>,
}

/// A delivery with its signature.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) method: Method,
    /// The URL, with what some providers write into its query.
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The signature as it is written, in a header or in the body.
    pub(crate) signature: String,
    /// The header that holds it.
    pub(crate) holder: Option<HeaderName>,
}

impl Draft {
    /// The id; where a scheme cannot do without, this one.
    pub(super) fn id(&self) -> String {
        self.id.clone().unwrap_or_else(|| "id-1".into())
    }

    pub(super) fn sealed(self, media: &'static str) -> Signed {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        Signed {
            method: self.method,
            url: self.url.as_str().to_owned(),
            headers,
            body: self.body,
            signature: String::new(),
            holder: None,
        }
    }
}

impl Signed {
    /// Writes a header.
    ///
    /// # Panics
    ///
    /// Panics when `value` cannot stand in a header.
    pub(super) fn write(&mut self, name: &HeaderName, value: &str) {
        let value = value.parse().expect("the text can stand in a header");
        self.headers.insert(name.clone(), value);
    }
}

/// The smallest payload of a delivery; `None` where the provider sends none by this scheme.
pub(crate) fn smallest(entry: &Entry) -> Option<&'static str> {
    match entry.kind {
        Kind::Hmac(recipe) | Kind::Ed25519(recipe) | Kind::Ecdsa(recipe) => {
            let is_named = recipe.facts.id.is_some_and(|field| field.required);
            Some(match recipe.facts.shape {
                Shape::Array => "[]",
                _ if is_named => r#"{"id":"evt_1","type":"ping"}"#,
                _ => "{}",
            })
        }
        Kind::Own(_) => match entry.id {
            "twilio.form" | "twilio.shared_key" | "mailgun.form" => Some("a=1"),
            "gitlab.token"
            | "telegram.secret_token"
            | "okta.authorization"
            | "okta.handshake"
            | "cloudevents.bearer"
            | "twilio.body_sha256"
            | "mailgun.json"
            | "adyen.payments_fields" => Some("{}"),
            #[cfg(feature = "rfc9421")]
            "rfc9421.hmac-sha256" => Some("{}"),
            #[cfg(all(feature = "rfc9421", feature = "ed25519"))]
            "rfc9421.ed25519" => Some("{}"),
            _ => None,
        },
    }
}

/// Signs as the provider of `entry` does; `None` where it sends no deliveries.
pub(crate) fn sign(entry: &Entry, key: &SigningKey, draft: Draft) -> Option<Signed> {
    let token = |scheme: fn(crate::secret::Secret) -> TokenScheme| {
        Some(own::token(&scheme(key.secret()?.clone()), draft.clone()))
    };
    match entry.kind {
        Kind::Hmac(recipe) | Kind::Ed25519(recipe) | Kind::Ecdsa(recipe) => {
            Some(recipe::sign(recipe, key, draft))
        }
        // The rest are a handful, each with a way of its own.
        Kind::Own(_) => match entry.id {
            "gitlab.token" => token(TokenScheme::gitlab),
            "telegram.secret_token" => token(TokenScheme::telegram),
            "okta.authorization" | "okta.handshake" => token(TokenScheme::okta),
            "cloudevents.bearer" => token(TokenScheme::bearer),
            "twilio.form" => Some(own::twilio(Twilio::Form, key, draft)),
            "twilio.body_sha256" => Some(own::twilio(Twilio::Hashed, key, draft)),
            "twilio.shared_key" => Some(own::twilio(Twilio::SharedKey, key, draft)),
            "mailgun.json" => Some(own::mailgun_json(key, draft)),
            "mailgun.form" => Some(own::mailgun_form(key, draft)),
            "adyen.payments_fields" => Some(own::adyen(key, draft)),
            #[cfg(feature = "rfc9421")]
            "rfc9421.hmac-sha256" | "rfc9421.ed25519" => own::rfc9421(key, draft),
            _ => None,
        },
    }
}
