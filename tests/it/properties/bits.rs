//! No single bit of what is signed can be changed.

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use tower_webhook::delivery::DeliveryId;

use super::*;

/// One delivery, its receiver, and what the receiver said.
struct Case {
    entry: &'static Entry,
    scheme: AnyScheme,
    delivery: Delivery,
    request: Request<Bytes>,
    verified: Verified,
}

impl Case {
    fn new(entry: &'static Entry, delivery: Delivery) -> Self {
        let scheme = entry.build(&delivery.options()).unwrap();
        let request = bytes(delivery.request());
        let verified = judge(&scheme, &request);
        let verified = verified.unwrap_or_else(|err| panic!("{}: {err:?}: {request:?}", entry.id));
        Self {
            entry,
            scheme,
            delivery,
            request,
            verified,
        }
    }

    fn judge(&self, request: &Request<Bytes>) -> Result<Verified, AuthErrorKind> {
        judge(&self.scheme, request)
    }

    fn with_header(&self, name: &HeaderName, value: HeaderValue) -> Request<Bytes> {
        let mut request = self.request.clone();
        request.headers_mut().insert(name.clone(), value);
        request
    }

    fn with_body(&self, body: Vec<u8>) -> Request<Bytes> {
        self.request.clone().map(|_| body.into())
    }

    /// The header, or the place in the body, where `text` stands.
    fn place(&self, text: &str) -> Option<Place> {
        let headers = self.request.headers();
        let holds = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains(text));
        let header = headers.iter().find(|(_, value)| holds(value));
        if let Some((name, value)) = header {
            let at = value.to_str().unwrap().find(text).unwrap();
            return Some(Place::Header(name.clone(), at..at + text.len()));
        }
        let body = std::str::from_utf8(self.request.body()).ok()?;
        let at = body.find(text)?;
        Some(Place::Body(at..at + text.len()))
    }

    /// The request with one bit of `place` changed; `None` where no header can be so.
    fn flip(&self, place: &Place, bit: usize) -> Option<Request<Bytes>> {
        let flip = |bytes: &mut [u8], range: &std::ops::Range<usize>| {
            let bit = bit % (range.len() * 8);
            bytes[range.start + bit / 8] ^= 1 << (bit % 8);
        };
        match place {
            Place::Header(name, range) => {
                let mut value = self.request.headers()[name].as_bytes().to_vec();
                flip(&mut value, range);
                let value = HeaderValue::from_bytes(&value).ok()?;
                Some(self.with_header(name, value))
            }
            Place::Body(range) => {
                let mut body = self.request.body().to_vec();
                flip(&mut body, range);
                Some(self.with_body(body))
            }
        }
    }

    fn body_holds(&self, bit: usize) {
        if self.request.body().is_empty() {
            return;
        }
        let place = Place::Body(0..self.request.body().len());
        let request = self.flip(&place, bit).unwrap();
        let Ok(other) = self.judge(&request) else {
            return;
        };
        // Some schemes sign what the body decodes to, or nothing of it, and their profile says so.
        let same =
            other.content_digest.is_some() && other.content_digest == self.verified.content_digest;
        let unbound = !self.scheme.profile().signs_body();
        assert!(same || unbound, "{}: body {request:?}", self.entry.id);
    }

    fn signature_holds(&self, bit: usize) {
        let place = match holder(&self.delivery) {
            Some(holder) => {
                let len = self.request.headers()[&holder].len();
                Place::Header(holder, 0..len)
            }
            None => self.signature_in_body(),
        };
        let Some(request) = self.flip(&place, bit) else {
            return;
        };
        if self.judge(&request).is_ok() {
            assert!(
                self.is_spelling(&place, &request),
                "{}: {request:?}",
                self.entry.id
            );
        }
    }

    /// The second half of the signature: what `truncated` cuts.
    fn signature_in_body(&self) -> Place {
        let cut = bytes(self.delivery.truncated().request());
        let (whole, cut) = (self.request.body(), cut.body());
        let same = whole.iter().zip(cut).take_while(|(a, b)| a == b).count();
        Place::Body(same..same + whole.len() - cut.len())
    }

    /// Whether two signatures differ in the case of hex digits only.
    fn is_spelling(&self, place: &Place, other: &Request<Bytes>) -> bool {
        let text = |request: &Request<Bytes>| match place {
            Place::Header(name, _) => request.headers()[name].as_bytes().to_vec(),
            Place::Body(range) => request.body()[range.clone()].to_vec(),
        };
        let (ours, theirs) = (text(&self.request), text(other));
        let hex = |text: &[u8]| {
            let digits = text
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_hexdigit());
            let digits = digits.count();
            (text.len() - digits, digits)
        };
        let (start, digits) = hex(&ours);
        digits >= 32
            && hex(&theirs) == (start, digits)
            && ours[..start] == theirs[..start]
            && ours.eq_ignore_ascii_case(&theirs)
    }

    fn time_holds(&self, bit: usize) {
        let Some(time) = self.verified.timestamp else {
            return;
        };
        let date = humantime::format_rfc3339_seconds(
            std::time::UNIX_EPOCH + std::time::Duration::from_secs(time.unsigned_abs()),
        );
        let texts = [
            (time * 1000).to_string(),
            time.to_string(),
            date.to_string(),
        ];
        let place = texts.iter().find_map(|text| self.place(text));
        let place = place.unwrap_or_else(|| panic!("{}: no time", self.entry.id));
        if let Some(request) = self.flip(&place, bit) {
            assert!(
                self.judge(&request).is_err(),
                "{}: {request:?}",
                self.entry.id
            );
        }
    }

    fn id_holds(&self, bit: usize) {
        let (id, is_signed) = match &self.verified.id {
            DeliveryId::Signed(id) => (id, true),
            DeliveryId::Unsigned(id) => (id, false),
            // It is a digest, or stands in the body.
            _ => return,
        };
        let Some(place) = self.place(id) else {
            assert_eq!(
                self.entry.id, "adyen.payments_fields",
                "what is signed is the id"
            );
            return;
        };
        let Some(request) = self.flip(&place, bit) else {
            return;
        };
        match self.judge(&request) {
            Ok(other) => {
                assert!(!is_signed, "{}: {request:?}", self.entry.id);
                assert!(matches!(other.id, DeliveryId::Unsigned(_)));
            }
            // What is no text is no id.
            Err(AuthErrorKind::MalformedHeader) => {}
            Err(err) => assert!(is_signed, "{}: {err:?}: {request:?}", self.entry.id),
        }
    }

    fn key_holds(&self, key: [u8; 32], bit: usize) {
        let mut other = key;
        other[bit / 8 % 32] ^= 1 << (bit % 8);
        let text = secret(self.entry.secret, other);
        if text == secret(self.entry.secret, key) {
            return; // The bit that no private key of P-256 has here.
        }
        let options = Delivery::of(self.entry.id, &text).options();
        let scheme = self.entry.build(&options).unwrap();
        assert!(judge(&scheme, &self.request).is_err(), "{}", self.entry.id);
    }
}

#[derive(Debug)]
enum Place {
    Header(HeaderName, std::ops::Range<usize>),
    Body(std::ops::Range<usize>),
}

#[test]
fn no_bit_of_what_is_signed_can_be_changed() {
    for entry in signing() {
        let run = runner().run(&any::<u64>(), |seed| {
            let mut dice = Dice(seed);
            let key = dice.key();
            let delivery = delivery(entry, key, &mut dice);
            let [body, signature, time, id, secret] = std::array::from_fn(|_| dice.below(1 << 20));
            let case = Case::new(entry, delivery);
            case.body_holds(body);
            case.signature_holds(signature);
            case.time_holds(time);
            case.id_holds(id);
            case.key_holds(key, secret);
            Ok(())
        });
        run.unwrap_or_else(|err| panic!("{}: {err}", entry.id));
    }
}
