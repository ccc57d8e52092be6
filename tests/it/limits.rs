//! What a body may take: time, and bytes of the budget.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{Limited, StreamBody};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_webhook::BoxError;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::{Authenticator, HmacPass, HmacScheme, OpenError, Opened, Scheme};
use tower_webhook::secret::Secret;
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

const KEY: &str = "0123456789abcdef";

/// What a sender does next.
#[derive(Clone, Copy)]
enum Step {
    Sends(&'static str),
    SendsTrailers,
    Waits(u64),
    Hangs,
    Breaks,
}
use Step::{Breaks, Hangs, Sends, SendsTrailers, Waits};

type Steps = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, BoxError>> + Send>>;

fn steps(steps: &'static [Step]) -> StreamBody<Steps> {
    let frames = stream::iter(steps).filter_map(|step| async move {
        match *step {
            Sends(text) => Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))),
            SendsTrailers => Some(Ok(Frame::trailers(HeaderMap::new()))),
            Waits(millis) => {
                sleep(Duration::from_millis(millis)).await;
                None
            }
            Hangs => pending().await,
            Breaks => Some(Err("reset by the peer".into())),
        }
    });
    StreamBody::new(frames.boxed())
}

fn signed<B>(text: &str, body: B) -> Request<B> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let mac = const_hex::encode(mac.finalize().into_bytes());
    let req = Request::post("/").header("x-hub-signature-256", format!("sha256={mac}"));
    req.body(body).unwrap()
}

fn verify() -> VerifyLayer<HmacScheme> {
    VerifyLayer::new(HmacScheme::github(Secret::new(KEY).unwrap()))
}

async fn taken(_: Request<VerifiedBody>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(String::new()))
}

/// The answer to this body, and after how many milliseconds it came.
async fn answered(limits: &BodyLimitLayer, body: &'static [Step]) -> (u16, u128) {
    let text = body.iter().filter_map(|step| match step {
        Sends(text) => Some(*text),
        _ => None,
    });
    let req = signed(&text.collect::<String>(), steps(body));
    let start = Instant::now();
    let Ok(response) = limits
        .layer(verify().layer(service_fn(taken)))
        .oneshot(req)
        .await;
    (response.status().as_u16(), start.elapsed().as_millis())
}

/// Timers count whole milliseconds, and end behind theirs.
fn is_at(millis: u128) -> impl Fn((u16, u128)) -> bool {
    move |(status, at)| status == 408 && (millis..=millis + 2).contains(&at)
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_a_second_and_what_its_bytes_buy() {
    let limits = BodyLimitLayer::new(64).with_min_rate(10);
    let late = answered(&limits, &[Hangs]).await;
    assert!(is_at(1000)(late), "{late:?}");
    let late = answered(&limits, &[Sends("0123456789"), Sends("01234"), Hangs]).await;
    assert!(is_at(2500)(late), "{late:?}");
    // What comes while it is waited for buys time too.
    let body = &[Sends("0123456789"), Waits(1500), Sends("0123456789"), Hangs];
    let late = answered(&limits, body).await;
    assert!(is_at(3000)(late), "{late:?}");
    let body = &[Sends("0123456789"), Waits(1900), Sends("01"), SendsTrailers];
    assert_eq!(answered(&limits, body).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn no_body_outlives_its_deadline_whatever_it_brings() {
    let limits = BodyLimitLayer::new(64)
        .with_min_rate(10)
        .with_deadline(Duration::from_secs(2));
    let late = answered(&limits, &[Sends("0123456789012345678901234567890"), Hangs]).await;
    assert!(is_at(2000)(late), "{late:?}");
    // In time, but never done.
    let trickle = &[
        Sends("0123456789"),
        Waits(1800),
        Sends("0"),
        Waits(300),
        Sends("0"),
    ];
    let late = answered(&limits, trickle).await;
    assert!(is_at(2000)(late), "{late:?}");
}

/// Secrets that somebody else keeps, who takes his time.
struct SlowVault(Duration);

impl Authenticator for SlowVault {
    type Pass = HmacPass;
    type Opening = Pin<Box<dyn Future<Output = Result<Opened<HmacPass>, OpenError>> + Send>>;

    fn open(&self, head: &Parts) -> Self::Opening {
        let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
        let pass = scheme.begin(head).unwrap();
        let opened = Opened::new(pass, Scheme::profile(&scheme));
        let takes = self.0;
        Box::pin(async move {
            sleep(takes).await;
            Ok(opened)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_body_is_what_its_sender_is_waited_for() {
    let vault = VerifyLayer::new(SlowVault(Duration::from_secs(9)));
    let stack = BodyLimitLayer::new(64).layer(vault.layer(service_fn(taken)));
    let body = steps(&[Waits(900), Sends("{}")]);
    let Ok(response) = stack.clone().oneshot(signed("{}", body)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let start = Instant::now();
    let Ok(response) = stack.oneshot(signed("", steps(&[Hangs]))).await;
    let late = (response.status().as_u16(), start.elapsed().as_millis());
    assert!(is_at(10_000)(late), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_rate_only_the_deadline_counts() {
    let limits = BodyLimitLayer::new(64).with_min_rate(0);
    let late = answered(&limits, &[Hangs]).await;
    assert!(is_at(10_000)(late), "{late:?}");
    assert_eq!(answered(&limits, &[Waits(9_900), Sends("{}")]).await.0, 200);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400_and_one_that_passed_a_limit_further_out_413() {
    let limits = BodyLimitLayer::new(64);
    assert_eq!(answered(&limits, &[Sends("{"), Breaks]).await.0, 400);
    let handler = service_fn(|_: Request<VerifiedBody>| async {
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let body = Limited::new(steps(&[Sends("0123456789")]), 4);
    let Ok(response) = limits
        .layer(verify().layer(handler))
        .oneshot(signed("", body))
        .await;
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit() {
    let handler = service_fn(|_: Request<VerifiedBody>| async {
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    for (max, status) in [(10, 200), (9, 413)] {
        let stack = BodyLimitLayer::new(max).layer(verify().layer(handler));
        let req = signed("0123456789", "0123456789".to_owned());
        let Ok(response) = stack.oneshot(req).await;
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn a_verified_body_holds_as_much_of_the_budget_as_it_is_long() {
    let gate = &Notify::new();
    for (budget, expected) in [(25, StatusCode::SERVICE_UNAVAILABLE), (26, StatusCode::OK)] {
        let handler = service_fn(|req: Request<VerifiedBody>| async move {
            if req.headers().contains_key("x-waits") {
                gate.notified().await;
            }
            Ok::<_, Infallible>(Response::new(req.into_body()))
        });
        let mut stack = BodyLimitLayer::new(16)
            .with_budget(budget)
            .layer(verify().layer(handler));
        // It says no length, so that 16 bytes are reserved until all ten are there.
        let mut held = signed("0123456789", steps(&[Sends("0123456789")]));
        held.headers_mut().insert("x-waits", "1".parse().unwrap());
        let mut held = Box::pin(stack.call(held));
        assert!(futures_util::poll!(held.as_mut()).is_pending());
        // As much as one body may be.
        let full = "0123456789abcdef";
        let most = || signed(full, steps(&[Sends("0123456789abcdef")]));
        assert_eq!(stack.call(most()).await.unwrap().status(), expected);
        gate.notify_one();
        drop(held.await);
        assert_eq!(stack.call(most()).await.unwrap().status(), 200);
    }
}
