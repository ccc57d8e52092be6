use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request, Version};
use http_body_util::{BodyExt as _, StreamBody};

use super::server::{Body, LINKS, Server};
use super::{Setup, full, github, sign};
use crate::sockets::NOW;

/// A request of one row of the contract, its outcome and its status.
type Row = (&'static str, u16, Request<Body>);

fn row(outcome: &'static str, status: u16, body: &[u8]) -> Row {
    (outcome, status, github(body, full(body)))
}

fn chunked(outcome: &'static str, status: u16, body: &[u8]) -> Row {
    let frame = http_body::Frame::data(Bytes::copy_from_slice(body));
    let stream = futures_util::stream::iter([Ok::<_, Infallible>(frame)]);
    let body = github(body, StreamBody::new(stream).boxed_unsync());
    (outcome, status, body)
}

fn without(name: &'static str, mut row: Row) -> Row {
    row.2.headers_mut().remove(name);
    row
}

fn with(name: &'static str, value: &str, mut row: Row) -> Row {
    row.2.headers_mut().insert(name, value.parse().unwrap());
    row
}

fn rows() -> Vec<Row> {
    let signature = "x-hub-signature-256";
    let mut put = row("method", 405, b"{}");
    *put.2.method_mut() = Method::PUT;
    let twice = || ["{}", "{ }"].map(|body| sign(body.as_bytes()).parse().unwrap());
    let mut doubled = without(signature, row("unauthenticated", 401, b"{}"));
    for value in twice() {
        doubled.2.headers_mut().append(signature, value);
    }
    vec![
        put,
        row("too_large", 413, &[b' '; 4097]),
        chunked("too_large", 413, &[b' '; 4097]),
        // Over the limit of tower-http's own layer, where there is one.
        chunked("too_large", 413, &[b' '; 9000]),
        with("content-encoding", "gzip", row("encoding", 415, b"{}")),
        with("content-type", "text/plain", row("encoding", 415, b"{}")),
        without(signature, row("unauthenticated", 401, b"{}")),
        doubled,
        with(signature, "sha256=zz", row("unauthenticated", 401, b"{}")),
        with(signature, &sign(b"{ }"), row("unauthenticated", 401, b"{}")),
        row("malformed", 400, b"[]"),
        row("malformed", 400, b"{\"a\":}"),
        row("acknowledged", 204, b"{}"),
        row("duplicate", 204, b"{}"),
        chunked("duplicate", 204, b"{}"),
        row("handler_error", 502, b"{\"do\":\"fail\"}"),
        row("handler_error", 502, b"{\"do\":\"fail\"}"),
        row("handler_panic", 500, b"{\"do\":\"panic\"}"),
        row("handler_rejected", 422, b"{\"do\":\"reject\"}"),
        row("duplicate", 422, b"{\"do\":\"reject\"}"),
    ]
}

#[tokio::test]
async fn the_contract_holds_over_sockets() {
    for link in LINKS {
        let setup = Setup::new();
        let (mut server, _) = Server::start(link, setup.github()).await;
        let mut refusals = Vec::new();
        for (outcome, status, req) in rows() {
            let (head, body) = server.send(req).await;
            assert_eq!(head.version, link.version);
            let heard = server.heard().await;
            assert_eq!((heard, head.status.as_u16()), (outcome, status), "{link:?}");
            let has = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap());
            match status {
                405 => assert_eq!(has("allow"), Some("POST")),
                413 if link.version == Version::HTTP_11 => {
                    assert_eq!(has("connection"), Some("close"));
                }
                415 => assert_eq!(has("accept-encoding"), Some("identity")),
                401 => {
                    assert_eq!(has("www-authenticate"), Some("Webhook-Signature"));
                    assert_eq!(has("cache-control"), Some("no-store"));
                    refusals.push(body.clone());
                }
                _ => {}
            }
            let is_duplicate = has("webhook-duplicate") == Some("true");
            assert_eq!(is_duplicate, outcome == "duplicate");
            if !body.is_empty() {
                assert_eq!(has("content-type"), Some("application/problem+json"));
            }
        }
        assert!(refusals.iter().all(|body| *body == refusals[0]));
        setup.clock.set(NOW + 301);
        let (head, _) = server.send(row("stale", 409, b"{}").2).await;
        assert_eq!((server.heard().await, head.status.as_u16()), ("stale", 409));
    }
}
