//! TLS, and HTTP/2 where it is agreed on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Version;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tower_webhook::outbound::Failure;
use tower_webhook::outbound::client::{AnswerLimits, HttpClient, read_answer};

use super::server::{Server, acceptor, ok};
use super::{builder, client, egress, post};

async fn version(protocols: &[&str]) -> Version {
    let seen = Arc::new(Mutex::new(None));
    let server = Server::tls(protocols, {
        let seen = Arc::clone(&seen);
        move |request| {
            *seen.lock().unwrap() = Some(request.version());
            ok(request)
        }
    })
    .await;
    let client = client();
    for _ in 0..20 {
        let response = post(&client, &server.https()).await.unwrap();
        let answer = read_answer(response, AnswerLimits::new(), 0).await;
        assert_eq!(answer.body, "thank you");
    }
    assert_eq!(server.accepted(), 1);
    seen.lock().unwrap().unwrap()
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_agreed_on() {
    assert_eq!(version(&["h2", "http/1.1"]).await, Version::HTTP_2);
    assert_eq!(version(&["h2"]).await, Version::HTTP_2);
}

#[tokio::test]
async fn http_1_is_spoken_otherwise() {
    assert_eq!(version(&["http/1.1"]).await, Version::HTTP_11);
    assert_eq!(version(&[]).await, Version::HTTP_11);
}

#[tokio::test]
async fn a_root_that_is_not_believed_is_a_tls_error() {
    let server = Server::tls(&[], ok).await;
    let stranger = rcgen::generate_simple_self_signed(["stranger".to_owned()]).unwrap();
    let client = HttpClient::builder(egress())
        .without_system_roots()
        .with_root_certificate_pem(stranger.cert.pem())
        .and_then(|builder| builder.build())
        .unwrap();
    let err = post(&client, &server.https()).await.unwrap_err();
    assert_eq!(err.kind(), Failure::TlsError);
}

#[tokio::test]
async fn a_name_that_the_certificate_does_not_have_is_a_tls_error() {
    let server = Server::tls(&[], ok).await;
    let by_name = format!("https://other.localhost:{}/", server.port);
    let resolver = tower::service_fn(|_: tower_webhook::outbound::egress::HostName| async {
        Ok::<_, std::io::Error>([std::net::Ipv4Addr::LOCALHOST.into()])
    });
    let client = builder().with_resolver(resolver).build().unwrap();
    let err = post(&client, &by_name).await.unwrap_err();
    assert_eq!(err.kind(), Failure::TlsError);
    let right = format!("https://localhost:{}/", server.port);
    assert!(post(&client, &right).await.unwrap().status().is_success());
}

#[tokio::test]
async fn a_receiver_without_tls_is_a_tls_error() {
    let plain = Server::http(ok).await;
    let closing = Server::raw(|_, _| async {}).await;
    let resetting = Server::raw(|mut stream, _| async move {
        let _ = stream.read(&mut [0]).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    for server in [plain, closing, resetting] {
        let err = post(&client(), &server.https()).await.unwrap_err();
        assert_eq!(err.kind(), Failure::TlsError);
    }
}

#[tokio::test]
async fn what_is_no_http_2_is_a_protocol_error() {
    let acceptor = acceptor(&["h2"]);
    let server = Server::raw(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let err = post(&client(), &server.https()).await.unwrap_err();
    assert_eq!(err.kind(), Failure::ProtocolError);
}

#[test]
fn a_client_without_roots_or_with_wrong_ones_is_not_built() {
    let none = HttpClient::builder(egress()).without_system_roots().build();
    assert_eq!(none.unwrap_err().field(), "root_certificate");
    for wrong in [
        "",
        "text",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    ] {
        let builder = HttpClient::builder(egress()).without_system_roots();
        let built = builder
            .with_root_certificate_pem(wrong)
            .and_then(|builder| builder.build());
        assert_eq!(built.unwrap_err().field(), "root_certificate", "{wrong}");
    }
}

/// Reads frames of HTTP/2 until a request begins, and returns its stream.
async fn read_stream<IO: AsyncRead + Unpin>(stream: &mut IO) -> Option<[u8; 4]> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, _, id @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.ok()?;
        if kind == 1 {
            return Some(id);
        }
    }
}

#[tokio::test]
async fn a_receiver_that_goes_away_between_two_requests_fails_none() {
    // RFC 9113: empty SETTINGS, HEADERS that end the stream with 200, GOAWAY after stream 1 and REFUSED_STREAM.
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GOAWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    const REFUSED: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 3, 0, 0, 0, 7];
    const HARMED: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 3, 0, 0, 0, 2];
    for (end, is_replaced) in [(GOAWAY, true), (REFUSED, true), (HARMED, false)] {
        let acceptor = acceptor(&["h2"]);
        let server = Server::raw(move |stream, _| {
            let acceptor = acceptor.clone();
            async move {
                let mut stream = acceptor.accept(stream).await.unwrap();
                stream.read_exact(&mut [0; 24]).await.unwrap();
                stream.write_all(SETTINGS).await.unwrap();
                let [a, b, c, d] = read_stream(&mut stream).await.unwrap();
                let answer = [0, 0, 1, 1, 5, a, b, c, d, 0x88];
                stream.write_all(&answer).await.unwrap();
                if read_stream(&mut stream).await.is_some() {
                    stream.write_all(end).await.unwrap();
                    let _ = stream.shutdown().await;
                }
            }
        })
        .await;
        let client = client();
        assert!(post(&client, &server.https()).await.is_ok());
        match post(&client, &server.https()).await {
            Ok(_) => assert!(is_replaced),
            Err(err) => assert_eq!((err.kind(), is_replaced), (Failure::ProtocolError, false)),
        }
        assert_eq!(server.accepted(), 1 + usize::from(is_replaced));
    }
}

#[tokio::test]
async fn a_connection_of_http_2_that_went_silent_is_replaced() {
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    let acceptor = acceptor(&["h2"]);
    let server = Server::raw(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            stream.read_exact(&mut [0; 24]).await.unwrap();
            stream.write_all(SETTINGS).await.unwrap();
            let [a, b, c, d] = read_stream(&mut stream).await.unwrap();
            let answer = [0, 0, 1, 1, 5, a, b, c, d, 0x88];
            stream.write_all(&answer).await.unwrap();
            // Reads all, and says no more, not even that it lives.
            while read_stream(&mut stream).await.is_some() {}
        }
    })
    .await;
    let client = client();
    assert!(post(&client, &server.https()).await.is_ok());
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let err = post(&client, &server.https()).await.unwrap_err();
    assert_eq!(err.kind(), Failure::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(11));
    tokio::time::resume();
    assert_eq!(server.accepted(), 1);
    assert!(post(&client, &server.https()).await.is_ok());
    assert_eq!(server.accepted(), 2);
}
