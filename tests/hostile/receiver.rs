//! A receiver with the whole stack and four connections, behind axum and behind hyper.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{Layer as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::connection::{Connection, ConnectionId, ConnectionMap, Connections};
use tower_webhook::envelope::RawWebhook;
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::outcome::Outcome;
use tower_webhook::receipt::{MemoryReceipts, ReceiptLayer, ReceiptQuery};
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, MokaStore, Retention,
    StoreError, StoredAnswer,
};

/// Each connection has a secret of its own, so that nothing is taken for another's.
pub(crate) const GITHUB: &str = "the secret of github";
pub(crate) const SLACK: &str = "the secret of slack.";
pub(crate) const META: &str = "the secret of meta..";
pub(crate) const TOKEN: &str = "the token of meta...";
pub(crate) const DROPBOX: &str = "the secret of dropbox";

/// How long a server waits for a head, and for an answer to its pings.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// A store that counts what it is asked.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    inner: MokaStore,
    pub(crate) calls: AtomicUsize,
}

impl Counting {
    fn count(&self) -> &MokaStore {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.inner
    }
}

impl IdempotencyStore for Counting {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        self.count().claim(key, who, payload, lease).await
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        self.count().renew(key, fence, lease).await
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        self.count().complete(key, fence, answer, keep).await
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        self.count().release(key, fence).await
    }
}

/// What a receiver has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) store: Arc<Counting>,
    pub(crate) runs: AtomicUsize,
    outcomes: Mutex<BTreeMap<&'static str, usize>>,
}

impl Seen {
    pub(crate) fn calls(&self) -> usize {
        self.store.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    pub(crate) fn outcomes(&self) -> BTreeMap<&'static str, usize> {
        self.outcomes.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, outcome: &str) -> usize {
        self.outcomes().get(outcome).copied().unwrap_or(0)
    }

    fn run(&self) -> StatusCode {
        self.runs.fetch_add(1, Ordering::Relaxed);
        StatusCode::NO_CONTENT
    }
}

type Stack = Inbound<Connections<ConnectionMap>, Arc<Counting>>;

fn stack(seen: &Arc<Seen>) -> Stack {
    let secret = |text| Secret::new(text).unwrap();
    let meta = HmacScheme::meta(secret(META)).verify_token(secret(TOKEN));
    let connection = |kind, scheme| Connection::new(ConnectionId::new(kind, "one"), scheme);
    let map = ConnectionMap::new([
        connection("github", HmacScheme::github(secret(GITHUB))),
        connection("slack", HmacScheme::slack(secret(SLACK))),
        connection("meta", meta),
        connection("dropbox", HmacScheme::dropbox(secret(DROPBOX))),
    ]);
    let told = Arc::clone(seen);
    let store = Arc::clone(&seen.store);
    Inbound::builder_with_store(Connections::new(map), store)
        .receipts(ReceiptLayer::new(MemoryReceipts::new()))
        .observer(move |outcome: Outcome| {
            *told
                .outcomes
                .lock()
                .unwrap()
                .entry(outcome.label())
                .or_default() += 1;
        })
        .build()
        .unwrap()
}

/// Who serves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Host {
    /// `axum::serve`, which has no limits of its own.
    Axum,
    /// hyper, with the limits that the documentation asks for.
    Hyper,
}

pub(crate) const HOSTS: [Host; 2] = [Host::Axum, Host::Hyper];

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    stack: Stack,
}

impl Receiver {
    pub(crate) async fn start(host: Host) -> Self {
        let seen = Arc::<Seen>::default();
        let stack = stack(&seen);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        match host {
            Host::Axum => serve_axum(listener, stack.clone(), Arc::clone(&seen)),
            Host::Hyper => serve_hyper(listener, &stack, Arc::clone(&seen)),
        }
        Self {
            address,
            seen,
            stack,
        }
    }

    /// How many receipts were written, up to 1,000.
    pub(crate) async fn receipts(&self) -> usize {
        let query = ReceiptQuery {
            limit: 1000,
            ..ReceiptQuery::default()
        };
        self.stack.receipts().query(&query).await.unwrap().len()
    }
}

fn serve_axum(listener: TcpListener, stack: Stack, seen: Arc<Seen>) {
    let handler = move |_: RawWebhook| {
        let status = seen.run();
        async move { status }
    };
    let app = Router::new()
        .route("/webhooks/{*connection}", any(handler))
        .layer(stack);
    tokio::spawn(async move { axum::serve(listener, app).await });
}

fn serve_hyper(listener: TcpListener, stack: &Stack, seen: Arc<Seen>) {
    let handler = service_fn(move |_: Request<ClaimedBody>| {
        let mut response = Response::new(Full::<Bytes>::default());
        *response.status_mut() = seen.run();
        async move { Ok::<_, Infallible>(response) }
    });
    let stack = stack.layer(handler);
    tokio::spawn(async move {
        loop {
            // A flood may leave no descriptor for the moment.
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let stack = TowerToHyperService::new(stack.clone());
            tokio::spawn(async move {
                let mut server = auto::Builder::new(TokioExecutor::new());
                server
                    .http1()
                    .timer(TokioTimer::new())
                    .header_read_timeout(PATIENCE);
                server
                    .http2()
                    .timer(TokioTimer::new())
                    .keep_alive_interval(PATIENCE)
                    .keep_alive_timeout(PATIENCE)
                    .max_concurrent_streams(64);
                let _ = server.serve_connection(TokioIo::new(stream), stack).await;
            });
        }
    });
}
