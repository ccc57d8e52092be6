//! The whole stack, over a store in memory, by rows of requests.
//!
//! Input: requests, with a line `%` between them. The first line of each says who sends it: `0` to `5`, one of
//! the schemes, signs it, so many seconds from now (`0 -400`); anything else is sent as it is. The rest is the
//! request; of one that is signed the headers come beside those of the scheme.

use std::cell::RefCell;
use std::collections::HashSet;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use tower::{Layer as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::delivery::{Delivery as Verified, DeliveryId};
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::outcome::Outcome;
use tower_webhook::rejection::Rejection;
use tower_webhook::scheme::AnyScheme;
use tower_webhook::scheme::catalog;
use tower_webhook::store::MokaStore;
use tower_webhook::testing::Delivery;
use tower_webhook::verify::Verified as _;

use crate::NOW;
use crate::request::{read, split};
use crate::run::{At, ask};

/// The schemes, and how many seconds ahead they allow.
const SCHEMES: [(&str, i64); 6] = [
    ("github.sha256", i64::MAX),
    ("stripe.v1", 60),
    ("standard_webhooks.v1", 300),
    ("slack.v0", 300),
    ("zoom.v0", 60),
    ("discord.ed25519", 60),
];
/// How old a delivery may be, in seconds.
const WINDOW: i64 = 300;
/// Longest body, in bytes.
const MAX_BODY: u32 = 1_024;

static SENDERS: LazyLock<Vec<(Delivery, AnyScheme)>> = LazyLock::new(|| {
    let sender = |(id, _)| {
        let secret = match id {
            "standard_webhooks.v1" => "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            _ => "3031323334353637383961626364656630313233343536373839616263646566",
        };
        let delivery = Delivery::of(id, secret);
        let entry = catalog::find(id).expect("a scheme of the catalog");
        let scheme = entry.build(&delivery.options().with_clock(At(NOW)));
        (delivery, scheme.expect("the options are its own"))
    };
    SCHEMES.map(sender).into()
});

/// What reached a handler: by which scheme, the body, what verification established.
type Handled = Arc<Mutex<Vec<(usize, Bytes, Verified)>>>;

/// Every answer is one of the contract's; a handler sees what was signed and is fresh, once.
pub fn stack(data: &[u8]) {
    let handled = Handled::default();
    let mut signed = HashSet::new();
    let mut done = HashSet::new();
    let stacks: Vec<_> = (0..SCHEMES.len())
        .map(|scheme| stack_of(scheme, &handled))
        .collect();
    let mut rest = data;
    while !rest.is_empty() {
        let (text, others) = split(rest, b"\n%\n");
        rest = others;
        let sent = Sent::read(text);
        if let (Some(_), true) = (sent.ahead, sent.is_fresh()) {
            signed.insert((sent.scheme, sent.body.clone()));
        }
        let response = stacks[sent.scheme](sent.head.clone(), sent.body.clone());
        let outcome = Some(Outcome::of(&response));
        check_answer(response.status(), outcome, &sent);
        let handled = std::mem::take(&mut *handled.lock().expect("nothing panics"));
        assert!(handled.len() <= 1, "{handled:?}");
        for (scheme, body, delivery) in handled {
            assert!(
                signed.contains(&(scheme, body.clone())),
                "it was not signed, or is not fresh: {sent:?}"
            );
            let id = match delivery.id {
                DeliveryId::Signed(id) => Some(id),
                _ => None,
            };
            let once = !response.status().is_success() || done.insert((scheme, body, id));
            assert!(once, "twice: {sent:?}");
        }
    }
}

/// A request, and whether its scheme signed it.
#[derive(Debug)]
struct Sent {
    scheme: usize,
    /// Seconds from now, where it is signed.
    ahead: Option<i64>,
    head: Parts,
    body: Bytes,
    /// Whether it is just as its scheme made it.
    is_plain: bool,
}

impl Sent {
    fn read(text: &[u8]) -> Self {
        let (first, text) = split(text, b"\n");
        let (scheme, ahead) = split(first, b" ");
        let (head, body) = read(text);
        let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<i64>().ok();
        let scheme = number(scheme).and_then(|scheme| usize::try_from(scheme).ok());
        let Some(scheme) = scheme.filter(|scheme| *scheme < SCHEMES.len()) else {
            let scheme = first.len() % SCHEMES.len();
            return Self {
                scheme,
                ahead: None,
                head,
                body,
                is_plain: false,
            };
        };
        // Times that the scheme can write.
        let ahead = number(ahead).unwrap_or(0).clamp(-100_000_000, 100_000_000);
        let id = head.headers.get("x-id").and_then(|id| id.to_str().ok());
        let id = id.filter(|id| !id.is_empty()).unwrap_or("id-1");
        let delivery = SENDERS[scheme].0.clone().id(id).at(NOW + ahead).body(body);
        let (mut sent, payload) = delivery.request().into_parts();
        let is_plain = head.headers.keys().all(|name| name == "x-id");
        sent.method = head.method;
        sent.headers.extend(head.headers);
        Self {
            scheme,
            ahead: Some(ahead),
            head: sent,
            body: payload.into(),
            is_plain,
        }
    }

    fn is_fresh(&self) -> bool {
        let (id, skew) = SCHEMES[self.scheme];
        // GitHub signs no time.
        id == "github.sha256"
            || self
                .ahead
                .is_some_and(|ahead| ahead >= -WINDOW && ahead <= skew)
    }
}

/// What an answer may be.
fn check_answer(status: StatusCode, outcome: Option<Outcome>, sent: &Sent) {
    let expected = match outcome {
        Some(Outcome::Rejected(why)) => why.status(),
        // What the handler below says.
        Some(Outcome::HandlerError) if status == StatusCode::BAD_REQUEST => status,
        Some(Outcome::HandlerError) => StatusCode::INTERNAL_SERVER_ERROR,
        Some(Outcome::HandlerRejected) => StatusCode::GONE,
        Some(Outcome::Duplicate) if status == StatusCode::GONE => status,
        _ => StatusCode::OK,
    };
    assert_eq!(status, expected, "{outcome:?} {sent:?}");
    if sent.is_plain && sent.head.method == "POST" && sent.ahead.is_some() {
        let refused = [
            Rejection::Unauthenticated,
            Rejection::Encoding,
            Rejection::Method,
        ];
        let is_refused = refused
            .iter()
            .any(|why| outcome == Some(Outcome::Rejected(*why)));
        // An id that holds the sign between the parts of what is signed is none.
        let is_dotted = sent.head.headers.get("x-id").is_some();
        assert!(!is_refused || is_dotted, "{outcome:?} {sent:?}");
    }
    if sent.ahead.is_none() {
        let is_refused = !status.is_success();
        assert!(is_refused, "nobody signed it: {outcome:?} {sent:?}");
    }
}

type Stack = Box<dyn Fn(Parts, Bytes) -> Response<()>>;

fn stack_of(scheme: usize, handled: &Handled) -> Stack {
    let inbound =
        Inbound::builder_with_store(SENDERS[scheme].1.clone(), MokaStore::with_capacity(64))
            .clock(At(NOW))
            .max_payload_bytes(MAX_BODY)
            // Without it a header that nobody signed may tell one delivery from another.
            .strict_replay()
            .build()
            .expect("nothing is wrong with it");
    let handled = Arc::clone(handled);
    let handler = service_fn(move |request: Request<ClaimedBody>| {
        let handled = Arc::clone(&handled);
        async move {
            let body = request.body().as_bytes().clone();
            let mut answer = Response::new(http_body_util::Full::<Bytes>::default());
            *answer.status_mut() = match body.len() % 7 {
                4 => StatusCode::GONE,
                5 => StatusCode::INTERNAL_SERVER_ERROR,
                6 => StatusCode::BAD_REQUEST,
                _ => StatusCode::OK,
            };
            let delivery = request.body().delivery().clone();
            handled
                .lock()
                .expect("nothing panics")
                .push((scheme, body, delivery));
            Ok::<_, Infallible>(answer)
        }
    });
    let service = inbound.layer(handler);
    let service = Rc::new(RefCell::new(service));
    Box::new(move |head, body| ask(service.borrow().clone(), head, body))
}
