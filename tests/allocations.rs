//! How often a request allocates, counted on the one thread that runs it. A binary of its own: counting
//! replaces the allocator.

use std::convert::Infallible;
use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use tokio::runtime::Runtime;
use tower::{Service, ServiceBuilder, ServiceExt as _};
use tower_webhook::Inbound;
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::idempotency::IdempotencyLayer;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::replay::ReplayWindowLayer;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};
use tower_webhook::verify::VerifyLayer;

const KEY: &str = "an example secret";
const BODY: &[u8] = br#"{"ref":"refs/heads/main","commits":[{"id":"6113728f"}]}"#;

/// What servers put into the extensions of a request before any layer sees it.
#[derive(Clone)]
struct Matched;

fn delivery(id: u64, is_forged: bool) -> Request<Full<Bytes>> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(if is_forged { b"{}" } else { BODY });
    let signature = const_hex::encode(mac.finalize().into_bytes());
    Request::post("/")
        .header("content-type", "application/json")
        .header("x-github-delivery", format!("72d3162e-cc78-11e3-{id:017}"))
        .header("x-github-event", "push")
        .header("x-hub-signature-256", format!("sha256={signature}"))
        .extension(Matched)
        .body(Full::new(Bytes::from_static(BODY)))
        .unwrap()
}

async fn answer<B>(_: Request<B>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// A store that grants everything and allocates nothing.
struct Granting;

impl IdempotencyStore for Granting {
    async fn claim(
        &self,
        _: &IdemKey,
        _: Claimant,
        _: &Fingerprint,
        _: Duration,
    ) -> Result<Claim, StoreError> {
        Ok(Claim::Acquired {
            fence: Fence::new(std::num::NonZeroU64::MIN),
            reclaimed: false,
        })
    }

    async fn renew(&self, _: &IdemKey, _: Fence, _: Duration) -> Result<Held, StoreError> {
        Ok(Held::Yes)
    }

    async fn complete(
        &self,
        _: &IdemKey,
        _: Fence,
        _: &StoredAnswer,
        _: Retention,
    ) -> Result<Held, StoreError> {
        Ok(Held::Yes)
    }

    async fn release(&self, _: &IdemKey, _: Fence) -> Result<Held, StoreError> {
        Ok(Held::Yes)
    }
}

fn scheme() -> HmacScheme {
    HmacScheme::github(Secret::new(KEY).unwrap())
}

/// Allocations of the one of many requests that allocated least: what grows now and then is not a request's.
fn allocations<S, R>(stack: S, is_forged: bool, expected: StatusCode) -> u64
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Infallible>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime: Runtime = runtime.unwrap();
    let mut stack = stack;
    let one = |stack: &mut S, id: u64| {
        let request = delivery(id, is_forged);
        let counted = measure(|| {
            let response = runtime.block_on(async {
                let Ok(ready) = stack.ready().await;
                ready.call(request).await
            });
            assert_eq!(response.unwrap().status(), expected);
        });
        counted.count_total
    };
    (0..64).map(|id| one(&mut stack, id)).min().unwrap()
}

macro_rules! limit_and_verify {
    () => {
        ServiceBuilder::new()
            .layer(BodyLimitLayer::new(1 << 20))
            .layer(VerifyLayer::new(scheme()))
    };
}

#[test]
fn limit_and_verify_allocate_for_the_pass_id_event_proof_and_its_copy() {
    let stack = limit_and_verify!().service_fn(answer);
    let count = allocations(stack, false, StatusCode::NO_CONTENT);
    assert!(count <= 5, "{count} allocations");
}

#[test]
fn a_refused_signature_allocates_no_text_of_an_answer() {
    let stack = limit_and_verify!().service_fn(answer);
    // The pass, id and event; two for headers, two for extensions, one for each of the outcome and its cause.
    let count = allocations(stack, true, StatusCode::UNAUTHORIZED);
    assert!(count <= 9, "{count} allocations");
}

#[test]
fn an_accepted_delivery_allocates_so_often_beside_its_store() {
    // Five to verify, one in the scan, two for the key, one for the request and one for what runs under the claim,
    // one for the grant in the extensions of the request.
    let stack = limit_and_verify!()
        .layer(ReplayWindowLayer::new(Duration::from_secs(300)))
        .layer(OpenEnvelopeLayer::new())
        .layer(IdempotencyLayer::new(Granting));
    let count = allocations(stack.service_fn(answer), false, StatusCode::NO_CONTENT);
    assert!(count <= 11, "{count} allocations");
    // And for what is told of its end, its place in the extensions and more room there, and what may go on as a task.
    let inbound = Inbound::builder_with_store(scheme(), Granting)
        .build()
        .unwrap();
    let stack = ServiceBuilder::new().layer(inbound).service_fn(answer);
    let count = allocations(stack, false, StatusCode::NO_CONTENT);
    assert!(count <= 15, "{count} allocations");
}
