//! Deliveries of two classes that differ in nothing but what is asked about.

use bytes::Bytes;
use hmac::{KeyInit as _, Mac as _};
use http::{HeaderName, HeaderValue, Uri};

use super::common::frames::{Delivery, Model};
use super::common::payload::push;
use super::common::{KEY, Mac, keyed};

const SIZE: usize = 1 << 10;
/// The second secret of a rotation, as long as the first.
pub(crate) const OTHER: &str = "another ex secret";

/// Numbers that look like chance, from a fixed seed (SplitMix64).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Self {
        Self(0x7469_6d69_6e67)
    }

    pub(crate) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.throw() % end
    }

    pub(crate) fn coin(&mut self) -> usize {
        // The lowest bit is as good as any.
        (self.throw() & 1) as usize
    }

    /// From 0 to 1.
    pub(crate) fn part(&mut self) -> f64 {
        self.throw() as f64 / u64::MAX as f64
    }

    /// A byte that changes what it is added to by XOR.
    fn change(&mut self) -> u8 {
        (self.throw() % 255) as u8 + 1
    }
}

/// Makes deliveries whose bodies are all different, and equally long.
pub(crate) struct Maker {
    body: Vec<u8>,
    // Where digits stand that may be any others.
    digits: usize,
    serial: u64,
}

/// How a signature is wrong: one byte of it, changed by this. By zero: it is right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrong {
    at: usize,
    by: u8,
}

impl Wrong {
    pub(crate) const NOT: Self = Self { at: 0, by: 0 };

    pub(crate) fn at(at: usize, dice: &mut Dice) -> Self {
        let by = dice.change();
        Self { at, by }
    }
}

impl Maker {
    pub(crate) fn new() -> Self {
        let body = push(SIZE).to_vec();
        let text = str::from_utf8(&body).expect("JSON");
        let digits = text.find("6113728f").expect("the commit of the push");
        Self {
            body,
            digits,
            serial: 0,
        }
    }

    fn body(&mut self, dice: &mut Dice) -> Bytes {
        let number = format!("{:016x}{:016x}", dice.throw(), dice.throw());
        self.body[self.digits..][..number.len()].copy_from_slice(number.as_bytes());
        Bytes::copy_from_slice(&self.body)
    }

    /// A delivery of GitHub's.
    pub(crate) fn github(&mut self, dice: &mut Dice, wrong: Wrong) -> Delivery {
        let body = self.body(dice);
        let mut mac = keyed();
        mac.update(&body);
        self.signed(body, mac.finalize().into_bytes().into(), wrong)
    }

    /// A delivery of GitHub's, signed with the first secret or with the second.
    pub(crate) fn github_by(&mut self, dice: &mut Dice, secret: usize) -> Delivery {
        let body = self.body(dice);
        let key = [KEY, OTHER][secret].as_bytes();
        let mut mac = Mac::new_from_slice(key).expect("any length");
        mac.update(&body);
        self.signed(body, mac.finalize().into_bytes().into(), Wrong::NOT)
    }

    fn signed(&mut self, body: Bytes, mut mac: [u8; 32], wrong: Wrong) -> Delivery {
        mac[wrong.at] ^= wrong.by;
        let mut text = *b"sha256=0000000000000000000000000000000000000000000000000000000000000000";
        const_hex::encode_to_slice(mac, &mut text[7..]).expect("64 digits");
        let signature = HeaderValue::from_bytes(&text).expect("hex digits");
        self.serial += 1;
        let frame = body.len();
        let model = Model {
            body,
            frame,
            signature,
        };
        model.delivery(self.serial)
    }

    /// A delivery by Standard Webhooks.
    pub(crate) fn standard(&mut self, dice: &mut Dice, wrong: Wrong) -> Delivery {
        use base64::Engine as _;
        let body = self.body(dice);
        let (id, time) = (format!("msg_{:016x}", dice.throw()), 1_795_000_000);
        let mut mac = keyed();
        mac.update(format!("{id}.{time}.").as_bytes());
        mac.update(&body);
        let mut mac: [u8; 32] = mac.finalize().into_bytes().into();
        mac[wrong.at] ^= wrong.by;
        let signature = base64::engine::general_purpose::STANDARD.encode(mac);
        let mut delivery = self.signed(body, mac, Wrong::NOT);
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", time.to_string()),
            ("webhook-signature", format!("v1,{signature}")),
        ] {
            let value = HeaderValue::try_from(value).expect("letters and digits");
            delivery.headers_mut().insert(name, value);
        }
        delivery
    }

    /// A delivery with a token, as GitLab sends it. The change is of the lowest bits, so that letters stay letters.
    pub(crate) fn token(&mut self, dice: &mut Dice, wrong: Wrong) -> Delivery {
        let mut token = KEY.as_bytes().to_vec();
        let at = if wrong.at == 0 { 0 } else { token.len() - 1 };
        token[at] ^= wrong.by & 1 | u8::from(wrong.by > 0);
        let mut delivery = self.github(dice, Wrong::NOT);
        let name = HeaderName::from_static("x-gitlab-token");
        let value = HeaderValue::from_bytes(&token).expect("letters");
        delivery.headers_mut().insert(name, value);
        delivery
    }
}

/// The delivery to another path.
pub(crate) fn to(mut delivery: Delivery, path: &'static str) -> Delivery {
    *delivery.uri_mut() = Uri::from_static(path);
    delivery
}
