//! An HTTP server with time-outs, that lets those finish who are in the middle of something.

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tower::ServiceExt as _;

/// How long nobody is let in when that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// The connections that are open: each has a receiver, and hears when it is to end.
pub(crate) struct Open(watch::Sender<()>);

impl Open {
    pub(crate) fn new() -> Self {
        Self(watch::channel(()).0)
    }

    /// Waits until each has its answer and is closed. Who has asked nothing is closed at once.
    pub(crate) async fn finish(&self) {
        self.0.send_replace(());
        self.0.closed().await;
    }
}

/// Lets everybody in, until it is dropped.
pub(crate) async fn serve(listener: TcpListener, app: Router, open: &Open) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Too many files are open, mostly. That ends when somebody hangs up, and is no reason to end ourselves.
            Err(err) => {
                eprintln!("connection: {err}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Connections that let in only some ask for the peer.
        let app = app.clone().map_request(move |mut req: http::Request<_>| {
            req.extensions_mut().insert(peer);
            req
        });
        let app = TowerToHyperService::new(app);
        let mut stop = open.0.subscribe();
        tokio::spawn(async move {
            // Without them a silent client would stay for ever.
            let mut server = auto::Builder::new(TokioExecutor::new());
            let head = Duration::from_secs(10);
            server
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(head);
            server
                .http2()
                .timer(TokioTimer::new())
                .keep_alive_interval(head);
            let connection = server.serve_connection(TokioIo::new(stream), app);
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                _ = connection.as_mut() => return,
                _ = stop.changed() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
    }
}

/// Ends at SIGTERM or SIGINT.
pub(crate) async fn told_to_stop() {
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
