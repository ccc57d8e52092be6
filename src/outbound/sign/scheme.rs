use http::HeaderName;

use crate::config::ConfigError;
use crate::scheme::catalog::SecretFormat;
use crate::scheme::sign::Form;
use crate::scheme::{HmacScheme, Part};

/// How a delivery is signed.
///
/// The words of a custom one are those of the receiving [`HmacScheme`]:
///
/// ```
/// use tower_webhook::outbound::sign::SigningScheme;
/// use tower_webhook::scheme::Part;
///
/// let scheme = SigningScheme::sha256()
///     .signature_hex("x-acme-signature", "sha256=")
///     .signed_content([Part::Id, Part::Literal("."), Part::Timestamp, Part::Literal("."), Part::Body])
///     .timestamp("x-acme-timestamp")
///     .delivery_id("x-acme-id");
/// let receiver = scheme.receiver("an example secret")?;
/// # Ok::<(), tower_webhook::config::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SigningScheme(Form);

impl SigningScheme {
    /// [Standard Webhooks](https://www.standardwebhooks.com), symmetric `v1`: `webhook-id`,
    /// `webhook-timestamp`, `webhook-signature`. Id, time and body are signed.
    pub fn standard_webhooks() -> Self {
        Self(Form::standard_webhooks())
    }

    /// [Standard Webhooks](https://www.standardwebhooks.com), asymmetric `v1a`: who verifies cannot sign.
    /// Beside `v1` its signature stands in the same header.
    #[cfg(feature = "ed25519")]
    pub fn standard_webhooks_ed25519() -> Self {
        Self(Form::standard_webhooks_ed25519())
    }

    /// `X-Hub-Signature-256: sha256=…` over the body, as GitHub signs. Neither time nor id are signed, and
    /// the headers that are named after GitHub are not sent:
    /// [`delivery_id`](Self::delivery_id) and [`event_type`](Self::event_type) add others.
    pub fn github() -> Self {
        Self(Form::github())
    }

    /// `X-Webhook-Signature: sha256=…` over `timestamp.body`, beside `X-Webhook-Timestamp` and
    /// `X-Webhook-ID`.
    ///
    /// The id is not signed: who replays a delivery within the window can give it another, and pass for a
    /// new one. Send [`standard_webhooks`](Self::standard_webhooks) beside it.
    pub fn x_webhook() -> Self {
        Self(Form::x_webhook())
    }

    /// `t=…,v1=…` over `timestamp.body`, as Stripe signs. The header `Stripe-Signature` has Stripe's
    /// name: give it your own with [`signature_header`](Self::signature_header). No id is sent.
    pub fn stripe() -> Self {
        Self(Form::stripe())
    }

    /// HMAC-SHA256 over the body, in hex digits in `x-signature`: to be changed as needed.
    pub fn sha256() -> Self {
        Self(Form::hmac())
    }

    /// Writes the signature into `header`: hex digits after `prefix`. One key signs at a time.
    ///
    /// # Panics
    ///
    /// Panics when `header` is not a lower-case header name, as do all methods that take one as text.
    pub fn signature_hex(self, header: &'static str, prefix: &'static str) -> Self {
        Self(self.0.signature(header, prefix, true))
    }

    /// Writes the signature into `header`: padded base64 after `prefix`. One key signs at a time.
    pub fn signature_base64(self, header: &'static str, prefix: &'static str) -> Self {
        Self(self.0.signature(header, prefix, false))
    }

    /// Writes the signature into this header, laid out as before.
    pub fn signature_header(self, header: HeaderName) -> Self {
        Self(self.0.signature_header(header))
    }

    /// Sets what is signed, in order. [`Signer::new`](super::Signer::new) refuses what has not exactly
    /// one [`Part::Body`], or has a method or a URL.
    pub fn signed_content(self, parts: impl IntoIterator<Item = Part>) -> Self {
        Self(self.0.content(parts.into_iter().collect()))
    }

    /// Writes the time of the attempt, in Unix seconds, into `header`.
    pub fn timestamp(self, header: &'static str) -> Self {
        Self(self.0.timestamp(header))
    }

    /// Writes the id into `header`.
    pub fn delivery_id(self, header: &'static str) -> Self {
        self.delivery_id_header(HeaderName::from_static(header))
    }

    /// As [`delivery_id`](Self::delivery_id), for a name that is known at run time only.
    pub fn delivery_id_header(self, header: HeaderName) -> Self {
        Self(self.0.delivery_id(header))
    }

    /// Writes the event type into `header`, where there is one.
    pub fn event_type(self, header: &'static str) -> Self {
        Self(self.0.event_type(HeaderName::from_static(header)))
    }

    /// The key is the bytes of the secret as it is written, `whsec_` included. So it is by default, but
    /// for Standard Webhooks, whose receivers then need `whsec_` and the base64 of the text.
    pub fn keyed_by_text(self) -> Self {
        Self(self.0.format(SecretFormat::Text))
    }

    /// The key is what is decoded from the base64 of the secret, with or without `whsec_` before it.
    pub fn keyed_by_base64(self) -> Self {
        Self(self.0.format(SecretFormat::Whsec))
    }

    /// Signs by `other` too.
    pub fn also(self, other: Self) -> SigningSchemes {
        SigningSchemes::from(self).also(other)
    }

    /// The scheme that accepts what is signed so with the secret `text`.
    ///
    /// # Errors
    ///
    /// Returns an error when `text` is no secret of the scheme, or the scheme signs with a private key.
    pub fn receiver(&self, text: &str) -> Result<HmacScheme, ConfigError> {
        self.0.check()?;
        self.0.receiver(text)
    }
}

impl Default for SigningScheme {
    fn default() -> Self {
        Self::standard_webhooks()
    }
}

/// Several ways to sign, on one request: so do receivers move from one to another.
#[derive(Clone, Debug)]
#[must_use]
pub struct SigningSchemes(Vec<Form>);

impl SigningSchemes {
    /// Signs by `scheme` too.
    pub fn also(mut self, scheme: SigningScheme) -> Self {
        self.0.push(scheme.0);
        self
    }

    pub(super) fn forms(&self) -> &[Form] {
        &self.0
    }

    /// Two schemes, or two parts of one, that write the same header say two things with it.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let mut taken: Vec<(&HeaderName, usize)> = Vec::new();
        for (place, form) in self.0.iter().enumerate() {
            form.check()?;
            for name in form.headers() {
                let clashes = |&(other, at): &(&HeaderName, usize)| {
                    other == name && (at == place || !form.joins(&self.0[at]))
                };
                if taken.iter().any(clashes) {
                    return Err(ConfigError::new("schemes", "write the same header twice"));
                }
                taken.push((name, place));
            }
        }
        Ok(())
    }
}

impl From<SigningScheme> for SigningSchemes {
    fn from(scheme: SigningScheme) -> Self {
        Self(vec![scheme.0])
    }
}

impl Default for SigningSchemes {
    fn default() -> Self {
        SigningScheme::default().into()
    }
}
