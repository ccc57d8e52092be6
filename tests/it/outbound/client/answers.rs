//! What is read of an answer.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Response, StatusCode};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::oneshot;
use tower_webhook::outbound::Failure;
use tower_webhook::outbound::client::{Answer, AnswerLimits, read_answer};

use super::server::{Server, ok, read_request};
use super::{client, post};

/// 2015-10-21 07:28:00 UTC.
const NOW: i64 = 1_445_412_480;

async fn read(bytes: usize) -> Answer {
    let body = Full::new(Bytes::from(vec![b'a'; bytes]));
    read_answer(Response::new(body), AnswerLimits::new(), NOW).await
}

#[tokio::test]
async fn the_first_4_kib_of_a_body_are_kept() {
    for (bytes, kept, is_cut) in [
        (0, 0, false),
        (1, 1, false),
        (4096, 4096, false),
        (4097, 4096, true),
        (65_536, 4096, true),
        (1_000_000, 4096, true),
    ] {
        let answer = read(bytes).await;
        assert_eq!(answer.body.len(), kept, "{bytes}");
        assert_eq!(answer.is_cut, is_cut, "{bytes}");
        assert_eq!(answer.failure, None);
    }
}

#[tokio::test]
async fn limits_can_be_set_to_nothing() {
    let limits = AnswerLimits::new().with_kept_bytes(0).with_read_bytes(0);
    let body = Full::new(Bytes::from("text"));
    let answer = read_answer(Response::new(body), limits, NOW).await;
    assert!(answer.body.is_empty() && answer.is_cut);
}

#[tokio::test]
async fn a_body_is_read_to_its_limit_and_not_past_it() {
    let limits = AnswerLimits::new().with_kept_bytes(20).with_read_bytes(10);
    for (frames, read, is_cut) in [(2, 10, false), (3, 15, true), (4, 15, true)] {
        let frame = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"12345")));
        let body = StreamBody::new(stream::iter((0..frames).map(move |_| frame())));
        let answer = read_answer(Response::new(body), limits, NOW).await;
        assert_eq!(
            (answer.body.len(), answer.is_cut),
            (read, is_cut),
            "{frames}"
        );
    }
}

#[tokio::test]
async fn the_body_of_an_answer_tells_its_length() {
    let server = Server::raw(|mut stream, _| async move {
        read_request(&mut stream).await;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nthanks";
        stream.write_all(answer).await.unwrap();
        read_request(&mut stream).await;
    })
    .await;
    let client = client();
    let mut body = post(&client, &server.url()).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(6));
    assert!(!body.is_end_stream());
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "thanks");
    assert!(body.is_end_stream());
}

#[tokio::test]
async fn why_there_is_no_answer_is_said_without_the_address_and_kept_for_the_log() {
    let err = post(&client(), "http://10.0.0.1/").await.unwrap_err();
    assert_eq!(err.to_string(), "the egress guard refused");
    let source = std::error::Error::source(&err).unwrap();
    assert_eq!(source.to_string(), "the address is not allowed");
}

#[tokio::test]
async fn retry_after_is_seconds_or_a_date() {
    for (text, seconds) in [
        ("0", Some(0)),
        ("120", Some(120)),
        (" 7 ", Some(7)),
        ("99999999999999999999999", Some(1 << 31)),
        ("Wed, 21 Oct 2015 07:28:00 GMT", Some(0)),
        ("Wed, 21 Oct 2015 07:29:40 GMT", Some(100)),
        ("Wed, 21 Oct 2015 07:00:00 GMT", Some(0)),
        ("Wednesday, 21-Oct-15 07:29:40 GMT", Some(100)),
        ("Wed Oct 21 07:29:40 2015", Some(100)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(1 << 31)),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("soon", None),
    ] {
        let response = Response::builder().status(429).header("retry-after", text);
        let response = response.body(Full::<Bytes>::default()).unwrap();
        let answer = read_answer(response, AnswerLimits::new(), NOW).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(
            answer.retry_after,
            seconds.map(Duration::from_secs),
            "{text:?}"
        );
    }
    assert_eq!(read(0).await.retry_after, None);
}

#[tokio::test]
async fn an_endless_body_is_cut_and_its_connection_given_up() {
    let (tell, told) = oneshot::channel();
    let tell = std::sync::Mutex::new(Some(tell));
    let server = Server::raw(move |mut stream, _| {
        let tell = tell.lock().unwrap().take();
        async move {
            read_request(&mut stream).await;
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head).await.unwrap();
            let chunk = format!("400\r\n{}\r\n", "a".repeat(0x400));
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
            let _ = tell.unwrap().send(());
        }
    })
    .await;
    let client = client();
    let response = post(&client, &server.url()).await.unwrap();
    let answer = read_answer(response, AnswerLimits::new(), NOW).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, "a".repeat(4096));
    assert!(answer.is_cut);
    assert_eq!(answer.failure, None);
    // The receiver's writes fail, while the client is still there.
    told.await.unwrap();
    drop(client);
}

#[tokio::test]
async fn a_slow_body_is_given_up_in_time_and_the_status_stands() {
    let server = Server::raw(|mut stream, _| async move {
        read_request(&mut stream).await;
        let head = b"HTTP/1.1 202 Accepted\r\ncontent-length: 1000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let response = post(&client(), &server.url()).await.unwrap();
    let limits = AnswerLimits::new().with_time(Duration::from_millis(100));
    let answer = read_answer(response, limits, NOW).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.failure, Some(Failure::Timeout));
    assert!(answer.is_cut && answer.body.starts_with(b"a"));
}

#[tokio::test]
async fn a_broken_body_is_told_and_the_status_stands() {
    let server = Server::raw(|mut stream, _| async move {
        read_request(&mut stream).await;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbroken";
        stream.write_all(answer).await.unwrap();
    })
    .await;
    let response = post(&client(), &server.url()).await.unwrap();
    let answer = read_answer(response, AnswerLimits::new(), NOW).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, "broken");
    assert_eq!(answer.failure, Some(Failure::BodyError));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let inside = Server::http(ok).await;
    let location = format!("http://127.0.0.1:{}/", inside.port);
    for status in [301, 302, 303, 307, 308] {
        let location = location.clone();
        let server = Server::http(move |_| {
            let response = Response::builder().status(status);
            let response = response.header("location", &location);
            response.body(Full::default()).unwrap()
        })
        .await;
        let answer = post(&client(), &server.url()).await.unwrap();
        assert_eq!(answer.status(), status);
    }
    assert_eq!(inside.accepted(), 0);
}
