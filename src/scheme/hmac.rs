use std::sync::Arc;

use ::http::HeaderName;
use ::http::request::Parts;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;

use super::head::{maybe, one, seconds};
use super::signature::{Encoding, Layout, parse};
use super::{AuthError, AuthErrorKind, HmacPass, Profile, Scheme, Shape};
use crate::delivery::{Delivery, DeliveryId};
use crate::secret::{Secret, Validity};
use crate::time::{Clock, SystemClock};

pub(super) type Keyed = Hmac<Sha256>;

/// A piece of the content that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// Fixed text.
    Literal(&'static str),
    /// The timestamp, as the sender wrote it.
    Timestamp,
    /// The delivery id, as the sender wrote it.
    Id,
    /// The raw body.
    Body,
}

/// HMAC-SHA256 over parts of the request.
#[derive(Clone, Debug)]
#[must_use]
pub struct HmacScheme {
    // Keyed once; a pass clones the state and spares itself two blocks of hashing.
    keys: Vec<(Keyed, Validity)>,
    content: Vec<Part>,
    header: HeaderName,
    layout: Layout,
    encoding: Encoding,
    timestamp: Option<HeaderName>,
    id: Option<HeaderName>,
    event_type: Option<HeaderName>,
    profile: Arc<Profile>,
    clock: Arc<dyn Clock>,
}

impl HmacScheme {
    /// A scheme keyed with `secret`, over the raw body, signed in hex in `x-signature`.
    pub fn sha256(secret: Secret) -> Self {
        Self {
            keys: Vec::new(),
            content: vec![Part::Body],
            header: HeaderName::from_static("x-signature"),
            layout: Layout::Whole { prefix: "" },
            encoding: Encoding::Hex,
            timestamp: None,
            id: None,
            event_type: None,
            profile: Arc::new(Profile::new(Shape::Object)),
            clock: Arc::new(SystemClock),
        }
        .or_secret(secret)
    }

    /// Accepts signatures by `secret` too. All secrets are always evaluated, those outside their
    /// dates as well: how long that takes must not tell which one matched.
    #[expect(clippy::needless_pass_by_value, reason = "the caller's copy ends here")]
    pub fn or_secret(mut self, secret: Secret) -> Self {
        let key = Keyed::new_from_slice(secret.expose()).expect("HMAC takes keys of any length");
        self.keys.push((key, secret.validity()));
        self
    }

    /// Reads the signature from `header`: hex digits after `prefix`.
    ///
    /// # Panics
    ///
    /// Panics when `header` is not a lower-case header name, as do all methods that take one.
    pub fn signature_hex(self, header: &'static str, prefix: &'static str) -> Self {
        self.signature(header, Layout::Whole { prefix }, Encoding::Hex)
    }

    /// Reads the signature from `header`: padded base64 after `prefix`.
    pub fn signature_base64(self, header: &'static str, prefix: &'static str) -> Self {
        self.signature(header, Layout::Whole { prefix }, Encoding::Base64)
    }

    pub(super) fn signature(
        mut self,
        header: &'static str,
        layout: Layout,
        encoding: Encoding,
    ) -> Self {
        self.header = HeaderName::from_static(header);
        self.layout = layout;
        self.encoding = encoding;
        self
    }

    /// Sets what is signed, in order.
    ///
    /// # Panics
    ///
    /// Panics unless [`Part::Body`] is there exactly once: a body outside the signature is not
    /// authentic.
    pub fn signed_content(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.content = parts.into_iter().collect();
        let bodies = self.content.iter().filter(|part| **part == Part::Body);
        assert_eq!(bodies.count(), 1, "`signed_content` needs one `Part::Body`");
        self.settle()
    }

    /// Reads the timestamp, in Unix seconds, from `header`.
    pub fn timestamp(mut self, header: &'static str) -> Self {
        self.timestamp = Some(HeaderName::from_static(header));
        self
    }

    /// Reads the delivery id from `header`.
    pub fn delivery_id(mut self, header: &'static str) -> Self {
        self.id = Some(HeaderName::from_static(header));
        self
    }

    /// Reads the event type from `header`.
    pub fn event_type(mut self, header: &'static str) -> Self {
        self.event_type = Some(HeaderName::from_static(header));
        self
    }

    /// Sets what the deliveries look like; by default a JSON object.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Arc::new(profile);
        self.settle()
    }

    /// Sets the clock that judges dated secrets.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Whether the time is signed follows from what is signed.
    fn settle(mut self) -> Self {
        let signs_time = self.signs(Part::Timestamp);
        Arc::make_mut(&mut self.profile).set_signs_time(signs_time);
        self
    }

    fn signs(&self, part: Part) -> bool {
        self.content.contains(&part)
    }
}

impl Scheme for HmacScheme {
    type Pass = HmacPass;

    fn begin(&self, head: &Parts) -> Result<HmacPass, AuthError> {
        let headers = &head.headers;
        let parsed = parse(one(headers, &self.header)?, self.layout, self.encoding)?;
        let time = match (&self.timestamp, parsed.timestamp) {
            (Some(name), _) if self.signs(Part::Timestamp) => one(headers, name)?,
            (None, Some(text)) => text,
            _ if self.signs(Part::Timestamp) => return Err(AuthErrorKind::MalformedHeader.into()),
            _ => "",
        };
        // An unsigned time says nothing about freshness, so it is not read at all.
        let timestamp = self
            .signs(Part::Timestamp)
            .then(|| seconds(time))
            .transpose()?;
        let (id, id_text) = match &self.id {
            Some(name) if self.signs(Part::Id) => {
                let text = one(headers, name)?;
                // A separator inside the id would let two contents share one signature.
                if text.is_empty() || text.contains('.') {
                    return Err(AuthErrorKind::MalformedHeader.into());
                }
                (DeliveryId::Signed(text.into()), text)
            }
            Some(name) => {
                let id = maybe(headers, name)?;
                (id.map_or(DeliveryId::Digest, DeliveryId::Unsigned), "")
            }
            None => (DeliveryId::Digest, ""),
        };
        let mut delivery = Delivery::new(id, 0);
        delivery.timestamp = timestamp;
        if let Some(name) = &self.event_type {
            delivery.event_type = maybe(headers, name)?;
        }

        // The clock costs a call to the system, and most secrets have no dates.
        let dated = self.keys.iter().any(|(_, validity)| validity.is_dated());
        let now = if dated { self.clock.unix_seconds() } else { 0 };
        let live = |(mac, validity): &(Keyed, Validity)| (mac.clone(), validity.holds_at(now));
        let mut macs: Vec<_> = self.keys.iter().map(live).collect();
        let mut suffix = Vec::new();
        let mut before_body = true;
        for part in &self.content {
            let text = match part {
                Part::Literal(text) => text,
                Part::Timestamp => time,
                Part::Id => id_text,
                Part::Body => {
                    before_body = false;
                    continue;
                }
            };
            if before_body {
                macs.iter_mut()
                    .for_each(|(mac, _)| mac.update(text.as_bytes()));
            } else {
                suffix.extend_from_slice(text.as_bytes());
            }
        }
        Ok(HmacPass::new(macs, suffix, parsed.candidates, delivery))
    }
    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }
}
