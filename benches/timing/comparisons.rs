//! What is compared with what.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use http::{Response, StatusCode};
use tower::{Service, ServiceBuilder};
use tower_webhook::connection::{Connection, ConnectionId, ConnectionMap, Connections};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::{Authenticator, HmacScheme, TokenScheme};
use tower_webhook::secret::Secret;
use tower_webhook::verify::VerifyLayer;

use super::common::frames::Delivery;
use super::common::{KEY, answer, scheme};
use super::deliveries::{Dice, Maker, OTHER, Wrong, to};
use super::leaky::Leaky;

/// The last byte of an HMAC-SHA-256.
const LAST: usize = 31;
const YES: StatusCode = StatusCode::NO_CONTENT;
const NO: StatusCode = StatusCode::UNAUTHORIZED;

/// What is asked of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It is made to leak: where that is not found nothing is.
    Leaks,
    /// The answer tells anyhow.
    Tells,
    /// Nobody may learn it.
    MustNotTell,
    /// Far less than a network lets through, which is about 100 ns.
    MustBeSmall,
}

/// Two classes of deliveries, and what they go through.
pub(crate) struct Comparison {
    pub(crate) name: &'static str,
    pub(crate) judged: Judged,
    /// How each class is answered.
    pub(crate) statuses: [StatusCode; 2],
    pub(crate) prepare: Prepare,
    /// Nanoseconds up to the verdict, and what it is.
    pub(crate) run: Run,
}

type Prepare = Box<dyn FnMut(&mut Dice, usize) -> Delivery>;
type Run = Box<dyn FnMut(Delivery) -> (f64, StatusCode)>;

/// Times one delivery on its way through limit and verify.
fn through(scheme: impl Authenticator) -> Run {
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme))
        .service_fn(answer);
    timed(stack)
}

fn timed<S, R>(mut stack: S) -> Run
where
    S: Service<Delivery, Response = Response<R>, Error = Infallible> + 'static,
{
    Box::new(move |delivery| {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(stack.poll_ready(&mut cx).is_ready());
        let start = Instant::now();
        let mut verdict = pin!(stack.call(black_box(delivery)));
        let Poll::Ready(Ok(answer)) = verdict.as_mut().poll(&mut cx) else {
            panic!("all of the body is there");
        };
        let answer = black_box(answer);
        let took = start.elapsed();
        (took.as_nanos() as f64, answer.status())
    })
}

fn secret(text: &str) -> Secret {
    Secret::new(text).expect("long enough")
}

/// One connection, which is there.
fn connections() -> Connections<ConnectionMap> {
    let id = ConnectionId::new("github", "primary");
    Connections::new(ConnectionMap::new([Connection::new(id, scheme())]))
}

/// A signature that is wrong in its first byte, or in its last.
fn first_or_last(dice: &mut Dice, class: usize) -> Wrong {
    Wrong::at(class * LAST, dice)
}

/// All of them, controls first.
pub(crate) fn all() -> Vec<Comparison> {
    let comparison = |name, judged, statuses, prepare, run| Comparison {
        name,
        judged,
        statuses,
        prepare,
        run,
    };
    let github = || {
        let mut maker = Maker::new();
        let prepare = move |dice: &mut Dice, class| {
            let wrong = first_or_last(dice, class);
            maker.github(dice, wrong)
        };
        Box::new(prepare)
    };
    let (mut same, mut right) = (Maker::new(), Maker::new());
    let (mut standard, mut token) = (Maker::new(), Maker::new());
    let (mut unknown, mut rotated) = (Maker::new(), Maker::new());
    vec![
        comparison(
            "control: a loop that leaves at the first wrong byte; wrong in the first byte, in the last",
            Judged::Leaks,
            [NO; 2],
            github(),
            through(Leaky::new()),
        ),
        comparison(
            "control: both classes the same",
            Judged::MustNotTell,
            [NO; 2],
            Box::new(move |dice, _| {
                let wrong = Wrong::at(LAST, dice);
                same.github(dice, wrong)
            }),
            through(scheme()),
        ),
        comparison(
            "HMAC in hex: wrong in the first byte, in the last",
            Judged::MustNotTell,
            [NO; 2],
            github(),
            through(scheme()),
        ),
        comparison(
            "HMAC in base64, in a list: wrong in the first byte, in the last",
            Judged::MustNotTell,
            [NO; 2],
            Box::new(move |dice, class| {
                let wrong = first_or_last(dice, class);
                standard.standard(dice, wrong)
            }),
            through(HmacScheme::standard_webhooks(secret(KEY))),
        ),
        comparison(
            "token: wrong in the first byte, in the last",
            Judged::MustNotTell,
            [NO; 2],
            Box::new(move |dice, class| {
                let wrong = first_or_last(dice, class);
                token.token(dice, wrong)
            }),
            through(TokenScheme::gitlab(secret(KEY))),
        ),
        comparison(
            "connection: known, unknown",
            Judged::MustBeSmall,
            [NO; 2],
            Box::new(move |dice, class| {
                let wrong = Wrong::at(LAST, dice);
                let paths = ["/webhooks/github/primary", "/webhooks/github/another"];
                to(unknown.github(dice, wrong), paths[class])
            }),
            through(connections()),
        ),
        comparison(
            "rotation: signed with the first secret, with the second",
            Judged::MustNotTell,
            [YES; 2],
            Box::new(move |dice, class| rotated.github_by(dice, class)),
            through(HmacScheme::github(secret(KEY)).or_secret(secret(OTHER))),
        ),
        comparison(
            "signature: wrong, right (which the status tells)",
            Judged::Tells,
            [NO, YES],
            Box::new(move |dice, class| {
                let wrong = Wrong::at(LAST, dice);
                let wrong = if class == 0 { wrong } else { Wrong::NOT };
                right.github(dice, wrong)
            }),
            through(scheme()),
        ),
    ]
}
