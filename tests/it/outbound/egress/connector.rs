//! What is dialled, over real sockets.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Uri;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower::{ServiceExt as _, service_fn};
use tower_webhook::outbound::Failure;
use tower_webhook::outbound::egress::{ConnectError, Egress, EgressConnector, HostName};

use super::urls::INSIDE;

const GOOD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const BAD: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Allows one address of this machine, which stands for the public ones.
fn egress() -> Egress {
    let egress = Egress::public().allow(&GOOD.to_string()).unwrap();
    egress.allow_http()
}

/// A listener on either address, on the same port.
async fn listeners() -> (TcpListener, TcpListener, u16) {
    loop {
        let bad = TcpListener::bind((BAD, 0)).await.unwrap();
        let port = bad.local_addr().unwrap().port();
        if let Ok(good) = TcpListener::bind((GOOD, port)).await {
            return (good, bad, port);
        }
    }
}

/// Whether somebody came.
async fn was_dialled(listener: &TcpListener) -> bool {
    let accepted = tokio::time::timeout(Duration::from_millis(20), listener.accept());
    accepted.await.is_ok()
}

/// Answers with one list after the other, and counts.
fn answers(lists: &'static [&'static [IpAddr]]) -> (EgressConnector, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let resolver = service_fn({
        let asked = Arc::clone(&asked);
        move |name: HostName| {
            assert_eq!(name.as_str(), "receiver.example");
            assert_eq!(name.to_string(), "receiver.example");
            let turn = asked.fetch_add(1, Ordering::Relaxed);
            let list = lists[turn.min(lists.len() - 1)];
            async move { Ok::<_, io::Error>(list.iter().copied()) }
        }
    });
    (
        EgressConnector::new(egress()).with_resolver(resolver),
        asked,
    )
}

async fn dial(connector: &EgressConnector, url: &str) -> Result<(), ConnectError> {
    let url: Uri = url.parse().unwrap();
    connector.clone().oneshot(url).await.map(drop)
}

#[tokio::test]
async fn an_answer_that_changes_after_the_check_is_never_dialled() {
    let (good, bad, port) = listeners().await;
    let (connector, asked) = answers(&[&[GOOD], &[BAD]]);
    let url = format!("http://Receiver.Example:{port}/");
    dial(&connector, &url).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert!(was_dialled(&good).await);
    let refused = dial(&connector, &url).await.unwrap_err();
    assert_eq!(refused.kind(), Failure::EgressDenied);
    assert_eq!(refused.to_string(), "the egress guard refused");
    let source = std::error::Error::source(&refused).unwrap();
    assert_eq!(source.to_string(), "the address is not allowed");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert!(!was_dialled(&bad).await);
    assert!(!was_dialled(&good).await);
}

#[tokio::test]
async fn one_refused_address_refuses_the_name() {
    let (good, bad, port) = listeners().await;
    let (connector, _) = answers(&[&[GOOD, BAD], &[BAD, GOOD]]);
    for _ in 0..2 {
        let refused = dial(&connector, &format!("http://receiver.example:{port}/")).await;
        assert_eq!(refused.unwrap_err().kind(), Failure::EgressDenied);
    }
    assert!(!was_dialled(&good).await);
    assert!(!was_dialled(&bad).await);
}

#[tokio::test]
async fn the_next_address_is_dialled_when_the_first_does_not_answer() {
    const DEAF: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
    let (good, _bad, port) = listeners().await;
    let asked = service_fn(|_: HostName| async { Ok::<_, io::Error>([DEAF, GOOD]) });
    let egress = egress().allow("127.0.0.3").unwrap();
    let connector = EgressConnector::new(egress).with_resolver(asked);
    dial(&connector, &format!("http://receiver.example:{port}/"))
        .await
        .unwrap();
    assert!(was_dialled(&good).await);
}

/// A listener that accepts nobody, its queue full: the system drops what comes.
async fn deaf(address: IpAddr, port: u16) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((address, port).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let knock = || tokio::time::timeout(Duration::from_millis(100), TcpStream::connect(address));
    while let Ok(stream) = knock().await {
        waiting.push(stream.unwrap());
    }
    (listener, waiting)
}

#[tokio::test]
async fn an_address_that_swallows_packets_leaves_time_for_the_next() {
    const DEAF: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
    let (good, _bad, port) = listeners().await;
    let _deaf = deaf(DEAF, port).await;
    let asked = service_fn(|_: HostName| async { Ok::<_, io::Error>([DEAF, GOOD]) });
    let egress = egress().allow("127.0.0.3").unwrap();
    let connector = EgressConnector::new(egress)
        .with_resolver(asked)
        .with_timeout(Duration::from_secs(1));
    let begun = tokio::time::Instant::now();
    dial(&connector, &format!("http://receiver.example:{port}/"))
        .await
        .unwrap();
    assert!(begun.elapsed() < Duration::from_millis(900));
    assert!(was_dialled(&good).await);
    let alone = dial(&connector, &format!("http://127.0.0.3:{port}/")).await;
    assert_eq!(alone.unwrap_err().kind(), Failure::ConnectTimeout);
}

#[tokio::test]
async fn eight_addresses_of_a_name_are_dialled() {
    let (good, _bad, port) = listeners().await;
    let connector = |deaf: u8| {
        let found: Vec<IpAddr> = (10..10 + deaf)
            .map(|last| Ipv4Addr::new(127, 0, 0, last).into())
            .chain([GOOD])
            .collect();
        let asked = service_fn(move |_: HostName| {
            let found = found.clone();
            async { Ok::<_, io::Error>(found) }
        });
        let egress = Egress::public().allow("127.0.0.0/8").unwrap();
        EgressConnector::new(egress.allow_http()).with_resolver(asked)
    };
    let url = format!("http://receiver.example:{port}/");
    dial(&connector(7), &url).await.unwrap();
    assert!(was_dialled(&good).await);
    let err = dial(&connector(8), &url).await.unwrap_err();
    assert_eq!(err.kind(), Failure::ConnectionRefused);
}

#[tokio::test]
async fn an_address_without_a_route_is_unreachable() {
    // Nobody connects to a group.
    let egress = Egress::public().allow("224.0.0.0/4").unwrap().allow_http();
    let err = dial(&EgressConnector::new(egress), "http://224.0.0.1/").await;
    assert_eq!(err.unwrap_err().kind(), Failure::Unreachable);
}

#[tokio::test]
async fn addresses_in_urls_are_judged_without_the_resolver() {
    let (good, bad, port) = listeners().await;
    let (connector, asked) = answers(&[&[GOOD]]);
    dial(&connector, &format!("http://127.0.0.2:{port}/"))
        .await
        .unwrap();
    dial(&connector, &format!("http://[::ffff:127.0.0.2]:{port}/"))
        .await
        .unwrap();
    assert!(was_dialled(&good).await && was_dialled(&good).await);
    for (url, _) in INSIDE {
        let url: Uri = url.parse().unwrap();
        let host = url.host().unwrap();
        let err = dial(&connector, &format!("http://{host}:{port}/"))
            .await
            .unwrap_err();
        assert_eq!(err.kind(), Failure::EgressDenied, "{host}");
    }
    assert!(!was_dialled(&bad).await);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_resolver_of_the_system_is_judged_too() {
    let listener = TcpListener::bind((BAD, 0)).await.unwrap();
    let url = format!(
        "http://localhost:{}/",
        listener.local_addr().unwrap().port()
    );
    let refused = dial(&EgressConnector::new(egress()), &url)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), Failure::EgressDenied);
    let loopback = Egress::public()
        .allow("127.0.0.0/8")
        .and_then(|egress| egress.allow("::1"))
        .unwrap()
        .allow_http();
    dial(&EgressConnector::new(loopback), &url).await.unwrap();
    assert!(was_dialled(&listener).await);
}

#[tokio::test]
async fn names_that_do_not_resolve_say_so() {
    let failing = service_fn(|_: HostName| async { Err::<[IpAddr; 0], _>(io::Error::other("no")) });
    let empty = service_fn(|_: HostName| async { Ok::<[IpAddr; 0], io::Error>([]) });
    let failing = EgressConnector::new(egress()).with_resolver(failing);
    let empty = EgressConnector::new(egress()).with_resolver(empty);
    for connector in [failing, empty] {
        let err = dial(&connector, "http://receiver.example/")
            .await
            .unwrap_err();
        assert_eq!(err.kind(), Failure::DnsError);
    }
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_hangs_is_given_up_after_5_seconds() {
    let hanging = service_fn(|_: HostName| std::future::pending::<io::Result<Vec<IpAddr>>>());
    let connector = EgressConnector::new(egress()).with_resolver(hanging);
    let begun = tokio::time::Instant::now();
    let err = dial(&connector, "http://receiver.example/")
        .await
        .unwrap_err();
    assert_eq!(err.kind(), Failure::ConnectTimeout);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(5) && waited < Duration::from_millis(5100));
}

#[tokio::test]
async fn nobody_listening_is_a_refused_connection() {
    let (good, _bad, port) = listeners().await;
    drop(good);
    let (connector, _) = answers(&[&[GOOD]]);
    let err = dial(&connector, &format!("http://receiver.example:{port}/")).await;
    assert_eq!(err.unwrap_err().kind(), Failure::ConnectionRefused);
}

#[tokio::test]
async fn what_is_written_arrives_and_an_end_is_seen_while_the_stream_is_still_there() {
    use hyper::rt::Write as _;
    let listener = TcpListener::bind((GOOD, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let dialled = EgressConnector::new(egress()).oneshot(url.parse().unwrap());
    let mut stream = dialled.await.unwrap();
    let (mut peer, _) = listener.accept().await.unwrap();
    let written = poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, b"hello")).await;
    assert_eq!(written.unwrap(), 5);
    poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx))
        .await
        .unwrap();
    let mut heard = String::new();
    peer.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "hello");
    drop(stream);
}
