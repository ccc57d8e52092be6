//! Rows of the contract that something has to go wrong for.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::Either;
use http::request::Parts;
use http::{Request, Version, response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc::unbounded_channel;
use tower_webhook::Inbound;
use tower_webhook::scheme::{Authenticator, HmacPass, OpenError, Opened};

use super::server::{Body, LINKS, Server};
use super::{NOW, Setup, full, github, standard};

const WAIT: &[u8] = br#"{"do":"wait"}"#;

fn plain(body: &[u8]) -> Request<Body> {
    github(body, full(body))
}

fn retry_after(head: &response::Parts) -> Option<u32> {
    let value = head.headers.get("retry-after")?;
    value.to_str().unwrap().parse().ok()
}

/// A body that begins and does not go on while the sender of it lives.
fn begun() -> (impl Sized, Body) {
    let (more, mut frames) = unbounded_channel();
    more.send(Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"{"))))
        .unwrap();
    let stream = futures_util::stream::poll_fn(move |cx| frames.poll_recv(cx));
    (more, StreamBody::new(stream).boxed_unsync())
}

#[tokio::test]
async fn a_delivery_in_progress_is_503_or_409_and_runs_once() {
    for link in LINKS {
        let setup = Setup::new();
        let usual = setup.github();
        let chosen = setup.github().conflict_while_in_progress();
        for (builder, status) in [(usual, 503), (chosen.connection("other"), 409)] {
            let (mut server, _) = Server::start(link, builder).await;
            let first = tokio::spawn(server.send(plain(WAIT)));
            server.gate.waiting.acquire().await.unwrap().forget();
            let (head, body) = server.send(plain(WAIT)).await;
            assert_eq!(head.status, status);
            assert!((1..=30).contains(&retry_after(&head).unwrap()));
            assert!(String::from_utf8_lossy(&body).contains("processing"));
            assert_eq!(server.heard().await, "in_progress");
            server.gate.leave.add_permits(1);
            assert_eq!(first.await.unwrap().0.status, 204);
            assert_eq!(server.heard().await, "acknowledged");
            assert_eq!(server.send(plain(WAIT)).await.0.status, 204);
            assert_eq!(server.heard().await, "duplicate");
        }
    }
}

#[tokio::test]
async fn a_store_that_is_down_or_full_is_503_and_nothing_runs() {
    for link in LINKS {
        let setup = Setup::new();
        let (mut server, _) = Server::start(link, setup.github()).await;
        setup.store.claims_to_fail.store(3, Ordering::Relaxed);
        let (head, _) = server.send(plain(WAIT)).await;
        assert_eq!((head.status.as_u16(), retry_after(&head)), (503, Some(5)));
        assert_eq!(server.heard().await, "store_unavailable");
        setup.store.is_full.store(true, Ordering::Relaxed);
        let (head, _) = server.send(plain(WAIT)).await;
        assert_eq!((head.status.as_u16(), retry_after(&head)), (503, Some(30)));
        assert_eq!(server.heard().await, "store_full");
        assert_eq!(server.gate.waiting.available_permits(), 0);
    }
}

#[tokio::test]
async fn where_duplicates_are_allowed_a_store_that_is_down_stops_nothing() {
    for link in LINKS {
        let setup = Setup::new();
        let builder = setup.github().dangerous();
        let builder = builder.allow_duplicates_on_store_failure();
        let (mut server, _) = Server::start(link, builder).await;
        for _ in 0..2 {
            setup.store.claims_to_fail.store(3, Ordering::Relaxed);
            assert_eq!(server.send(plain(b"{}")).await.0.status, 204);
            assert_eq!(server.heard().await, "acknowledged");
        }
        assert_eq!(setup.store.completions.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn what_the_permits_do_not_allow_is_503() {
    for link in LINKS {
        let setup = Setup::new();
        let (mut server, _) = Server::start(link, setup.github().handlers(1)).await;
        let first = tokio::spawn(server.send(plain(WAIT)));
        server.gate.waiting.acquire().await.unwrap().forget();
        let (head, _) = server.send(plain(b"{}")).await;
        assert_eq!(head.status, 503);
        assert!((1..=5).contains(&retry_after(&head).unwrap()));
        assert_eq!(server.heard().await, "shed");
        server.gate.leave.add_permits(1);
        assert_eq!(first.await.unwrap().0.status, 204);

        // A body of unknown length takes its permits for the longest that it may be: over half of
        // them, so that of two only the first to arrive is read.
        let greedy = setup.github().max_payload_bytes(33 << 20);
        let (mut server, _) = Server::start_within(link, greedy, 33 << 20).await;
        let ((more, one), (more_too, other)) = (begun(), begun());
        let one = tokio::spawn(server.send(github(b"{}", one)));
        let other = tokio::spawn(server.send(github(b"{}", other)));
        let (shed, read) = match futures_util::future::select(one, other).await {
            Either::Left((shed, read)) | Either::Right((shed, read)) => (shed, read),
        };
        assert_eq!(shed.unwrap().0.status, 503);
        assert_eq!(server.heard().await, "shed");
        drop((more, more_too));
        assert_eq!(read.await.unwrap().0.status, 401);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_is_408() {
    for link in LINKS {
        let (mut server, _) = Server::start(link, Setup::new().github()).await;
        let (_more, body) = begun();
        let (head, _) = server.send(github(b"{}", body)).await;
        assert_eq!(head.status, 408);
        if link.version == Version::HTTP_11 {
            assert_eq!(head.headers["connection"], "close");
        }
        assert_eq!(server.heard().await, "body_timeout");
    }
}

#[tokio::test]
async fn a_connection_that_ends_inside_the_body_is_heard_of() {
    for link in LINKS
        .into_iter()
        .filter(|link| link.version == Version::HTTP_11)
    {
        let (mut server, _) = Server::start(link, Setup::new().github()).await;
        let mut stream = tokio::net::TcpStream::connect(server.address)
            .await
            .unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\nx-hub-signature-256: {}\r\n\r\n{{",
            super::sign(b"{}")
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        drop(stream);
        assert_eq!(server.heard().await, "body_aborted");
    }
}

#[tokio::test]
async fn a_handler_past_its_deadline_or_without_its_lease_is_503() {
    for link in LINKS {
        let setup = Setup::new();
        let builder = setup.github().handler_deadline(Duration::from_millis(1));
        let (mut server, _) = Server::start(link, builder).await;
        let (head, _) = server.send(plain(WAIT)).await;
        assert_eq!((head.status.as_u16(), retry_after(&head)), (503, Some(5)));
        assert_eq!(server.heard().await, "handler_timeout");

        setup.store.is_lost.store(true, Ordering::Relaxed);
        let builder = setup.github().lease(Duration::from_secs(1));
        let (mut server, _) = Server::start(link, builder).await;
        let (head, _) = server.send(plain(WAIT)).await;
        assert_eq!((head.status.as_u16(), retry_after(&head)), (503, Some(5)));
        assert_eq!(server.heard().await, "lease_lost");
    }
}

#[tokio::test]
async fn a_signed_id_with_another_payload_is_422_and_a_time_ahead_of_us_409() {
    for link in LINKS {
        let setup = Setup::new();
        let (mut server, _) = Server::start(link, setup.standard()).await;
        for (req, status, outcome) in [
            (standard("a", NOW, b"{}"), 204, "acknowledged"),
            (standard("a", NOW, b"{ }"), 422, "fingerprint_mismatch"),
            (standard("a", NOW + 300, b"{}"), 204, "duplicate"),
            (standard("b", NOW + 301, b"{}"), 409, "future"),
            (standard("b", NOW - 300, b"{}"), 204, "acknowledged"),
            (standard("c", NOW - 301, b"{}"), 409, "stale"),
        ] {
            let (head, _) = server.send(req).await;
            assert_eq!(
                (head.status.as_u16(), server.heard().await),
                (status, outcome)
            );
        }
    }
}

/// A source of secrets that is down.
struct Nobody;

impl Authenticator for Nobody {
    type Pass = HmacPass;
    type Opening = Ready<Result<Opened<HmacPass>, OpenError>>;

    fn open(&self, _: &Parts) -> Self::Opening {
        ready(Err(OpenError::Unavailable))
    }
}

#[tokio::test]
async fn without_secrets_and_while_shutting_down_all_is_503() {
    for link in LINKS {
        let setup = Setup::new();
        let builder = Inbound::builder_with_store(Nobody, Arc::clone(&setup.store));
        let (mut server, _) = Server::start(link, builder).await;
        let (head, _) = server.send(plain(b"{}")).await;
        assert_eq!((head.status.as_u16(), retry_after(&head)), (503, Some(5)));
        assert_eq!(server.heard().await, "secret_unavailable");

        let (mut server, inbound) = Server::start(link, setup.github()).await;
        inbound.drain().await;
        let (head, _) = server.send(plain(b"{}")).await;
        assert_eq!(head.status, 503);
        assert_eq!(server.heard().await, "draining");

        let (mut server, _) = Server::start(link, setup.github().enabled(false)).await;
        assert_eq!(server.send(plain(b"{}")).await.0.status, 404);
        assert_eq!(server.heard().await, "disabled");
    }
}
