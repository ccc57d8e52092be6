//! The guard over a client that is not ours.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::outbound::Failure;
use tower_webhook::outbound::egress::{Egress, EgressError, EgressErrorKind, EgressLayer};

use super::urls::INSIDE;

#[tokio::test]
async fn the_inner_client_sees_only_what_the_guard_lets_pass() {
    let seen = Arc::new(AtomicUsize::new(0));
    let client = service_fn({
        let seen = Arc::clone(&seen);
        move |_: Request<()>| {
            seen.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, Infallible>(Response::new(())) }
        }
    });
    let guarded = EgressLayer::new(Egress::public().allow_http()).layer(client);
    for (url, kind) in INSIDE {
        let request = Request::post(*url).body(()).unwrap();
        let err = guarded.clone().oneshot(request).await.unwrap_err();
        assert_eq!(Failure::of(&*err), Failure::EgressDenied);
        let refused = err.downcast_ref::<EgressError>().unwrap();
        assert_eq!(refused.kind(), *kind, "{url}");
    }
    assert_eq!(seen.load(Ordering::Relaxed), 0);
    let request = Request::post("https://example.com/hook").body(()).unwrap();
    assert!(guarded.clone().oneshot(request).await.is_ok());
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    let strict = EgressLayer::default().layer(guarded);
    let request = Request::post("http://example.com/hook").body(()).unwrap();
    let err = strict.oneshot(request).await.unwrap_err();
    let refused = err.downcast_ref::<EgressError>().unwrap();
    assert_eq!(refused.kind(), EgressErrorKind::Scheme);
}
