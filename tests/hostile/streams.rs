//! Slow streams inside one HTTP/2 connection.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Version};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::mpsc::unbounded_channel;

use super::receiver::{HOSTS, Receiver};
use super::requests::{Body, ask, client, fresh, is_healthy, sign};

/// A body that begins and does not go on while the sender of it lives.
fn begun() -> (impl Sized, Body) {
    let (more, mut frames) = unbounded_channel();
    let frame = Frame::data(Bytes::from_static(b"{"));
    more.send(Ok::<_, Infallible>(frame)).unwrap();
    let stream = futures_util::stream::poll_fn(move |cx| frames.poll_recv(cx));
    (more, StreamBody::new(stream).boxed_unsync())
}

#[tokio::test]
async fn streams_that_stop_do_not_hold_up_their_connection() {
    for host in HOSTS {
        let receiver = Receiver::start(host).await;
        let client = client(Version::HTTP_2);
        let stop = || async {
            let (_more, body) = begun();
            let request = Request::post("/webhooks/github/one");
            let request = request.header("x-hub-signature-256", sign(b"{}"));
            ask(&client, receiver.address, request.body(body).unwrap()).await
        };
        let stops = join_all((0..50).map(|_| stop()));
        let start = Instant::now();
        // The same connection: the client has one.
        let healthy = async {
            let mut longest = Duration::ZERO;
            while start.elapsed() < Duration::from_millis(900) {
                let asked = Instant::now();
                assert_eq!(ask(&client, receiver.address, fresh()).await, 204);
                longest = longest.max(asked.elapsed());
            }
            longest
        };
        let (answers, longest) = futures_util::join!(stops, healthy);
        assert!(answers.iter().all(|status| *status == 408), "{answers:?}");
        assert!(longest < Duration::from_millis(800), "{longest:?}");
        is_healthy(&receiver, "streams that stop").await;
    }
}
