//! Every code, by a receiver that earns it.

use std::collections::HashSet;
use std::error::Error;
use std::io;
use std::time::Duration;

use http::{Request, Version};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower::{ServiceExt as _, service_fn};
use tower_webhook::outbound::Failure;
use tower_webhook::outbound::client::ClientError;
use tower_webhook::outbound::egress::HostName;

use super::server::{Server, ok, read_request};
use super::{builder, client, post};

async fn failure(url: &str) -> Failure {
    match post(&client(), url).await {
        Ok(answer) => panic!("answered {}", answer.status()),
        Err(err) => err.kind(),
    }
}

#[test]
fn codes_are_unique_and_can_be_read_back() {
    let codes: HashSet<_> = Failure::ALL.iter().map(|failure| failure.code()).collect();
    assert_eq!(codes.len(), Failure::ALL.len());
    for failure in Failure::ALL {
        assert_eq!(Failure::from_code(failure.code()), Some(failure));
        assert_eq!(failure.to_string(), failure.code());
    }
    assert_eq!(Failure::from_code("teapot"), None);
}

#[tokio::test]
async fn a_refused_url_is_egress_denied() {
    assert_eq!(failure("http://10.0.0.1/").await, Failure::EgressDenied);
    assert_eq!(failure("http://2130706433/").await, Failure::EgressDenied);
    assert_eq!(failure("http://[::1]/").await, Failure::EgressDenied);
}

#[tokio::test]
async fn a_name_without_address_is_a_dns_error() {
    let resolver = service_fn(|_: HostName| async { Ok::<[_; 0], io::Error>([]) });
    let client = builder().with_resolver(resolver).build().unwrap();
    let err = post(&client, "http://receiver.example/").await.unwrap_err();
    assert_eq!(err.kind(), Failure::DnsError);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_connection_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(failure(&url).await, Failure::ConnectionRefused);
}

#[tokio::test]
async fn a_handshake_that_is_not_answered_is_a_connect_timeout() {
    let server = Server::raw(|mut stream, _| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let client = builder()
        .with_connect_timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    let err = post(&client, &server.https()).await.unwrap_err();
    assert_eq!(err.kind(), Failure::ConnectTimeout);
}

#[tokio::test]
async fn a_silent_receiver_is_a_timeout() {
    let server = Server::raw(|mut stream, _| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let client = client();
    let url = server.url();
    let answer = tokio::time::timeout(Duration::from_millis(100), post(&client, &url));
    let elapsed = answer.await.unwrap_err();
    assert_eq!(Failure::of(&elapsed), Failure::Timeout);
}

#[tokio::test]
async fn a_connection_that_is_closed_or_reset_before_the_answer_is_connection_reset() {
    for (is_read, is_reset) in [(false, false), (true, false), (true, true), (false, true)] {
        let server = Server::raw(move |mut stream, _| async move {
            if is_read {
                read_request(&mut stream).await;
            }
            if is_reset {
                stream.set_zero_linger().unwrap();
            }
        })
        .await;
        assert_eq!(failure(&server.url()).await, Failure::ConnectionReset);
        // A new connection that breaks was not stale: the receiver may have read the request.
        assert_eq!(server.accepted(), 1);
    }
}

#[tokio::test]
async fn a_head_that_breaks_off_is_connection_reset() {
    let server = Server::raw(|mut stream, _| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nconte").await.unwrap();
    })
    .await;
    assert_eq!(failure(&server.url()).await, Failure::ConnectionReset);
}

#[tokio::test]
async fn what_is_no_answer_is_a_protocol_error() {
    let long = format!("HTTP/1.1 200 OK\r\nlong: {}\r\n\r\n", "a".repeat(1_000_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(1000));
    for garbage in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 wrong\r\n\r\n",
        &long,
        &many,
    ] {
        let garbage = garbage.to_owned();
        let server = Server::raw(move |mut stream, _| {
            let garbage = garbage.clone();
            async move {
                read_request(&mut stream).await;
                let _ = stream.write_all(garbage.as_bytes()).await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        })
        .await;
        assert_eq!(failure(&server.url()).await, Failure::ProtocolError);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_body_error() {
    let server = Server::raw(|mut stream, _| async move {
        read_request(&mut stream).await;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbroken";
        stream.write_all(answer).await.unwrap();
    })
    .await;
    let answer = post(&client(), &server.url()).await.unwrap();
    let err = answer.into_body().collect().await.unwrap_err();
    assert_eq!(err.kind(), Failure::BodyError);
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_another_failure() {
    let server = Server::http(ok).await;
    let request = Request::post(server.url()).version(Version::HTTP_2);
    let request = request.body("{}".into()).unwrap();
    let err = client().oneshot(request).await.unwrap_err();
    assert_eq!(err.kind(), Failure::Other);
}

#[test]
fn what_the_system_and_tokio_say_is_understood() {
    let of = |kind: io::ErrorKind| Failure::of(&io::Error::from(kind));
    assert_eq!(of(io::ErrorKind::HostUnreachable), Failure::Unreachable);
    assert_eq!(of(io::ErrorKind::NetworkUnreachable), Failure::Unreachable);
    assert_eq!(of(io::ErrorKind::TimedOut), Failure::Timeout);
    assert_eq!(of(io::ErrorKind::BrokenPipe), Failure::ConnectionReset);
    assert_eq!(of(io::ErrorKind::PermissionDenied), Failure::Other);
    let inside = io::Error::other(io::Error::other(rustls::Error::DecryptError));
    assert_eq!(Failure::of(&inside), Failure::TlsError);
}

fn texts(err: &ClientError) -> String {
    let mut text = format!("{err:?} {err}");
    let mut next = err.source();
    while let Some(err) = next {
        text += &format!(" {err:?} {err}");
        next = err.source();
    }
    text
}

#[tokio::test]
async fn errors_say_nothing_of_the_secrets_in_a_url() {
    let closing = Server::raw(|_, _| async {}).await;
    let plain = Server::http(ok).await;
    for url in [
        format!("http://127.0.0.1:{}/s3cret?token=s3cret", closing.port),
        format!("https://127.0.0.1:{}/s3cret?token=s3cret", plain.port),
        "http://127.0.0.1:1/s3cret?token=s3cret".to_owned(),
        "http://10.0.0.1/s3cret".to_owned(),
        "http://s3cret:s3cret@127.0.0.1/s3cret".to_owned(),
    ] {
        let err = post(&client(), &url).await.unwrap_err();
        assert!(!texts(&err).contains("s3cret"), "{}", texts(&err));
    }
}
