use http::HeaderValue;
use http::header::CONTENT_ENCODING;

use super::Delivery;
use crate::scheme::sign::Signed;

/// Seconds that are outside every window: a day more than a week.
const FAR: i64 = 8 * 86_400;

/// Ways to spoil a delivery. Each gives another one.
impl Delivery {
    /// Another payload than the one that was signed: its last letter or digit is another one.
    ///
    /// Where the payload is not signed (tokens, parts of Mailgun's and Adyen's) it is accepted all the
    /// same.
    pub fn tampered(&self) -> Self {
        Self {
            is_tampered: true,
            ..self.clone()
        }
    }

    /// Signed with another key; where a token is sent along, with another token.
    pub fn wrong_key(&self) -> Self {
        Self {
            key: self.key.other(),
            ..self.clone()
        }
    }

    /// With the first half of the signature only.
    pub fn truncated(&self) -> Self {
        Self {
            is_truncated: true,
            ..self.clone()
        }
    }

    /// With the header of the signature twice. Where the signature stands in the payload, as it was.
    pub fn doubled(&self) -> Self {
        Self {
            is_doubled: true,
            ..self.clone()
        }
    }

    /// Sent eight days ago, and signed then. As it was where no time is signed.
    pub fn stale(&self) -> Self {
        Self {
            ahead: -FAR,
            ..self.clone()
        }
    }

    /// Sent eight days from now, and signed then. As it was where no time is signed.
    pub fn future(&self) -> Self {
        Self {
            ahead: FAR,
            ..self.clone()
        }
    }

    /// Declared to be in this content encoding, such as `gzip`. The payload is as it was.
    ///
    /// # Panics
    ///
    /// Panics when `encoding` cannot stand in a header.
    pub fn encoded(&self, encoding: &str) -> Self {
        let encoding = HeaderValue::from_str(encoding).expect("an encoding is a token");
        let mut delivery = self.clone();
        delivery.headers.insert(CONTENT_ENCODING, encoding);
        delivery
    }

    /// Sent in pieces of `bytes`, its length not declared. Nothing is wrong with that.
    pub fn chunked(&self, bytes: usize) -> Self {
        Self {
            frame: Some(bytes.max(1)),
            ..self.clone()
        }
    }

    pub(super) fn spoil(&self, signed: &mut Signed) {
        if self.is_truncated {
            truncate(signed);
        }
        if self.is_tampered {
            let body = signed.body.iter_mut();
            match body.rev().find(|byte| byte.is_ascii_alphanumeric()) {
                // 6 for 7, q for p: letters stay letters, mostly, and JSON stays JSON.
                Some(byte) => *byte ^= 1,
                None => signed.body.push(b' '),
            }
        }
        if let Some(holder) = signed.holder.clone().filter(|_| self.is_doubled) {
            let value = signed.headers.get(&holder).cloned();
            signed.headers.extend(value.map(|value| (holder, value)));
        }
    }
}

/// Cuts the signature, where it stands.
fn truncate(signed: &mut Signed) {
    let whole = signed.signature.clone();
    let half = &whole[..whole.len() / 2];
    if let Some(holder) = &signed.holder {
        if let Some(value) = signed.headers.get_mut(holder) {
            let text = value.to_str().unwrap_or_default().replacen(&whole, half, 1);
            *value = text.parse().expect("a part of a header");
        }
    } else if let Ok(text) = str::from_utf8(&signed.body) {
        signed.body = text.replacen(&whole, half, 1).into();
    }
}
