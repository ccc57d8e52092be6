//! A receiver: hyper, the layers, and a handler.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::util::{BoxCloneSyncService, ServiceExt};
use tower::{Layer as _, ServiceBuilder, service_fn};
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::idempotency::IdempotencyLayer;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::receipt::{ReceiptEvent, ReceiptLayer};
use tower_webhook::rejection::Rejection;
use tower_webhook::replay::ReplayWindowLayer;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::{BoxStore, LayeredStore};
use tower_webhook::verify::VerifyLayer;
use tower_webhook::{BoxError, Inbound};
use turmoil::net::TcpListener;

use crate::flaw::Flaw;
use crate::handler::handle;
use crate::journal::Fact;
use crate::ledger::Ledger;
use crate::plan::{GITHUB_SECRET, STANDARD_SECRET, Wire};
use crate::shop::Shop;
use crate::world::World;

pub(crate) const PORT: u16 = 80;
/// What a claim outlives its process.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// How long a handler may run.
const DEADLINE: Duration = Duration::from_secs(12);

type Body = UnsyncBoxBody<Bytes, BoxError>;
type Stack = BoxCloneSyncService<Request<Incoming>, Response<Body>, Infallible>;

/// Serves deliveries until the machine goes down.
pub(crate) async fn serve(world: Arc<World>, number: usize) -> turmoil::Result {
    let standard = HmacScheme::standard_webhooks(Secret::standard_webhooks(STANDARD_SECRET)?);
    let standard = stack(&world, number, standard, Wire::Standard)?;
    let github = HmacScheme::github(Secret::new(GITHUB_SECRET)?);
    let github = stack(&world, number, github, Wire::GitHub)?;
    let service = service_fn(move |request: Request<Incoming>| {
        let stack = match request.uri().path() {
            "/webhooks/github" => github.clone(),
            _ => standard.clone(),
        };
        stack.oneshot(request)
    });
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        let server = hyper::server::conn::http1::Builder::new();
        let connection = server.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A sender that is gone ends it.
            let _ = connection.await;
        });
    }
}

fn stack(
    world: &Arc<World>,
    number: usize,
    scheme: HmacScheme,
    wire: Wire,
) -> turmoil::Result<Stack> {
    let handler = {
        let world = Arc::clone(world);
        service_fn(move |request| handle(Arc::clone(&world), number, request))
    };
    let shop = Shop::new(Arc::clone(world));
    let store = if world.plan.is_layered {
        BoxStore::new(LayeredStore::new(shop))
    } else {
        BoxStore::new(shop)
    };
    let connection = match wire {
        Wire::Standard => "standard",
        Wire::GitHub => "github",
    };
    let is_strict = world.plan.is_strict && wire == Wire::GitHub;
    if world.plan.flaw == Some(Flaw::CancelOnDisconnect) {
        let mut idempotency = IdempotencyLayer::new(store)
            .with_connection(connection)
            .with_lease(LEASE)
            .with_deadline(DEADLINE);
        if is_strict {
            idempotency = idempotency.strict_replay();
        }
        let replay = ReplayWindowLayer::new(Duration::from_secs(300));
        let stack = ServiceBuilder::new()
            .layer(BodyLimitLayer::new(1 << 20))
            .layer(VerifyLayer::new(scheme))
            .layer(receipts(world, number).with_connection(connection))
            .layer(replay.with_clock(world.clock(number)))
            .layer(OpenEnvelopeLayer::new())
            .layer(idempotency)
            .service(handler);
        let stack = ServiceExt::<Request<Incoming>>::map_response(stack, boxed);
        return Ok(BoxCloneSyncService::new(stack));
    }
    let mut inbound = Inbound::builder_with_store(scheme, store)
        .connection(connection)
        .lease(LEASE)
        .handler_deadline(DEADLINE)
        .clock(world.clock(number))
        .receipts(receipts(world, number));
    if is_strict {
        inbound = inbound.strict_replay();
    }
    let stack = inbound.build()?.layer(handler);
    let stack = ServiceExt::<Request<Incoming>>::map_response(stack, boxed);
    let stack = BoxCloneSyncService::new(stack);
    if world.plan.flaw == Some(Flaw::AcceptedInProgress) {
        return Ok(BoxCloneSyncService::new(stack.map_response(accepted)));
    }
    Ok(stack)
}

fn boxed<B>(response: Response<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}

/// The flaw: what is being processed counts as accepted.
fn accepted(mut response: Response<Body>) -> Response<Body> {
    let outcome = response.extensions().get();
    if let Some(Outcome::Rejected(Rejection::InProgress { .. })) = outcome {
        *response.status_mut() = StatusCode::ACCEPTED;
        *response.body_mut() = Full::default().map_err(Into::into).boxed_unsync();
    }
    response
}

/// Receipts that outlive the process, and a journal of their steps.
fn receipts(world: &Arc<World>, number: usize) -> ReceiptLayer {
    let layer = ReceiptLayer::new(Ledger::new(Arc::clone(world))).with_clock(world.clock(number));
    let world = Arc::clone(world);
    layer.with_observer(move |event: &ReceiptEvent| {
        if world.is_running.load(Ordering::Relaxed) {
            world.journal.note(Fact::Receipt {
                receipt: world.journal.receipt(event.id),
                from: event.from,
                to: event.to,
                key: event.key.as_deref().map(|key| world.journal.key(key)),
            });
        }
    })
}
