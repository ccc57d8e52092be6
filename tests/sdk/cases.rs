//! Deliveries that we sign, and what can be done to them.

use http::{HeaderName, HeaderValue, Request};
use serde_json::{Map, Value, json};
use tower_webhook::testing::Delivery;

use crate::providers::{Clock, Provider, Shape};
use crate::receiver::public_url;

/// When all of it happens, in Unix seconds.
pub(super) const NOW: i64 = 1_780_000_000;
const HOST: &str = "https://hooks.example.com";

pub(super) struct Case {
    pub(super) scheme: &'static str,
    pub(super) name: String,
    secret: String,
    url: String,
    headers: Vec<(HeaderName, String)>,
    body: String,
}

impl Case {
    fn new(provider: &Provider, delivery: &Delivery) -> Self {
        let (head, payload) = delivery.request().into_parts();
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let headers = head.headers.iter();
        Self {
            scheme: provider.scheme,
            name: String::new(),
            secret: provider.verifying(),
            url: format!("{HOST}{}", head.uri),
            headers: headers
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            body: String::from_utf8(payload.as_bytes().to_vec()).unwrap(),
        }
    }

    /// As the receiver gets it.
    pub(super) fn request(&self) -> Request<axum::body::Body> {
        let path = self.url.strip_prefix(HOST).unwrap();
        let body = axum::body::Body::from(self.body.clone());
        let mut request = Request::post(path).body(body).unwrap();
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().append(name.clone(), value);
        }
        request
    }

    /// As an SDK gets it from a web framework: of a header that comes twice, the values joined.
    pub(super) fn json(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            let value = match headers.get(name.as_str()) {
                Some(before) => format!("{}, {value}", before.as_str().unwrap()),
                None => value.clone(),
            };
            headers.insert(name.to_string(), value.into());
        }
        json!({
            "scheme": self.scheme,
            "now": NOW,
            "secret": self.secret,
            "url": self.url,
            "headers": headers,
            "body": self.body,
        })
    }

    fn signature(&mut self, provider: &Provider) -> &mut String {
        let mut headers = self.headers.iter_mut();
        let found = headers.find(|(name, _)| *name == provider.signature);
        &mut found.unwrap().1
    }
}

/// Deliveries of one provider.
struct Desk {
    provider: &'static Provider,
    cases: Vec<Case>,
}

impl Desk {
    /// A new delivery, signed at a time with a secret.
    fn fresh(&self, payload: &str, ahead: i64, secret: &str) -> Case {
        Case::new(self.provider, &self.delivery(payload, ahead, secret))
    }

    fn delivery(&self, payload: &str, ahead: i64, secret: &str) -> Delivery {
        let id = format!("rust_{}", self.cases.len());
        let body = payload
            .replace("{{id}}", &id)
            .replace("{{ms}}", &format!("{}000", NOW + ahead));
        let delivery = Delivery::of(self.provider.scheme, secret)
            .id(id)
            .at(NOW + ahead)
            .url(&public_url(self.provider.scheme))
            .body(body);
        self.provider
            .extra
            .iter()
            .fold(delivery, |delivery, (name, value)| {
                delivery.header(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
    }

    fn plain(&self) -> Case {
        self.at(0)
    }

    fn at(&self, ahead: i64) -> Case {
        let (_, payload) = &self.provider.payloads()[0];
        self.fresh(payload, ahead, self.provider.secret)
    }

    fn add(&mut self, name: impl Into<String>, mut case: Case) {
        case.name = name.into();
        self.cases.push(case);
    }

    fn body(&mut self, name: &str, change: impl Fn(&str) -> String) {
        let mut case = self.plain();
        case.body = change(&case.body);
        self.add(format!("body: {name}"), case);
    }

    /// Changes what stands behind the prefix of the signature.
    fn signature(&mut self, name: &str, change: impl Fn(&str) -> String) {
        let prefix = self.provider.prefix;
        self.header(name, |text| {
            let at = if prefix.is_empty() {
                0
            } else {
                text.rfind(prefix).unwrap() + prefix.len()
            };
            format!("{}{}", &text[..at], change(&text[at..]))
        });
    }

    fn header(&mut self, name: &str, change: impl Fn(&str) -> String) {
        let mut case = self.plain();
        let text = case.signature(self.provider);
        *text = change(text);
        self.add(format!("signature: {name}"), case);
    }
}

/// Another digit at `at`, of the same alphabet.
fn flip(text: &str, at: usize) -> String {
    let digit = if text.as_bytes()[at] == b'0' {
        '1'
    } else {
        '0'
    };
    format!("{}{digit}{}", &text[..at], &text[at + 1..])
}

pub(super) fn cases(provider: &'static Provider) -> Vec<Case> {
    let mut desk = Desk {
        provider,
        cases: Vec::new(),
    };
    for (name, payload) in provider.payloads() {
        let case = desk.fresh(&payload, 0, provider.secret);
        desk.add(format!("as signed: {name}"), case);
    }
    let (_, plain) = &provider.payloads()[0];
    let case = desk.fresh(plain, 0, provider.other);
    desk.add("key: another", case);

    desk.body("a letter changed", |body| {
        body.replace("untouched", "untouchee")
    });
    if !provider.signature.is_empty() {
        bodies(&mut desk);
        signatures(&mut desk);
    }
    if provider.signs_time() {
        times(&mut desk);
    }
    if provider.shape == Shape::Form {
        desk.body("fields in another order", |body| {
            let mut fields: Vec<_> = body.split('&').collect();
            fields.reverse();
            fields.join("&")
        });
        desk.body("the same, escaped otherwise", |body| {
            body.replace("untouched", "%75ntouched")
        });
        desk.body("a field twice", |body| format!("{body}&Body=untouched"));
        desk.body("a field more", |body| format!("{body}&More=1"));
        desk.body("a letter from value to name", |body| {
            body.replace("Body=u", "Bodyu=")
        });
    }
    // Square signs the URL that it was given, whatever comes in the query; the URL of
    // `twilio.body_sha256` has a query already.
    let schemes = [
        "twilio.form",
        "twilio.shared_key",
        "hubspot.v3",
        "hubspot.v2_legacy",
    ];
    if schemes.contains(&provider.scheme) {
        urls(&mut desk);
    }
    if provider.scheme == "adyen.payments_fields" {
        fields(&mut desk);
    }
    desk.cases
}

fn bodies(desk: &mut Desk) {
    desk.body("a line feed more", |body| format!("{body}\n"));
    desk.body("a byte less", |body| body[..body.len() - 1].into());
    desk.body("empty", |_| String::new());
    desk.body("of another delivery", |body| body.replace("rust_", "sand_"));
}

fn signatures(desk: &mut Desk) {
    let provider = desk.provider;
    desk.signature("first digit changed", |text| flip(text, 0));
    desk.signature("a middle digit changed", |text| flip(text, text.len() / 2));
    desk.signature("last digit changed", |text| {
        flip(text, text.trim_end_matches('=').len() - 1)
    });
    desk.signature("half of it", |text| text[..text.len() / 2].into());
    desk.signature("none of it", |_| String::new());
    desk.signature("twice in a row", |text| format!("{text}{text}"));
    // Signatures of SendGrid's differ in length, so what these do to one they do not do to another.
    if provider.scheme != "sendgrid.ecdsa_p256" {
        desk.signature("a digit less", |text| text[..text.len() - 1].into());
        desk.signature("a digit more", |text| format!("{text}0"));
        if desk.plain().signature(provider).ends_with('=') {
            desk.signature("without padding", |text| text.trim_end_matches('=').into());
            desk.signature("more padding", |text| format!("{text}="));
            desk.signature("junk after the padding", |text| format!("{text}AAAA"));
            desk.signature("URL-safe alphabet", |text| {
                text.replace('+', "-").replace('/', "_")
            });
        } else {
            desk.signature("upper case", str::to_uppercase);
        }
    }
    if !provider.prefix.is_empty() {
        desk.signature("a space before", |text| format!(" {text}"));
        desk.header("without prefix", |text| text.replace(provider.prefix, ""));
        desk.header("prefix in upper case", |text| {
            text.replace(provider.prefix, &provider.prefix.to_uppercase())
        });
        let next = match provider.prefix {
            "sha256=" => "sha512=",
            "v0=" => "v9=",
            "h1=" => "h9=",
            "v1," => "v9,",
            _ => "v9=",
        };
        desk.header("of another version", |text| {
            text.replace(provider.prefix, next)
        });
    }
    let separator = match (provider.prefix, provider.clock) {
        ("h1=", _) => ";",
        ("v1,", _) => " ",
        (_, Clock::Inside) => ",",
        (_, Clock::InsideMillis) => ", ",
        _ => "",
    };
    if !separator.is_empty() {
        let prefix = provider.prefix;
        let joint = format!("{separator}{prefix}");
        desk.signature("a wrong one before", |right| {
            format!("{}{joint}{right}", flip(right, 3))
        });
        desk.signature("a wrong one after", |right| {
            format!("{right}{joint}{}", flip(right, 3))
        });
        desk.signature("junk before", |right| format!("junk{joint}{right}"));
        desk.signature("junk after", |right| format!("{right}{joint}junk"));
        desk.header("another version beside", |text| {
            let joint = if prefix.ends_with('=') { "=" } else { "," };
            format!("{text}{separator}v7{joint}abcd")
        });
    }
    let mut case = desk.plain();
    case.headers.retain(|(name, _)| *name != provider.signature);
    desk.add("signature: no header", case);
    if provider.scheme == "sendgrid.ecdsa_p256" {
        return;
    }
    let mut case = desk.plain();
    let text = case.signature(provider).clone();
    case.headers
        .push((HeaderName::from_static(provider.signature), text));
    desk.add("signature: the header twice", case);
}

fn times(desk: &mut Desk) {
    let provider = desk.provider;
    let tolerance = provider.entry().tolerance;
    let tolerance = i64::try_from(tolerance.unwrap_or(300)).unwrap();
    let ages = [
        ("just inside", 1 - tolerance),
        ("at the edge", -tolerance),
        ("just outside", -tolerance - 1),
        ("a day old", -86_400),
        ("ahead by a second", 1),
        ("ahead by an hour", 3_600),
    ];
    for (name, ahead) in ages {
        let case = desk.at(ahead);
        desk.add(format!("time: {name}"), case);
    }
    let (now, next) = (provider.time(NOW), provider.time(NOW + 1));
    let change = |desk: &Desk, to: &str| {
        let mut case = desk.plain();
        match provider.clock {
            Clock::Payload => case.body = case.body.replace(&now, to),
            Clock::Inside | Clock::InsideMillis => {
                let text = case.signature(provider);
                *text = text.replace(&now, to);
            }
            Clock::Seconds(header) | Clock::Millis(header) => {
                let mut headers = case.headers.iter_mut();
                headers.find(|(name, _)| *name == header).unwrap().1 = to.into();
            }
            Clock::None => unreachable!(),
        }
        case
    };
    let texts = [
        ("another than was signed", next),
        ("with a zero before it", format!("0{now}")),
        ("with a plus before it", format!("+{now}")),
        ("with a fraction", format!("{now}.0")),
        ("no number", "yesterday".into()),
        ("empty", String::new()),
    ];
    for (name, text) in texts {
        let case = change(desk, &text);
        desk.add(format!("time: {name}"), case);
    }
    // Around the value of a header HTTP knows no spaces.
    if matches!(provider.clock, Clock::Inside | Clock::InsideMillis) {
        let case = change(desk, &format!("{now} "));
        desk.add("time: with a space after it", case);
    }
    if let Clock::Seconds(header) | Clock::Millis(header) = provider.clock {
        let mut case = desk.plain();
        case.headers.retain(|(name, _)| *name != header);
        desk.add("time: no header", case);
    }
}

fn urls(desk: &mut Desk) {
    let (_, plain) = &desk.provider.payloads()[0];
    let to = |desk: &Desk, query: &str| {
        let url = public_url(desk.provider.scheme) + query;
        let delivery = desk.delivery(plain, 0, desk.provider.secret).url(&url);
        Case::new(desk.provider, &delivery)
    };
    for (name, query) in [
        ("a query", "?tenant=7&user=x"),
        ("a query with escapes", "?name=O%27Hara&x=a%20b+c"),
    ] {
        // HubSpot undoes escapes before it signs, and leaves it to receivers to do so too.
        if query.contains('%') && desk.provider.scheme == "hubspot.v3" {
            continue;
        }
        let case = to(desk, query);
        desk.add(format!("url: {name}"), case);
        let mut case = to(desk, query);
        case.url += "&admin=1";
        desk.add(format!("url: {name}, added to"), case);
    }
    let mut case = desk.plain();
    case.url += "?admin=1";
    desk.add("url: a query that was not signed", case);
    if desk.provider.scheme.starts_with("twilio") {
        let url = public_url(desk.provider.scheme).replace(HOST, &format!("{HOST}:443"));
        let delivery = desk.delivery(plain, 0, desk.provider.secret).url(&url);
        let case = Case::new(desk.provider, &delivery);
        desk.add("url: with its port", case);
    }
}

/// Where some fields of the payload are signed, and the signature is another.
fn fields(desk: &mut Desk) {
    for (name, from, to) in [
        ("another amount", "1130", "1131"),
        ("another currency", "EUR", "USD"),
        ("another merchant", "\"Test\"", "\"Best\""),
        ("a failure", "\"true\"", "\"false\""),
        ("another event", "AUTHORISATION", "REFUND"),
        ("another payment", "rust_", "sand_"),
        (
            "an original payment",
            "\"pspReference\"",
            "\"originalReference\":\"x\",\"pspReference\"",
        ),
        (
            "what is not signed",
            "\"live\":\"false\"",
            "\"live\":\"true\"",
        ),
        ("no signature", "\"hmacSignature\"", "\"signature\""),
    ] {
        desk.body(name, |body| {
            assert!(body.contains(from), "{body}");
            body.replace(from, to)
        });
    }
}
