//! Senders that take their time: the head is the server's affair, the body is ours.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::frames;
use super::framing::{body, head};
use super::receiver::{HOSTS, Host, PATIENCE, Receiver};
use super::requests::is_healthy;
use super::wire::Wire;

/// Senders at once.
const MANY: usize = 100;

/// A letter of a head at a time, until the connection ends.
async fn dribble(wire: &mut Wire, bytes: &[u8], pause: Duration) {
    for byte in bytes {
        wire.write(&[*byte]).await;
        if wire.closes(pause).await {
            return;
        }
    }
}

#[tokio::test]
async fn slow_heads_end_with_the_patience_of_the_server_and_hold_up_nobody() {
    let receiver = Receiver::start(Host::Hyper).await;
    let good = head(b"{}", "");
    let silent = |start: &'static [u8]| {
        let address = receiver.address;
        async move {
            let mut wire = Wire::open(address).await;
            wire.write(start).await;
            wire.closes(PATIENCE * 4).await
        }
    };
    let slow = || async {
        let mut wire = Wire::open(receiver.address).await;
        let start = Instant::now();
        dribble(&mut wire, good.as_bytes(), PATIENCE / 5).await;
        start.elapsed() < PATIENCE * 4
    };
    let half = b"POST /webhooks/github/one HTTP/1.1\r\nhost: a\r\nx-ha";
    // The other version: a request whose head is never finished, on a connection that answers no ping.
    let unfinished: &'static [u8] = frames::unfinished().leak();
    let attack = async {
        let heads = join_all((0..MANY).map(|_| silent(half)));
        let frames = join_all((0..MANY).map(|_| silent(unfinished)));
        let letters = join_all((0..MANY).map(|_| slow()));
        let (heads, frames, letters) = futures_util::join!(heads, frames, letters);
        [heads, frames, letters].concat()
    };
    let healthy = async {
        for _ in 0..10 {
            is_healthy(&receiver, "slow heads").await;
            sleep(PATIENCE / 10).await;
        }
    };
    let (ended, ()) = futures_util::join!(attack, healthy);
    assert!(ended.iter().all(|ended| *ended));
    // None of them was a request.
    assert_eq!(receiver.seen.outcomes().len(), 1);
    is_healthy(&receiver, "slow heads").await;
}

/// A body that never comes, in the time that a body without a byte has.
#[tokio::test]
async fn bodies_that_stop_end_with_408_after_a_second() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let stop = |sent: usize| {
            let body = body();
            let bytes = head(body.as_bytes(), "content-length: 10\r\n") + &body[..sent];
            let address = receiver.address;
            async move {
                let mut wire = Wire::open(address).await;
                let start = Instant::now();
                wire.write(bytes.as_bytes()).await;
                let answer = wire.answer().await.unwrap();
                assert_eq!(answer.status, 408);
                assert!(answer.head.contains("connection: close"));
                assert!(wire.closes(Duration::from_secs(1)).await);
                start.elapsed()
            }
        };
        let all = join_all((0..MANY).map(|at| stop(at % 10)));
        let healthy = is_healthy(&receiver, "bodies that stop");
        let (took, ()) = futures_util::join!(all, healthy);
        let longest = took.into_iter().max().unwrap();
        assert!(longest < Duration::from_secs(3), "{longest:?}");
        assert_eq!(receiver.seen.count("body_timeout"), MANY);
        is_healthy(&receiver, "bodies that stop").await;
    }
}

/// A body that comes at twice the lowest rate, so that only the time for all of it ends it.
#[tokio::test]
async fn a_body_that_is_just_fast_enough_ends_with_408_after_ten_seconds() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let lines = [
            "content-length: 1048576\r\n",
            "transfer-encoding: chunked\r\n",
        ];
        let trickle = |lines: &'static str| {
            let (address, bytes) = (receiver.address, head(b"{}", lines));
            async move {
                let mut wire = Wire::open(address).await;
                wire.write(bytes.as_bytes()).await;
                let start = Instant::now();
                let chunk = format!("640\r\n{}\r\n", " ".repeat(1600));
                while start.elapsed() < Duration::from_secs(12) {
                    wire.write(chunk.as_bytes()).await;
                    if let Ok(answer) = timeout(Duration::from_millis(100), wire.answer()).await {
                        return (answer.unwrap().status, start.elapsed());
                    }
                }
                panic!("it goes on and on");
            }
        };
        let all = join_all(lines.map(trickle));
        let healthy = is_healthy(&receiver, "a trickle");
        let (answers, ()) = futures_util::join!(all, healthy);
        for (status, took) in answers {
            assert_eq!(status, 408);
            assert!((9..12).contains(&took.as_secs()), "{took:?}");
        }
        is_healthy(&receiver, "a trickle").await;
    }
}
