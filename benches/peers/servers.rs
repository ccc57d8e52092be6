//! The servers of this program, each on one thread of a process of its own.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{Service, ServiceBuilder, service_fn};
use tower_webhook::Inbound;
use tower_webhook::envelope::RawWebhook;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::verify::VerifyLayer;

use crate::STANDARD_SECRET;
use crate::candidates::{
    BARE_AXUM, BARE_HYPER, CAREFUL, DUPLICATES, IN_TABLE, ON_AXUM, ON_HYPER, STANDARD, THOROUGH,
    VERIFY,
};
use crate::common::by_hand::{Careful, Thorough};
use crate::common::table::TableStore;
use crate::common::{answer, scheme};

const PATH: &str = "/webhooks/github";

/// Says where it listens, and serves for ever.
pub(crate) async fn serve(name: &str) {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    println!("{}", listener.local_addr().expect("it is bound").port());
    match name {
        BARE_HYPER => on_hyper(listener, service_fn(collect)).await,
        ON_HYPER => {
            let layer = Inbound::builder(scheme()).build().expect("safe");
            let stack = ServiceBuilder::new().layer(layer).service_fn(answer);
            on_hyper(listener, stack).await;
        }
        _ => axum::serve(listener, app(name))
            .await
            .expect("it serves for ever"),
    }
}

async fn on_hyper<S, R>(listener: TcpListener, service: S)
where
    S: Service<Request<Incoming>, Response = Response<R>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    loop {
        let (stream, _) = listener.accept().await.expect("it listens");
        stream.set_nodelay(true).expect("it is open");
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn collect(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let status = match request.into_body().collect().await {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::BAD_REQUEST,
    };
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    Ok(response)
}

fn app(name: &str) -> Router {
    match name {
        BARE_AXUM => Router::new().route(PATH, post(async |_: Bytes| StatusCode::NO_CONTENT)),
        ON_AXUM | DUPLICATES => {
            let layer = Inbound::builder(scheme()).build().expect("safe");
            let handler = async |_: RawWebhook| StatusCode::NO_CONTENT;
            Router::new().route(PATH, post(handler)).layer(layer)
        }
        IN_TABLE => {
            let layer = Inbound::builder_with_store(scheme(), TableStore::new());
            let handler = async |_: RawWebhook| StatusCode::NO_CONTENT;
            let layer = layer.build().expect("safe");
            Router::new().route(PATH, post(handler)).layer(layer)
        }
        THOROUGH => {
            let take = async |State(hand): State<Thorough>, headers: HeaderMap, body: Bytes| {
                hand.take(&headers, body).await
            };
            Router::new()
                .route(PATH, post(take))
                .with_state(Thorough::new())
        }
        CAREFUL => {
            let take = async |State(hand): State<Careful>, headers: HeaderMap, body: Bytes| {
                hand.take(&headers, &body)
            };
            Router::new()
                .route(PATH, post(take))
                .with_state(Careful::new())
        }
        VERIFY => {
            let secret = Secret::standard_webhooks(STANDARD_SECRET).expect("it is one");
            let layers = ServiceBuilder::new()
                .layer(BodyLimitLayer::new(1 << 20))
                .layer(VerifyLayer::new(HmacScheme::standard_webhooks(secret)));
            let handler = async |_: Bytes| StatusCode::NO_CONTENT;
            Router::new().route(PATH, post(handler)).layer(layers)
        }
        STANDARD => {
            let webhook = standardwebhooks::Webhook::new(STANDARD_SECRET).expect("it is one");
            let webhook = std::sync::Arc::new(webhook);
            let take = move |headers: HeaderMap, body: Bytes| {
                let verdict = webhook.verify(&body, &headers);
                async move {
                    let refused = Response::builder().status(StatusCode::UNAUTHORIZED);
                    match verdict {
                        Ok(()) => Response::builder()
                            .status(StatusCode::NO_CONTENT)
                            .body(Body::new(Empty::new())),
                        Err(_) => refused.body(Body::empty()),
                    }
                    .expect("the parts are valid")
                }
            };
            Router::new().route(PATH, post(take))
        }
        _ => panic!("nobody is called {name}"),
    }
}
