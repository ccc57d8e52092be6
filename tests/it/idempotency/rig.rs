//! A whole stack with a scripted handler, over a store that fails as told.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::idempotency::{ClaimedBody, IdempotencyLayer};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::replay::ReplayWindowLayer;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::time::ManualClock;
use tower_webhook::verify::VerifyLayer;

use crate::faulty::Faulty;

pub(super) const KEY: &str = "0123456789abcdef";
pub(super) const NOW: i64 = 1_763_724_670;

/// What a handler does.
///
/// A type of its own: in an `async` block the compiler forgets that a bare `dyn Fn` is `'static`.
pub(super) struct Script(Box<dyn Fn() -> Response<String> + Send + Sync>);

pub(super) struct Rig {
    pub(super) store: Arc<Faulty>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) runs: Arc<AtomicUsize>,
    /// How long the handler takes.
    pub(super) takes: Duration,
    pub(super) script: Arc<Script>,
    pub(super) is_strict: bool,
    pub(super) lease: Duration,
}

impl Rig {
    pub(super) fn new(script: impl Fn() -> Response<String> + Send + Sync + 'static) -> Self {
        Self {
            store: Arc::default(),
            clock: Arc::new(ManualClock::new(NOW)),
            runs: Arc::default(),
            takes: Duration::ZERO,
            script: Arc::new(Script(Box::new(script))),
            is_strict: false,
            lease: Duration::from_secs(300),
        }
    }

    /// Sends `req` through a stack of its own. Nothing but the store joins two of them.
    pub(super) fn send(
        &self,
        scheme: HmacScheme,
        req: Request<Full<Bytes>>,
    ) -> impl Future<Output = Response<Bytes>> + Send + use<> {
        let (runs, script, takes) = (Arc::clone(&self.runs), Arc::clone(&self.script), self.takes);
        let handler = service_fn(move |_: Request<ClaimedBody>| {
            let (runs, script) = (Arc::clone(&runs), Arc::clone(&script));
            async move {
                tokio::time::sleep(takes).await;
                runs.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>((script.0)().map(|text| Full::new(Bytes::from(text))))
            }
        });
        let window = ReplayWindowLayer::new(Duration::from_secs(300));
        let mut claims = IdempotencyLayer::new(Arc::clone(&self.store)).with_lease(self.lease);
        if self.is_strict {
            claims = claims.strict_replay();
        }
        let stack = ServiceBuilder::new()
            .layer(BodyLimitLayer::new(1024))
            .layer(VerifyLayer::new(scheme))
            .layer(window.with_clock(Arc::clone(&self.clock)))
            .layer(OpenEnvelopeLayer::new())
            .service(claims.layer(handler));
        async move {
            let Ok(response) = stack.oneshot(req).await;
            let (head, body) = response.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            Response::from_parts(head, bytes)
        }
    }

    /// A delivery of GitHub's.
    pub(super) fn github(
        &self,
        id: &str,
        body: &str,
    ) -> impl Future<Output = Response<Bytes>> + Send + use<> {
        let req = Request::post("/")
            .header("x-github-delivery", id)
            .header("x-github-event", "push")
            .header(
                "x-hub-signature-256",
                format!("sha256={}", const_hex::encode(mac(body))),
            )
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())));
        self.send(HmacScheme::github(Secret::new(KEY).unwrap()), req.unwrap())
    }

    /// A delivery of Standard Webhooks, which sign their id.
    pub(super) fn standard(
        &self,
        id: &str,
        body: &str,
    ) -> impl Future<Output = Response<Bytes>> + Send + use<> {
        use base64::Engine as _;
        let signature = mac(&format!("{id}.{NOW}.{body}"));
        let signature = base64::engine::general_purpose::STANDARD.encode(signature);
        let req = Request::post("/")
            .header("webhook-id", id)
            .header("webhook-timestamp", NOW)
            .header("webhook-signature", format!("v1,{signature}"))
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())));
        self.send(
            HmacScheme::standard_webhooks(Secret::new(KEY).unwrap()),
            req.unwrap(),
        )
    }

    pub(super) fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }
}

fn mac(content: &str) -> [u8; 32] {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(content.as_bytes());
    mac.finalize().into_bytes().into()
}

pub(super) fn status(status: u16) -> Response<String> {
    Response::builder()
        .status(status)
        .body(String::new())
        .unwrap()
}
