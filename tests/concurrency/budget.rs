//! The bytes in flight.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::testing::{self, Payload};
use tower_webhook::verify::{Verified as _, VerifiedBody, VerifyLayer};

use crate::try_orders;

const SECRET: &str = "a secret of the threads";
/// The bytes in flight, and the longest body: what does not say how long it is takes all of them, and gives
/// back what it did not need once it is there. Two others fit.
const BUDGET: usize = 14;

fn delivery(number: usize) -> Request<Payload> {
    let body = format!(r#"{{"n":{number}}}"#);
    let delivery = testing::github(SECRET).body(body);
    match number {
        0 => delivery.chunked(3).request(),
        _ => delivery.request(),
    }
}

/// Bytes that handlers have in hand.
#[derive(Default)]
struct InHand(AtomicUsize);

async fn handle(in_hand: Arc<InHand>, request: Request<VerifiedBody>) -> Response<Full<Bytes>> {
    let bytes = request.body().as_bytes().len();
    let before = in_hand.0.fetch_add(bytes, Ordering::SeqCst);
    assert!(before + bytes <= BUDGET);
    shuttle::future::yield_now().await;
    in_hand.0.fetch_sub(bytes, Ordering::SeqCst);
    Response::default()
}

fn deliver(limit: &BodyLimitLayer, in_hand: &Arc<InHand>, request: Request<Payload>) -> StatusCode {
    let in_hand = Arc::clone(in_hand);
    let verify = VerifyLayer::new(HmacScheme::github(Secret::new(SECRET).unwrap()));
    let handler = service_fn(move |request| {
        let in_hand = Arc::clone(&in_hand);
        async move { Ok::<_, Infallible>(handle(in_hand, request).await) }
    });
    let stack = limit.layer(verify.layer(handler));
    let Ok(response) = block_on(stack.oneshot(request));
    response.status()
}

#[test]
fn bodies_stay_within_the_budget_and_give_it_back() {
    try_orders(|| {
        let limit = BodyLimitLayer::new(BUDGET as u32).with_budget(BUDGET);
        let in_hand = Arc::new(InHand::default());
        let run = |number| {
            let (limit, in_hand) = (limit.clone(), Arc::clone(&in_hand));
            thread::spawn(move || deliver(&limit, &in_hand, delivery(number)))
        };
        let threads: Vec<_> = (0..3).map(run).collect();
        let statuses: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        let is = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        let (ok, shed) = (is(StatusCode::OK), is(StatusCode::SERVICE_UNAVAILABLE));
        assert!(ok >= 1 && ok + shed == 3, "{statuses:?}");
        // Nothing was kept: what takes all of it gets in.
        assert_eq!(deliver(&limit, &in_hand, delivery(0)), StatusCode::OK);
    });
}
