//! Many deliveries of one event at once, in orders that a seed decides.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer as _, Service as _, ServiceBuilder, service_fn};
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::idempotency::{ClaimedBody, IdempotencyLayer};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::replay::ReplayWindowLayer;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::MokaStore;
use tower_webhook::verify::VerifyLayer;

use super::rig::KEY;

/// xorshift64, so that a failing order can be had again from its seed.
struct Seed(u64);

impl Seed {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

/// Pending a few times, so that others come between.
async fn step_aside(mut times: usize) {
    std::future::poll_fn(|_| {
        if times == 0 {
            return std::task::Poll::Ready(());
        }
        times -= 1;
        std::task::Poll::Pending
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_64_at_once_the_handler_runs_once_in_10_000_orders() {
    let runs = Arc::new(AtomicUsize::new(0));
    let ran = Arc::clone(&runs);
    let handler = service_fn(move |_: Request<ClaimedBody>| {
        let ran = Arc::clone(&ran);
        async move {
            step_aside(3).await;
            ran.fetch_add(1, Ordering::Relaxed);
            step_aside(3).await;
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        }
    });
    let claims = IdempotencyLayer::new(MokaStore::new());
    let mut stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1024).with_min_rate(0))
        .layer(VerifyLayer::new(HmacScheme::github(
            Secret::new(KEY).unwrap(),
        )))
        .layer(ReplayWindowLayer::new(Duration::from_secs(300)))
        .layer(OpenEnvelopeLayer::new())
        .service(claims.layer(handler));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(b"{}");
    let mac = format!("sha256={}", const_hex::encode(mac.finalize().into_bytes()));
    for round in 1..=10_000_u64 {
        let mut seed = Seed(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut calls: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
        for _ in 0..64 {
            let req = Request::post("/")
                .header("x-github-delivery", round)
                .header("x-hub-signature-256", &mac)
                .body(Full::new(Bytes::from_static(b"{}")));
            calls.push(Box::pin(stack.call(req.unwrap())));
        }
        let mut cx = Context::from_waker(Waker::noop());
        let mut acknowledged = 0;
        while !calls.is_empty() {
            let index = seed.below(calls.len());
            if let std::task::Poll::Ready(Ok(response)) = calls[index].as_mut().poll(&mut cx) {
                let outcome = Outcome::of(&response);
                acknowledged += usize::from(outcome == Outcome::Acknowledged);
                drop(calls.swap_remove(index));
            }
        }
        assert_eq!(runs.swap(0, Ordering::Relaxed), 1, "order {round}");
        assert_eq!(acknowledged, 1, "order {round}");
    }
}
