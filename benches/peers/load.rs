//! Who asks: deliveries with an id of their own over connections that stay open, signed beforehand.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, Bytes};
use hmac::{KeyInit as _, Mac as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::STANDARD_SECRET;
use crate::candidates::Scheme;
use crate::common::{Mac, signature};

const CONNECTIONS: usize = 16;

/// Requests that differ in their ids, and in their signatures where those cover the id.
pub(crate) struct Requests {
    head: Vec<u8>,
    id: usize,
    signature: usize,
    signed: Vec<String>,
    body: Bytes,
}

const DIGITS: usize = 17;

impl Requests {
    /// `most` are signed where each has a signature of its own.
    pub(crate) fn new(scheme: Scheme, body: Bytes, most: usize) -> Self {
        let id = "0".repeat(DIGITS);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_secs();
        let (headers, signed) = match scheme {
            Scheme::GitHub => (
                format!(
                    "x-github-delivery: 72d3162e-cc78-11e3-{id}\r\nx-github-event: push\r\n\
                     x-github-hook-id: 292430182\r\nx-hub-signature-256: {}\r\n",
                    signature(&body)
                ),
                vec![],
            ),
            Scheme::StandardWebhooks => {
                let secret = STANDARD_SECRET.trim_start_matches("whsec_");
                let key = STANDARD.decode(secret).expect("it is base64");
                let mac = Mac::new_from_slice(&key).expect("any length");
                let sign = |number: usize| {
                    let mut mac = mac.clone();
                    mac.update(format!("msg_{number:0DIGITS$}.{now}.").as_bytes());
                    mac.update(&body);
                    STANDARD.encode(mac.finalize().into_bytes())
                };
                let signed: Vec<_> = (0..most).map(sign).collect();
                (
                    format!(
                        "webhook-id: msg_{id}\r\nwebhook-timestamp: {now}\r\n\
                         webhook-signature: v1,{}\r\n",
                        signed[0]
                    ),
                    signed,
                )
            }
        };
        let head = format!(
            "POST /webhooks/github HTTP/1.1\r\nhost: receiver.example\r\n\
             user-agent: GitHub-Hookshot/1a2b3c4\r\naccept: */*\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{headers}\r\n",
            body.len()
        );
        Self {
            id: head.find(&id).expect("it was put there"),
            signature: head.find("v1,").map_or(0, |at| at + 3),
            head: head.into_bytes(),
            signed,
            body,
        }
    }

    /// The first request, its head and its body.
    pub(crate) fn first(&self) -> (&[u8], &Bytes) {
        (&self.head, &self.body)
    }
}

/// What all connections share.
pub(crate) struct Load {
    requests: Rc<Requests>,
    // Each connection sends one id again and again.
    repeats: bool,
    next: Cell<usize>,
    stops: Cell<bool>,
    counts: Cell<bool>,
    pub(crate) latencies: RefCell<Vec<u32>>,
}

impl Load {
    pub(crate) fn new(requests: Rc<Requests>, repeats: bool) -> Rc<Self> {
        Rc::new(Self {
            requests,
            repeats,
            next: Cell::new(0),
            stops: Cell::new(false),
            counts: Cell::new(false),
            latencies: RefCell::default(),
        })
    }

    fn next(&self) -> usize {
        self.next.replace(self.next.get() + 1)
    }
}

/// Warms up, then asks as often as it goes for `time`; `begin` and `end` are called around that.
pub(crate) async fn run<T>(
    load: Rc<Load>,
    port: u16,
    time: Duration,
    mark: impl Fn() -> T,
) -> (T, Duration, T) {
    let set = LocalSet::new();
    let asking: Vec<_> = (0..CONNECTIONS)
        .map(|_| set.spawn_local(ask(Rc::clone(&load), port)))
        .collect();
    // The load never sleeps: a server that has to wake it on another core takes longer over that than over a
    // small delivery, and one that is so fast that it never has to would look better than it is.
    let awake = Rc::clone(&load);
    set.spawn_local(async move {
        while !awake.stops.get() {
            tokio::task::yield_now().await;
        }
    });
    set.run_until(async {
        tokio::time::sleep(time / 3).await;
        let (start, begin) = (Instant::now(), mark());
        load.counts.set(true);
        tokio::time::sleep(time).await;
        load.counts.set(false);
        let (took, end) = (start.elapsed(), mark());
        load.stops.set(true);
        for one in asking {
            one.await.expect("every answer was a good one");
        }
        (begin, took, end)
    })
    .await
}

async fn ask(load: Rc<Load>, port: u16) {
    let stream = TcpStream::connect(("127.0.0.1", port)).await;
    let mut stream = stream.expect("the server is there");
    stream.set_nodelay(true).expect("it is open");
    let requests = &load.requests;
    let mut head = requests.head.clone();
    let mut answer = Vec::with_capacity(4096);
    let mut number = load.next();
    while !load.stops.get() {
        let digits = format!("{number:0DIGITS$}");
        head[requests.id..][..DIGITS].copy_from_slice(digits.as_bytes());
        if !requests.signed.is_empty() {
            let signature = requests.signed.get(number).expect("enough were signed");
            head[requests.signature..][..signature.len()].copy_from_slice(signature.as_bytes());
        }
        let start = Instant::now();
        let mut request = Buf::chain(&head[..], &requests.body[..]);
        stream
            .write_all_buf(&mut request)
            .await
            .expect("the server reads");
        let status = read(&mut stream, &mut answer).await;
        assert!((200..300).contains(&status), "the server answered {status}");
        if load.counts.get() {
            let took = u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX);
            load.latencies.borrow_mut().push(took);
        }
        if !load.repeats {
            number = load.next();
        }
    }
}

/// Reads one answer, and gives its status: 0 where the connection ends without one.
pub(crate) async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) -> u16 {
    answer.clear();
    loop {
        if stream.read_buf(answer).await.unwrap_or(0) == 0 {
            return 0;
        }
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = str::from_utf8(&answer[..head]).expect("a head is ASCII");
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().expect("a number"))
        });
        let status = text[9..12].parse().expect("a status");
        let whole = head + 4 + length.unwrap_or(0);
        while answer.len() < whole {
            stream.read_buf(answer).await.expect("the server answers");
        }
        return status;
    }
}
