//! Who sends: over HTTP/1.1 and HTTP/2, again until it is accepted, counting what it was told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::{sleep, timeout};

use super::bodies::Part;
use super::events::{Drawn, Kind};
use super::process::Process;
use super::receiver::HANGS;
use super::tally::{Counts, End, count, count_gone};

/// How long an answer may take, and a line of the receiver's.
const PATIENCE: Duration = Duration::from_secs(30);
/// Before what is still being processed is sent again.
const AGAIN: Duration = Duration::from_millis(20);
/// Accepted events that may come again: at a hundred a second, those of the last few seconds.
const RECENT: usize = 512;

/// What of a body is sent.
type Make = fn(&Bytes) -> Part;

pub(crate) struct Sender {
    process: Arc<Process>,
    clients: [Client<HttpConnector, Part>; 2],
    recent: Mutex<VecDeque<(Drawn, Request<Bytes>)>>,
    accepted: Mutex<BTreeSet<u64>>,
    counts: Mutex<Counts>,
    kinds: Mutex<BTreeMap<Kind, u64>>,
}

impl Sender {
    pub(crate) fn new(process: Arc<Process>) -> Self {
        let client = |is_http2| {
            Client::builder(TokioExecutor::new())
                .http2_only(is_http2)
                .build_http()
        };
        Self {
            process,
            clients: [client(false), client(true)],
            recent: Mutex::default(),
            accepted: Mutex::default(),
            counts: Mutex::default(),
            kinds: Mutex::default(),
        }
    }

    /// What was counted, by the metric that the receiver has for it.
    pub(crate) fn tally(&self) -> Counts {
        self.counts.lock().unwrap().clone()
    }

    /// How many requests were sent.
    pub(crate) fn requests(&self) -> u64 {
        let tally = self.tally();
        let requests = tally
            .iter()
            .filter(|(metric, _)| metric.starts_with("webhook_requests_total"));
        requests.map(|(_, count)| count).sum()
    }

    /// How many there were of each kind.
    pub(crate) fn story(&self) -> String {
        let requests = self.requests();
        format!("{requests} requests, {:?}", self.kinds.lock().unwrap())
    }

    pub(crate) fn accepted(&self, number: u64) -> bool {
        self.accepted.lock().unwrap().contains(&number)
    }

    /// Sends the event of this number in its way.
    pub(crate) async fn deliver(&self, number: u64) {
        let mut drawn = Drawn::of(number);
        let earlier = self.earlier(drawn.choice);
        if drawn.kind == Kind::Duplicate && earlier.is_none() {
            drawn.kind = Kind::Fresh;
        }
        *self.kinds.lock().unwrap().entry(drawn.kind).or_default() += 1;
        let request = drawn.request();
        let (part, as_what) = match drawn.kind {
            Kind::Fresh => return self.accept(drawn, request, End::Acknowledged).await,
            Kind::Duplicate => {
                let (drawn, request) = earlier.expect("asked for above");
                let end = self.insist(&drawn, &request, Part::whole).await;
                return assert_eq!(end, End::Duplicate, "{drawn:?}");
            }
            Kind::Twice => return self.twice(drawn, request).await,
            Kind::Half => {
                let answered = self.hang_up(&drawn, &request, Part::half, "begun").await;
                if answered.is_none() {
                    self.count(&drawn, End::Aborted);
                }
                return self.accept(drawn, request, End::Acknowledged).await;
            }
            Kind::Hanging => {
                let hang_up = || self.hang_up(&drawn, &request, Part::whole, "handled");
                while let Some(end) = hang_up().await {
                    assert_eq!(end, End::Aborted, "{drawn:?}");
                }
                count_gone(&mut self.counts.lock().unwrap(), &drawn.connection());
                return self.accept(drawn, request, End::Duplicate).await;
            }
            Kind::Tampered => (Part::whole as Make, End::Unauthenticated),
            Kind::Stale => (Part::whole as Make, End::Stale),
            Kind::Oversized => (Part::declared_too_long as Make, End::TooLarge),
            Kind::Growing => (Part::grows_too_long as Make, End::TooLarge),
        };
        let end = self.insist(&drawn, &request, part).await;
        assert_eq!(end, as_what, "{drawn:?}");
    }

    fn earlier(&self, choice: usize) -> Option<(Drawn, Request<Bytes>)> {
        let recent = self.recent.lock().unwrap();
        recent.get(choice % recent.len().max(1)).cloned()
    }

    /// Sends it until it is accepted, which it has to be in this way.
    async fn accept(&self, drawn: Drawn, request: Request<Bytes>, as_what: End) {
        let end = self.insist(&drawn, &request, Part::whole).await;
        assert_eq!(end, as_what, "{drawn:?}");
        self.remember(drawn, request);
    }

    /// Both at once: one is handled, the other hears so.
    async fn twice(&self, drawn: Drawn, request: Request<Bytes>) {
        let [one, other] = [0, 1].map(|version| drawn.over(version));
        let ends = tokio::join!(
            self.insist(&one, &request, Part::whole),
            self.insist(&other, &request, Part::whole)
        );
        let is_right = [
            (End::Acknowledged, End::Duplicate),
            (End::Duplicate, End::Acknowledged),
        ];
        assert!(is_right.contains(&ends), "{drawn:?}: {ends:?}");
        self.remember(drawn, request);
    }

    fn remember(&self, drawn: Drawn, request: Request<Bytes>) {
        self.accepted.lock().unwrap().insert(drawn.number);
        let mut recent = self.recent.lock().unwrap();
        recent.push_back((drawn, request));
        if recent.len() > RECENT {
            recent.pop_front();
        }
    }

    /// Sends it until it is told something that is no "come again".
    async fn insist(&self, drawn: &Drawn, request: &Request<Bytes>, part: Make) -> End {
        loop {
            match self.ask(drawn, request, part).await {
                End::InProgress | End::Aborted => sleep(AGAIN).await,
                end => return end,
            }
        }
    }

    fn count(&self, drawn: &Drawn, end: End) {
        count(&mut self.counts.lock().unwrap(), &drawn.connection(), end);
    }

    /// Sends it once, and counts what comes back.
    async fn ask(&self, drawn: &Drawn, request: &Request<Bytes>, part: Make) -> End {
        let asked = self.clients[drawn.version].request(self.onto_wire(request, part));
        let answer = timeout(PATIENCE, asked).await.expect("an answer in time");
        let answer = answer.unwrap_or_else(|err| panic!("{drawn:?}: {err:?}"));
        self.told(drawn, answer).await
    }

    async fn told(&self, drawn: &Drawn, answer: Response<Incoming>) -> End {
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes();
        let is_duplicate = head.headers.contains_key("webhook-duplicate");
        let end = End::of(head.status.as_u16(), is_duplicate, &body);
        self.count(drawn, end);
        end
    }

    /// Sends it, and is gone as soon as the receiver has said so. `Some` where it was answered before.
    async fn hang_up(
        &self,
        drawn: &Drawn,
        request: &Request<Bytes>,
        part: Make,
        when: &str,
    ) -> Option<End> {
        let heard = self.process.hear(format!("{when} {}", drawn.number));
        let mut request = self.onto_wire(request, part);
        request
            .headers_mut()
            .insert(HANGS, HeaderValue::from(drawn.number));
        let asked = self.clients[drawn.version].request(request);
        let heard = timeout(PATIENCE, heard);
        tokio::select! {
            heard = heard => {
                heard.expect("it begins in time").expect("the receiver lives");
                None
            }
            answer = asked => {
                let answer = answer.unwrap_or_else(|err| panic!("{drawn:?}: {err:?}"));
                Some(self.told(drawn, answer).await)
            }
        }
    }

    fn onto_wire(&self, request: &Request<Bytes>, part: Make) -> Request<Part> {
        let mut request = request.clone().map(|body| part(&body));
        request.headers_mut().remove("host");
        let uri = format!("http://{}{}", self.process.address, request.uri());
        *request.uri_mut() = uri.parse().unwrap();
        request
    }
}
