//! An HTTP server with time-outs.

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower::ServiceExt as _;

pub(crate) async fn serve(listener: TcpListener, app: Router) -> std::io::Result<()> {
    loop {
        let (stream, peer) = listener.accept().await?;
        // Connections that let in only some ask for the peer.
        let app = app.clone().map_request(move |mut req: http::Request<_>| {
            req.extensions_mut().insert(peer);
            req
        });
        let app = TowerToHyperService::new(app);
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
            let _ = server.serve_connection(TokioIo::new(stream), app).await;
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
