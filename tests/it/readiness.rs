//! A layer that has nothing to wait for is ready when what is below it is, and fails when that fails.

use std::future::{Ready, ready};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::observe::ObserveLayer;
use tower_webhook::outbound::egress::{Egress, EgressLayer};
use tower_webhook::outbound::sign::{SignLayer, Signer, SigningKey, SigningKeys, SigningScheme};
use tower_webhook::outcome::Outcome;
use tower_webhook::receipt::{MemoryReceipts, ReceiptLayer};
use tower_webhook::replay::{FreshBody, ReplayWindowLayer};
use tower_webhook::source::{AllowList, SourceLayer};
use tower_webhook::verify::VerifiedBody;

/// Never ready, or never again.
#[derive(Clone)]
enum Inner {
    Busy,
    Broken,
}

impl<R> Service<R> for Inner {
    type Response = Response<Full<Bytes>>;
    type Error = &'static str;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self {
            Self::Busy => Poll::Pending,
            Self::Broken => Poll::Ready(Err("broken")),
        }
    }

    fn call(&mut self, _: R) -> Self::Future {
        ready(Err("it was not ready"))
    }
}

fn passes_on<L, R>(layer: &L)
where
    L: Layer<Inner>,
    L::Service: Service<R>,
    <L::Service as Service<R>>::Error: ToString,
{
    let mut context = Context::from_waker(Waker::noop());
    let name = std::any::type_name::<L>();
    let mut busy = layer.layer(Inner::Busy);
    assert!(busy.poll_ready(&mut context).is_pending(), "{name}");
    let mut broken = layer.layer(Inner::Broken);
    let Poll::Ready(Err(err)) = broken.poll_ready(&mut context) else {
        panic!("{name} hides that what is below it is broken");
    };
    assert_eq!(err.to_string(), "broken", "{name}");
}

#[test]
fn a_layer_is_as_ready_as_what_is_below_it() {
    type Plain = Request<Full<Bytes>>;
    passes_on::<_, Plain>(&ObserveLayer::new(|_: Outcome| {}));
    let anybody = AllowList::parse(["0.0.0.0/0"]).unwrap();
    passes_on::<_, Plain>(&SourceLayer::new(anybody));
    passes_on::<_, Plain>(&BodyLimitLayer::new(1024));
    passes_on::<_, Request<VerifiedBody>>(&ReceiptLayer::new(MemoryReceipts::new()));
    passes_on::<_, Request<VerifiedBody>>(&ReplayWindowLayer::new(Duration::from_secs(300)));
    passes_on::<_, Request<FreshBody>>(&OpenEnvelopeLayer::new());
    passes_on::<_, Plain>(&EgressLayer::new(Egress::public()));
    let keys = SigningKeys::new(SigningKey::new("a secret that is long").unwrap());
    let signer = Signer::new(SigningScheme::github(), &keys).unwrap();
    passes_on::<_, Plain>(&SignLayer::new(signer));
}
