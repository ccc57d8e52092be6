use ::http::{HeaderName, HeaderValue};

use super::FormKey;
use super::text::{encode, lay_out, write_time};
use crate::config::ConfigError;
use crate::scheme::catalog::{self, SecretFormat, SecretText};
use crate::scheme::head::seconds;
use crate::scheme::hmac::HmacScheme;
use crate::scheme::plan::Plan;
use crate::scheme::recipe::{Algorithm, Part, Recipe, Time, Unit};
use crate::scheme::signature::{Encoding, Layout};

/// HMAC-SHA256 over `timestamp.body` in three headers; the id stands outside the signature.
const X_WEBHOOK: Recipe = Recipe {
    signature: &["x-webhook-signature"],
    layout: Layout::Whole { prefix: "sha256=" },
    content: &[Part::Timestamp, Part::Literal("."), Part::Body],
    time: Time::Header(&["x-webhook-timestamp"], Unit::Seconds),
    id: &["x-webhook-id"],
    ..Recipe::HMAC
};

/// A delivery as it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    /// The id, the same for each attempt at one delivery.
    pub id: &'m str,
    /// The time of this attempt, in Unix seconds.
    pub unix_seconds: i64,
    /// The event type, for schemes that write it into a header.
    pub event_type: Option<&'m str>,
    /// The body, byte for byte as it is sent.
    pub body: &'m [u8],
}

/// Why a message cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Id,
    EventType,
    Time,
    Header,
}

/// How deliveries are signed: what a receiver reads them by, and how the text of the secret is read.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    plan: Plan,
    format: SecretFormat,
}

impl Form {
    fn of(recipe: &Recipe, format: SecretFormat) -> Self {
        let plan = Plan::of(recipe);
        Self { plan, format }
    }

    pub(crate) fn standard_webhooks() -> Self {
        Self::of(&catalog::STANDARD_WEBHOOKS, SecretFormat::Whsec)
    }

    #[cfg(feature = "ed25519")]
    pub(crate) fn standard_webhooks_ed25519() -> Self {
        Self::of(&catalog::STANDARD_WEBHOOKS_V1A, SecretFormat::Ed25519Base64)
    }

    /// Without the headers that are named after GitHub.
    pub(crate) fn github() -> Self {
        let mut form = Self::of(&catalog::GITHUB, SecretFormat::Text);
        form.plan.id.clear();
        form.plan.event_type.clear();
        form
    }

    pub(crate) fn stripe() -> Self {
        Self::of(&catalog::STRIPE, SecretFormat::Text)
    }

    pub(crate) fn x_webhook() -> Self {
        Self::of(&X_WEBHOOK, SecretFormat::Text)
    }

    pub(crate) fn hmac() -> Self {
        Self::of(&Recipe::HMAC, SecretFormat::Text)
    }

    pub(crate) fn format(mut self, format: SecretFormat) -> Self {
        self.format = format;
        self
    }

    pub(crate) fn signature(
        mut self,
        header: &'static str,
        prefix: &'static str,
        is_hex: bool,
    ) -> Self {
        self.plan.recipe.layout = Layout::Whole { prefix };
        self.plan.recipe.encoding = match is_hex {
            true => Encoding::Hex,
            false => Encoding::Base64,
        };
        self.signature_header(HeaderName::from_static(header))
    }

    pub(crate) fn signature_header(mut self, header: HeaderName) -> Self {
        self.plan.signature = vec![header];
        self
    }

    pub(crate) fn content(mut self, parts: Vec<Part>) -> Self {
        self.plan.content = parts.into();
        self.plan = self.plan.settle();
        self
    }

    pub(crate) fn timestamp(mut self, header: &'static str) -> Self {
        self.plan.recipe.time = Time::Header(&[], Unit::Seconds);
        self.plan.timestamp = vec![HeaderName::from_static(header)];
        self
    }

    pub(crate) fn delivery_id(mut self, header: HeaderName) -> Self {
        self.plan.id = vec![header];
        self
    }

    pub(crate) fn event_type(mut self, header: HeaderName) -> Self {
        self.plan.event_type = vec![header];
        self
    }

    /// Whether it signs with a private key, and not with a secret that both sides know.
    pub(crate) fn is_ed25519(&self) -> bool {
        self.plan.recipe.algorithm == Algorithm::Ed25519
    }

    /// Reads a key as its receivers read theirs.
    pub(crate) fn key(&self, text: &str) -> Result<FormKey, ConfigError> {
        FormKey::read(self.format, self.plan.recipe.algorithm, text)
    }

    /// The scheme that accepts what is signed so.
    pub(crate) fn receiver(&self, text: &str) -> Result<HmacScheme, ConfigError> {
        if self.is_ed25519() {
            let reason = "is signed with a private key, and verified with the public one";
            return Err(ConfigError::new("scheme", reason));
        }
        let secret = SecretText::new(text).read(self.format, false)?;
        Ok(HmacScheme::planned(self.plan.clone(), secret))
    }

    /// The header of the id, where there is one.
    pub(crate) fn id_header(&self) -> Option<&HeaderName> {
        self.plan.id.first()
    }

    /// All headers that it writes, that of the signature first.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        let Plan {
            signature,
            timestamp,
            id,
            event_type,
            ..
        } = &self.plan;
        // Of several names, that are alternatives to a receiver, the first is sent.
        [signature, timestamp, id, event_type]
            .into_iter()
            .filter_map(|names| names.first())
    }

    /// Whether the signatures of both may stand in one header, as those of `v1` and `v1a` do.
    pub(crate) fn joins(&self, other: &Self) -> bool {
        let (Layout::List { version: own }, Layout::List { version }) =
            (self.plan.recipe.layout, other.plan.recipe.layout)
        else {
            return false;
        };
        own != version
            && self.plan.content == other.plan.content
            && self.headers().eq(other.headers())
    }

    /// Whether it says nothing that a sender does not know.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let Plan {
            content, recipe, ..
        } = &self.plan;
        let count = |part| content.iter().filter(|own| **own == part).count();
        let wrong = |reason| Err(ConfigError::new("signed_content", reason));
        if count(Part::Body) != 1 {
            return wrong("needs one `Part::Body`");
        }
        if count(Part::Method) + count(Part::Url) > 0 {
            return wrong("must not hold method or URL: proxies change them");
        }
        if count(Part::Timestamp) > 0 && recipe.time == Time::Unsigned {
            return wrong("holds a time that stands in no header");
        }
        if count(Part::Id) > 0 && self.plan.id.is_empty() {
            return wrong("holds an id that stands in no header");
        }
        Ok(())
    }

    /// The headers of `message`, signed with `keys`, of which the newest is the first. A header that
    /// holds one signature gets that of the oldest.
    pub(crate) fn sign<'f, 'k>(
        &'f self,
        keys: impl DoubleEndedIterator<Item = &'k FormKey>,
        message: &Message<'_>,
        mut out: impl FnMut(&'f HeaderName, HeaderValue),
    ) -> Result<(), Fault> {
        let Recipe {
            layout,
            encoding,
            time,
            ..
        } = self.plan.recipe;
        let time_text = write_time(time, message.unix_seconds);
        match time {
            Time::Header(_, unit) | Time::Signature(_, unit) => {
                // What our own receivers cannot read is not sent.
                seconds(&time_text, unit).map_err(|_| Fault::Time)?;
            }
            Time::Unsigned | Time::Payload(..) => {}
        }
        let signs_id = self.plan.signs(Part::Id);
        if let Some(name) = self.plan.id.first() {
            // A separator inside the id would let two contents share one signature.
            if !is_token(message.id) || (signs_id && message.id.contains('.')) {
                return Err(Fault::Id);
            }
            out(name, value(message.id)?);
        }
        if let (Some(name), Some(text)) = (self.plan.event_type.first(), message.event_type) {
            if !is_token(text) {
                return Err(Fault::EventType);
            }
            out(name, value(text)?);
        }
        if let Some(name) = self.plan.timestamp.first() {
            out(name, value(&time_text)?);
        }

        // Room for an id and a time, as most have them.
        let (mut before, mut after) = (Vec::with_capacity(64), Vec::new());
        let mut text = &mut before;
        for part in &*self.plan.content {
            match part {
                Part::Literal(literal) => text.extend_from_slice(literal.as_bytes()),
                Part::Timestamp => text.extend_from_slice(time_text.as_bytes()),
                Part::Id => text.extend_from_slice(message.id.as_bytes()),
                Part::Body => text = &mut after,
                Part::Method | Part::Url => {} // Refused by `check`.
            }
        }
        let content = [&*before, message.body, &*after];
        let sign = |key: &FormKey| encode(key.sign(content).as_bytes(), encoding);
        let header = match layout {
            Layout::Whole { .. } => {
                let one = keys.last().map(sign);
                lay_out(layout, time, &time_text, one.as_deref())
            }
            Layout::Pairs { .. } | Layout::List { .. } => {
                let all: Vec<_> = keys.map(sign).collect();
                lay_out(layout, time, &time_text, all.iter().map(String::as_str))
            }
        };
        if let Some(name) = self.plan.signature.first() {
            let value = HeaderValue::try_from(header).map_err(|_| Fault::Header)?;
            out(name, value);
        }
        Ok(())
    }
}

/// Whether `text` comes out of a header as it went in: visible, without spaces that would be cut off.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn value(text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text).map_err(|_| Fault::Header)
}
