//! Receivers, well-behaved and others.

use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub(super) struct Server {
    pub(super) port: u16,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    /// Runs `serve` for each connection, with its number from 0.
    pub(super) async fn raw<F>(serve: impl Fn(TcpStream, usize) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, count.fetch_add(1, Ordering::SeqCst)));
            }
        });
        Self { port, accepted }
    }

    /// Answers with `answer`, over HTTP/1.1.
    pub(super) async fn http(
        answer: impl Fn(Request<Incoming>) -> Answer + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::raw(move |stream, _| serve(stream, answer.clone())).await
    }

    /// Answers with `answer`, over TLS and what is agreed on of `protocols`.
    pub(super) async fn tls(
        protocols: &[&str],
        answer: impl Fn(Request<Incoming>) -> Answer + Clone + Send + Sync + 'static,
    ) -> Self {
        let acceptor = acceptor(protocols);
        Self::raw(move |stream, _| {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, answer).await;
                }
            }
        })
        .await
    }

    /// How many connections came.
    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub(super) fn https(&self) -> String {
        format!("https://127.0.0.1:{}/hook", self.port)
    }
}

pub(super) type Answer = Response<Full<Bytes>>;

pub(super) fn ok(_: Request<Incoming>) -> Answer {
    Response::new("thank you".into())
}

async fn serve<IO>(stream: IO, answer: impl Fn(Request<Incoming>) -> Answer + Clone)
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(move |request| {
        let answer = answer(request);
        async { Ok::<_, Infallible>(answer) }
    });
    // How a connection ends is the client's business here.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

pub(super) fn identity() -> &'static CertifiedKey<KeyPair> {
    static IDENTITY: OnceLock<CertifiedKey<KeyPair>> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        rcgen::generate_simple_self_signed(names).unwrap()
    })
}

pub(super) fn acceptor(protocols: &[&str]) -> TlsAcceptor {
    let identity = identity();
    let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Reads a request of HTTP/1.1 that has the body `{}`. `false` when the connection ended before it.
pub(super) async fn read_request(stream: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n{}") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}
