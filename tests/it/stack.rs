//! The rooms `limit` and `verify` in one stack.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::rejection::Rejection;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::verify::{Verified as _, VerifiedBody, VerifyLayer};

const KEY: &str = "0123456789abcdef";

/// A body that counts how often it is polled; after its frames it ends or hangs.
struct Script {
    frames: Vec<Bytes>,
    hangs: bool,
    declared: Option<u64>,
    polls: Arc<AtomicUsize>,
}

impl Body for Script {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        if self.frames.is_empty() {
            return if self.hangs {
                Poll::Pending
            } else {
                Poll::Ready(None)
            };
        }
        Poll::Ready(Some(Ok(Frame::data(self.frames.remove(0)))))
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map(SizeHint::with_exact).unwrap_or_default()
    }
}

fn sign(body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", const_hex::encode(mac.finalize().into_bytes()))
}

struct Run {
    frames: &'static [&'static str],
    hangs: bool,
    declared: Option<u64>,
    signature: Option<String>,
    headers: &'static [(&'static str, &'static str)],
    method: http::Method,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            frames: &["{\"a\":", "1}"],
            hangs: false,
            declared: None,
            signature: Some(sign(b"{\"a\":1}")),
            headers: &[],
            method: http::Method::POST,
        }
    }
}

impl Run {
    /// Answer, its bytes, polls of the body, bytes the handler saw.
    async fn go(self) -> (Response<()>, Bytes, usize, Vec<Bytes>) {
        let polls = Arc::new(AtomicUsize::new(0));
        let body = Script {
            frames: self
                .frames
                .iter()
                .map(|text| Bytes::from_static(text.as_bytes()))
                .collect(),
            hangs: self.hangs,
            declared: self.declared,
            polls: Arc::clone(&polls),
        };
        let mut req = Request::builder().method(self.method);
        if let Some(signature) = &self.signature {
            req = req.header("x-hub-signature-256", signature);
        }
        for (name, value) in self.headers {
            req = req.header(*name, *value);
        }
        let (seen, handled) = std::sync::mpsc::channel();
        let handler = service_fn(move |req: Request<VerifiedBody>| {
            seen.send(req.body().as_bytes().clone()).unwrap();
            async { Ok::<_, Infallible>(Response::new(req.into_body())) }
        });
        let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
        let stack = BodyLimitLayer::new(16).layer(VerifyLayer::new(scheme).layer(handler));
        let (head, body) = stack
            .oneshot(req.body(body).unwrap())
            .await
            .unwrap()
            .into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let polls = polls.load(Ordering::Relaxed);
        (
            Response::from_parts(head, ()),
            bytes,
            polls,
            handled.try_iter().collect(),
        )
    }

    async fn refused(self, why: Rejection, polled: bool) -> (Response<()>, Bytes) {
        let (response, bytes, polls, handled) = self.go().await;
        assert_eq!(response.extensions().get(), Some(&Outcome::Rejected(why)));
        assert_eq!(response.status(), why.status());
        assert_eq!(polls > 0, polled);
        assert!(handled.is_empty());
        (response, bytes)
    }
}

#[tokio::test]
async fn a_signed_delivery_reaches_the_handler_whole() {
    let (response, bytes, _, handled) = Run::default().go().await;
    assert_eq!(response.status(), 200);
    assert_eq!(handled, ["{\"a\":1}"]);
    assert_eq!(bytes, "{\"a\":1}");
}

#[tokio::test]
async fn a_declared_length_over_the_limit_is_413_with_the_body_not_polled() {
    let run = Run {
        declared: Some(17),
        ..Run::default()
    };
    run.refused(Rejection::TooLarge, false).await;
}

#[tokio::test]
async fn a_body_that_grows_past_the_limit_is_413() {
    let run = Run {
        frames: &["0123456789", "0123456789"],
        ..Run::default()
    };
    run.refused(Rejection::TooLarge, true).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_body_is_408() {
    let run = Run {
        hangs: true,
        ..Run::default()
    };
    let start = tokio::time::Instant::now();
    run.refused(Rejection::BodyTimeout, true).await;
    // 7 bytes at 8 KiB/s buy less than a millisecond after the first second.
    assert!(start.elapsed() < Duration::from_millis(1100));
}

#[tokio::test]
async fn what_the_head_condemns_is_refused_with_the_body_unread() {
    let run = Run {
        method: http::Method::PUT,
        ..Run::default()
    };
    run.refused(Rejection::Method, false).await;
    let run = Run {
        headers: &[("content-encoding", "gzip")],
        ..Run::default()
    };
    run.refused(Rejection::Encoding, false).await;
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/+json",
    ] {
        let headers: &'static _ = Box::leak(Box::new([("content-type", media)]));
        let run = Run {
            headers,
            ..Run::default()
        };
        run.refused(Rejection::Encoding, false).await;
    }
}

#[tokio::test]
async fn json_of_any_spelling_is_taken() {
    for media in [
        "application/json",
        "APPLICATION/JSON; charset=utf-8",
        "application/cloudevents+json",
    ] {
        let headers: &'static _ = Box::leak(Box::new([("content-type", media)]));
        let run = Run {
            headers,
            ..Run::default()
        };
        assert_eq!(run.go().await.0.status(), 200);
    }
}

#[tokio::test]
async fn every_authentication_failure_gives_the_same_answer() {
    let why = Rejection::Unauthenticated;
    let missing = Run {
        signature: None,
        ..Run::default()
    };
    let (first, first_bytes) = missing.refused(why, false).await;
    let garbled = Run {
        signature: Some("sha256=zz".into()),
        ..Run::default()
    };
    let doubled = Run {
        headers: &[("x-hub-signature-256", "sha256=00")],
        ..Run::default()
    };
    let wrong = Run {
        signature: Some(sign(b"{}")),
        ..Run::default()
    };
    for (run, polled) in [(garbled, false), (doubled, false), (wrong, true)] {
        let (response, bytes) = run.refused(why, polled).await;
        assert_eq!(response.headers(), first.headers());
        assert_eq!(bytes, first_bytes);
    }
}

#[tokio::test]
async fn bytes_over_the_budget_are_503_and_come_back() {
    let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
    let handler = service_fn(|req: Request<VerifiedBody>| async {
        Ok::<_, Infallible>(Response::new(req.into_body()))
    });
    let layer = BodyLimitLayer::new(16).with_budget(16);
    let mut stack = layer.layer(VerifyLayer::new(scheme).layer(handler));
    let request = || {
        let body = http_body_util::Full::new(Bytes::from_static(b"0123456789"));
        Request::post("/")
            .header("x-hub-signature-256", sign(b"0123456789"))
            .body(body)
            .unwrap()
    };
    let first = stack.call(request());
    assert_eq!(stack.call(request()).await.unwrap().status(), 503);
    drop(first);
    assert_eq!(stack.call(request()).await.unwrap().status(), 200);
}
