use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use standardwebhooks::Webhook;
use webhook_verify::{Clock, Provider, Secret, VerifyOptions, VerifyingKeyMaterial, verify};

use super::Sent;
use crate::request::{decode, split};

/// The URL that Square was given.
pub(super) const URL: &str = "https://hooks.example.com/in";

/// A crate that verifies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer {
    /// `standardwebhooks`.
    Standard,
    /// `webhook-verify`.
    Verify(Provider),
}

/// Who signs by a scheme of the catalogue, where `webhook-verify` has it. PayPal is left out: it takes another
/// major version of RSA.
pub(super) fn provider(scheme: &str) -> Option<Provider> {
    Some(match scheme {
        "github.sha256" => Provider::GitHub,
        "shopify.hmac" => Provider::Shopify,
        "linear.hmac" => Provider::Linear,
        "dropbox.hmac" => Provider::Dropbox,
        "stripe.v1" => Provider::Stripe,
        "slack.v0" => Provider::Slack,
        "zoom.v0" => Provider::Zoom,
        "square.hmacsha256" => Provider::Square,
        "standard_webhooks.v1" => Provider::StandardWebhooks,
        "discord.ed25519" => Provider::Discord,
        "sendgrid.ecdsa_p256" => Provider::SendGrid,
        "twilio.form" => Provider::Twilio,
        _ => return None,
    })
}

impl Peer {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Standard => "standardwebhooks",
            Self::Verify(_) => "webhook-verify",
        }
    }

    /// Its verdict, or nothing where asking would end the process.
    pub(super) fn accepts(self, sent: &Sent, secret: &str, url: Option<&str>) -> Option<bool> {
        match self {
            Self::Standard => standard(sent, secret),
            Self::Verify(provider) => Some(by_verify(provider, sent, secret, url)),
        }
    }
}

fn standard(sent: &Sent, secret: &str) -> Option<bool> {
    let time = sent.head.headers.get("webhook-timestamp");
    let time = time.and_then(|time| time.to_str().ok()?.parse::<i64>().ok());
    // It subtracts and adds unchecked, before it looks at the signature.
    if time.is_some_and(|time| sent.now.checked_sub(time).is_none()) {
        return None;
    }
    let webhook = Webhook::new(secret).expect("the secret is base64");
    Some(webhook.verify(&sent.body, &sent.head.headers).is_ok())
}

struct At(u64);

impl Clock for At {
    fn now(&self) -> u64 {
        self.0
    }
}

fn by_verify(provider: Provider, sent: &Sent, secret: &str, url: Option<&str>) -> bool {
    let now = At(u64::try_from(sent.now).expect("a vector is of our time"));
    let mut options = VerifyOptions::default().with_clock(Some(Arc::new(now)));
    options = match provider {
        Provider::SendGrid => {
            let key = STANDARD.decode(secret).expect("the key is base64");
            options.with_verifying_material(VerifyingKeyMaterial::EcdsaP256PublicKey(key))
        }
        Provider::Twilio => options.with_form_params(form(&sent.body)),
        _ => options,
    };
    // Square signs the URL that it was given, Twilio the query that it sends, and at times the port.
    let url = url.unwrap_or(URL);
    let urls = match provider {
        Provider::Twilio => {
            let path = url.split('?').next().unwrap_or_default();
            let query = sent.head.uri.query().map(|query| format!("?{query}"));
            let url = format!("{path}{}", query.unwrap_or_default());
            vec![with_port(&url), url]
        }
        _ => vec![url.to_owned()],
    };
    let secret = Secret::new(secret);
    let mut urls = urls
        .into_iter()
        .map(|url| options.clone().with_request_url(url));
    urls.any(|options| verify(provider, &sent.head.headers, &sent.body, &secret, options).is_ok())
}

/// The URL without its port; where it has none, with the one that its scheme has anyway.
fn with_port(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let port = if scheme == "https" { 443 } else { 80 };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host.rsplit_once(':') {
        Some((host, _)) => format!("{scheme}://{host}{path}"),
        None => format!("{scheme}://{host}:{port}{path}"),
    }
}

/// The fields of a form.
pub(super) fn form(body: &[u8]) -> Vec<(String, String)> {
    let pairs = body
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| split(pair, b"="));
    pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
