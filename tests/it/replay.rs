//! The replay window, through the whole stack, with a signed time and with none.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::rejection::Rejection;
use tower_webhook::replay::{FreshBody, ReplayWindowLayer};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::testing;
use tower_webhook::time::ManualClock;
use tower_webhook::verify::VerifyLayer;

use crate::faulty::Faulty;

const KEY: &str = "0123456789abcdef";
const SENT: i64 = 1_763_724_670;

async fn verdict_at(now: i64, header: &str, content: &str) -> Option<Rejection> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(content.as_bytes());
    let mac = const_hex::encode(mac.finalize().into_bytes());
    let secret = Secret::new(KEY).unwrap();
    let (scheme, prefix) = if header == "x-slack-signature" {
        (HmacScheme::slack(secret), "v0=")
    } else {
        (HmacScheme::github(secret), "sha256=")
    };
    let clock = Arc::new(ManualClock::new(now));
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme))
        .layer(ReplayWindowLayer::new(Duration::from_secs(300)).with_clock(clock))
        .service(service_fn(|req: Request<FreshBody>| async {
            Ok::<_, Infallible>(Response::new(req.into_body()))
        }));
    let req = Request::post("/")
        .header(header, format!("{prefix}{mac}"))
        .header("x-slack-request-timestamp", SENT)
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap();
    let response = stack.oneshot(req).await.unwrap();
    let why = response.extensions().get().map(|outcome| match outcome {
        Outcome::Rejected(why) => *why,
        other => panic!("{other}"),
    });
    assert_eq!(response.status(), if why.is_some() { 409 } else { 200 });
    why
}

#[tokio::test]
async fn an_age_of_the_window_is_inside_and_a_second_more_is_not() {
    let content = format!("v0:{SENT}:{{}}");
    for (offset, expected) in [
        (299, None),
        (300, None),
        (301, Some(Rejection::Stale)),
        (i64::MAX - SENT, Some(Rejection::Stale)),
        (-300, None),
        (-301, Some(Rejection::Future)),
        (i64::MIN, Some(Rejection::Future)),
    ] {
        let verdict = verdict_at(SENT.saturating_add(offset), "x-slack-signature", &content).await;
        assert_eq!(verdict, expected, "{offset}");
    }
}

#[tokio::test]
async fn a_scheme_that_signs_no_time_passes_through() {
    assert_eq!(
        verdict_at(i64::MAX, "x-hub-signature-256", "{}").await,
        None
    );
}

/// What the store may forget of this delivery, and when.
async fn kept(scheme: HmacScheme, delivery: &testing::Delivery) -> Option<Duration> {
    let store = Arc::<Faulty>::default();
    let inbound = Inbound::builder_with_store(scheme, Arc::clone(&store))
        .clock(ManualClock::new(SENT))
        .replay_window(Duration::from_secs(200))
        .build()
        .unwrap();
    let handler = service_fn(|req: Request<ClaimedBody>| async {
        Ok::<_, Infallible>(Response::new(req.into_body()))
    });
    let call = inbound
        .layer(handler)
        .oneshot(delivery.clone().at(SENT).request());
    let Ok(response) = call.await;
    assert_eq!(response.status(), 200);
    let kept = store.kept.lock().unwrap();
    assert_eq!(kept.len(), 1);
    kept[0].safety
}

#[tokio::test]
async fn what_signs_its_time_may_be_forgotten_when_its_window_is_over_and_nothing_else_may() {
    let secret = || Secret::new(KEY).unwrap();
    let github = testing::github(KEY);
    assert_eq!(kept(HmacScheme::github(secret()), &github).await, None);
    let slack = testing::slack(KEY);
    let safety = kept(HmacScheme::slack(secret()), &slack).await;
    // Its age, and how far ahead of us the clock of Slack may be.
    assert_eq!(safety, Some(Duration::from_secs(200 + 300)));
}
