//! `right_order` with its task under the claim.

#![allow(unused_imports)]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Service, ServiceBuilder, service_fn};
use tower_webhook::detach::DetachLayer;
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::idempotency::{ClaimedBody, IdempotencyLayer};
use tower_webhook::limit::{BodyLimitLayer, RawBody};
use tower_webhook::replay::{FreshBody, ReplayWindowLayer};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::MokaStore;
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

// What axum and hyper ask for.
fn serve<S: Service<Request<Full<Bytes>>>>(_: S) {}

fn main() {
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1024))
        .layer(VerifyLayer::new(HmacScheme::github(
            Secret::new("an example secret").unwrap(),
        )))
        .layer(ReplayWindowLayer::new(Duration::from_secs(300)))
        .layer(OpenEnvelopeLayer::new())
        .layer(IdempotencyLayer::new(MokaStore::new()))
        .layer(DetachLayer::new(1))
        .service(service_fn(|_: Request<ClaimedBody>| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        }));
    serve(stack);
}
