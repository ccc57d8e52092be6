//! The end of a process.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use shuttle::thread;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::detach::DetachLayer;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::testing;
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

use crate::try_orders;

const SECRET: &str = "a secret of the threads";

/// What the machine sees of its handlers.
#[derive(Default)]
struct House {
    is_drained: AtomicBool,
    running: AtomicUsize,
}

impl House {
    async fn handle(&self) -> Response<Full<Bytes>> {
        assert!(
            !self.is_drained.load(Ordering::SeqCst),
            "a handler began when all was over"
        );
        self.running.fetch_add(1, Ordering::SeqCst);
        shuttle::future::yield_now().await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        Response::default()
    }

    fn deliver(self: &Arc<Self>, detach: &DetachLayer) -> StatusCode {
        let house = Arc::clone(self);
        let handler = service_fn(move |_: Request<VerifiedBody>| {
            let house = Arc::clone(&house);
            async move { Ok::<_, Infallible>(house.handle().await) }
        });
        let verify = VerifyLayer::new(HmacScheme::github(Secret::new(SECRET).unwrap()));
        let stack = verify.layer(detach.layer(handler));
        let stack = BodyLimitLayer::new(100).layer(stack);
        let request = testing::github(SECRET).body("{}").request();
        let Ok(response) = block_on(stack.oneshot(request));
        response.status()
    }
}

#[test]
fn nothing_runs_and_nothing_begins_when_all_is_drained() {
    try_orders(|| {
        let (house, detach) = (Arc::new(House::default()), DetachLayer::new(2));
        let deliver = || {
            let (house, detach) = (Arc::clone(&house), detach.clone());
            thread::spawn(move || house.deliver(&detach))
        };
        let senders = [deliver(), deliver()];
        block_on(detach.drain());
        house.is_drained.store(true, Ordering::SeqCst);
        assert_eq!(house.running.load(Ordering::SeqCst), 0);
        for sender in senders {
            let status = sender.join().unwrap();
            assert!(matches!(
                status,
                StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE
            ));
        }
        assert_eq!(house.deliver(&detach), StatusCode::SERVICE_UNAVAILABLE);
    });
}
