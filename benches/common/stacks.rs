use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmac::Mac as _;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::detach::DetachLayer;
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::idempotency::IdempotencyLayer;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::replay::ReplayWindowLayer;
use tower_webhook::store::{IdempotencyStore, MokaStore};
use tower_webhook::verify::VerifyLayer;

use super::by_hand::{Careful, Thorough};
use super::frames::{Delivery, Model};
use super::table::TableStore;
use super::{answer, keyed, scheme};

/// Something that takes deliveries, and which ones it gets.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) run: Box<dyn FnMut(Vec<Delivery>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No two of one id.
    Fresh,
    /// All of one id, and of one that was there before.
    Duplicate,
    /// With a signature that does not match.
    Forged,
    /// Without a signature.
    Unsigned,
}

impl Kind {
    pub(crate) fn deliveries(self, model: &Model, serial: &mut u64, count: usize) -> Vec<Delivery> {
        match self {
            Self::Fresh => model.deliveries(serial, count),
            Self::Duplicate => (0..count).map(|_| model.delivery(0)).collect(),
            Self::Forged => model.forged().deliveries(serial, count),
            Self::Unsigned => {
                let mut all = model.deliveries(serial, count);
                for delivery in &mut all {
                    delivery.headers_mut().remove("x-hub-signature-256");
                }
                all
            }
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Fresh | Self::Duplicate => StatusCode::NO_CONTENT,
            Self::Forged | Self::Unsigned => StatusCode::UNAUTHORIZED,
        }
    }
}

pub(crate) const FLOOR: &str = "HMAC + &RawValue";
pub(crate) const HMAC: &str = "HMAC alone";
pub(crate) const CONTRACT: &str = "HMAC + &RawValue + SHA-256";
pub(crate) const BARE: &str = "bare service";

fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime")
}

/// What no verification can do without, in a service: the HMAC of the body under a prepared key; a pass of
/// `&RawValue`; the digest of the body, which the contract has in the key of a delivery.
fn floor(name: &'static str, scans: bool, digests: bool) -> Case {
    let mac = keyed();
    let service = service_fn(move |delivery: Delivery| {
        let mut mac = mac.clone();
        async move {
            let (head, body) = delivery.into_parts();
            let Ok(body) = body.collect().await;
            let body = body.to_bytes();
            mac.update(&body);
            let claimed = head.headers["x-hub-signature-256"].as_bytes();
            let mut tag = [0; 32];
            const_hex::decode_to_slice(&claimed["sha256=".len()..], &mut tag).expect("hex digits");
            assert!(mac.verify_slice(&tag).is_ok());
            if scans {
                black_box(serde_json::from_slice::<&RawValue>(&body).expect("JSON"));
            }
            if digests {
                black_box(Sha256::digest(&body));
            }
            Ok(empty(StatusCode::NO_CONTENT))
        }
    });
    through(name, Kind::Fresh, service)
}

fn through<S, R>(name: &'static str, kind: Kind, mut stack: S) -> Case
where
    S: Service<Delivery, Response = Response<R>, Error = Infallible> + 'static,
{
    let runtime = runtime();
    Case {
        name,
        kind,
        run: Box::new(move |deliveries| {
            runtime.block_on(async {
                for delivery in deliveries {
                    let Ok(stack) = stack.ready().await;
                    let Ok(response) = stack.call(delivery).await;
                    assert_eq!(response.status(), kind.status());
                }
            });
        }),
    }
}

fn inbound(name: &'static str, kind: Kind) -> Case {
    let layer = Inbound::builder(scheme()).build().expect("safe");
    let stack = ServiceBuilder::new().layer(layer).service_fn(answer);
    through(name, kind, stack)
}

/// Limit, verify, replay, envelope and idempotency: what an accepted delivery needs at least.
fn accept<St: IdempotencyStore>(name: &'static str, kind: Kind, store: St) -> Case {
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme()))
        .layer(ReplayWindowLayer::new(Duration::from_secs(300)))
        .layer(OpenEnvelopeLayer::new())
        .layer(IdempotencyLayer::new(store));
    through(name, kind, stack.service_fn(answer))
}

fn careful() -> Case {
    let careful = Careful::new();
    let service = service_fn(move |delivery: Delivery| {
        let careful = careful.clone();
        async move {
            let (head, body) = delivery.into_parts();
            let Ok(body) = body.collect().await;
            let status = careful.take(&head.headers, &body.to_bytes());
            Ok(empty(status))
        }
    });
    through("by hand: HMAC, moka, Value", Kind::Fresh, service)
}

fn thorough() -> Case {
    let thorough = Thorough::new();
    let service = service_fn(move |delivery: Delivery| {
        let thorough = thorough.clone();
        async move {
            let (head, body) = delivery.into_parts();
            let Ok(body) = body.collect().await;
            let status = thorough.take(&head.headers, body.to_bytes()).await;
            Ok(empty(status))
        }
    });
    through("by hand: the same work", Kind::Fresh, service)
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// All cases: floors first, then the layers one by one, then the paths through the whole stack.
pub(crate) fn cases() -> Vec<Case> {
    let limit = || ServiceBuilder::new().layer(BodyLimitLayer::new(1 << 20));
    let verify = || limit().layer(VerifyLayer::new(scheme()));
    let detach = || verify().layer(DetachLayer::new(256));
    let replay = || detach().layer(ReplayWindowLayer::new(Duration::from_secs(300)));
    let envelope = || replay().layer(OpenEnvelopeLayer::new());
    let table = envelope().layer(IdempotencyLayer::new(Arc::new(TableStore::new())));
    let fresh = Kind::Fresh;
    vec![
        floor(FLOOR, true, false),
        floor(HMAC, false, false),
        floor(CONTRACT, true, true),
        through(BARE, fresh, service_fn(answer)),
        through("limit, verify", fresh, verify().service_fn(answer)),
        through("+ detach", fresh, detach().service_fn(answer)),
        through("+ replay", fresh, replay().service_fn(answer)),
        through("+ envelope", fresh, envelope().service_fn(answer)),
        through("+ idempotency (table)", fresh, table.service_fn(answer)),
        accept("accept, table", fresh, TableStore::new()),
        accept("accept, MokaStore", fresh, MokaStore::new()),
        accept("duplicate, MokaStore", Kind::Duplicate, MokaStore::new()),
        inbound("Inbound", fresh),
        inbound("Inbound, duplicate", Kind::Duplicate),
        inbound("Inbound, wrong signature", Kind::Forged),
        inbound("Inbound, no signature", Kind::Unsigned),
        careful(),
        thorough(),
    ]
}
