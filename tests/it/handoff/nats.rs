//! NATS JetStream, on a real server.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use tower_webhook::handoff::{Enqueued, Handoff, JetStreamQueue, Job, Queue, QueueErrorKind};
use tower_webhook::store::{ConnectErrorKind, MokaStore};

use super::{Seen, job, send};
use crate::store::servers::{unique, url};

pub(super) fn nats() -> Option<String> {
    url("NATS_URL", "nats://127.0.0.1:4222", 4222)
}

/// A stream of the test's own, that takes a subject of its name.
pub(super) struct Stream {
    pub(super) name: String,
    context: jetstream::Context,
}

impl Stream {
    pub(super) async fn new(url: &str, change: impl FnOnce(&mut Config)) -> Self {
        let context = jetstream::new(async_nats::connect(url).await.unwrap());
        let name = unique("handoff");
        let mut config = Config {
            name: name.clone(),
            subjects: vec![name.clone()],
            storage: StorageType::File,
            duplicate_window: Duration::from_secs(600),
            ..Config::default()
        };
        change(&mut config);
        context.create_stream(config).await.unwrap();
        Self { name, context }
    }

    pub(super) async fn queue(&self, url: &str) -> JetStreamQueue {
        let builder = JetStreamQueue::builder(&self.name, &self.name);
        builder.connect(url).await.unwrap()
    }

    pub(super) async fn jobs(&self) -> Vec<Job> {
        let mut stream = self.context.get_stream(&self.name).await.unwrap();
        let last = stream.info().await.unwrap().state.last_sequence;
        let mut jobs = Vec::new();
        for sequence in 1..=last {
            let message = stream.get_raw_message(sequence).await.unwrap();
            jobs.push(Job::from_json(&message.payload).unwrap());
        }
        jobs
    }

    pub(super) async fn delete(self) {
        self.context.delete_stream(&self.name).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_published_twice_is_one_message() {
    let Some(url) = nats() else { return };
    let stream = Stream::new(&url, |_| {}).await;
    let queue = stream.queue(&url).await;
    let keys = ["shop:push:1", "shop:push:1 ", "shop:push:ü", "shop:push:2"];
    for (key, enqueued) in keys
        .map(|key| (key, Enqueued::New))
        .into_iter()
        .chain(keys.map(|key| (key, Enqueued::AlreadyThere)))
    {
        assert_eq!(queue.enqueue(&job(key)).await.unwrap(), enqueued, "{key:?}");
    }
    let jobs = stream.jobs().await;
    assert_eq!(jobs, keys.map(job));
    stream.delete().await;
}

#[tokio::test]
async fn a_receiver_that_forgot_enqueues_one_message_of_a_delivery() {
    let Some(url) = nats() else { return };
    let stream = Stream::new(&url, |_| {}).await;
    let handoff = Handoff::new(stream.queue(&url).await);
    for _ in 0..2 {
        let seen = send(&handoff, &Arc::new(MokaStore::new()), "a").await;
        assert_eq!(seen, Seen::ACCEPTED);
    }
    assert_eq!(stream.jobs().await.len(), 1);
    stream.delete().await;
}

#[tokio::test]
async fn a_stream_that_would_lose_what_it_acknowledges_is_refused() {
    let Some(url) = nats() else { return };
    type Change = fn(&mut Config);
    let changes: [(&str, Change); 6] = [
        ("storage", |config| config.storage = StorageType::Memory),
        ("retention", |config| {
            config.retention = RetentionPolicy::Interest
        }),
        ("discard", |config| config.max_messages = 10),
        ("discard", |config| config.max_bytes = 1 << 20),
        ("discard", |config| config.max_messages_per_subject = 10),
        ("stream", |config| config.no_ack = true),
    ];
    for (field, change) in changes {
        let stream = Stream::new(&url, change).await;
        let builder = || JetStreamQueue::builder(&stream.name, &stream.name);
        let err = builder().connect(&url).await.unwrap_err();
        assert_eq!(err.config().map(|err| err.field()), Some(field), "{err}");
        let allowed = builder().dangerous().allow_lossy_stream();
        assert_eq!(allowed.connect(&url).await.is_ok(), field != "stream");
        stream.delete().await;
    }
    let stream = Stream::new(&url, |config| {
        config.max_messages = 10;
        config.discard = DiscardPolicy::New;
        config.retention = RetentionPolicy::WorkQueue;
    });
    let stream = stream.await;
    stream.queue(&url).await;
    for (name, subject, field) in [
        (&*unique("nothing"), &*stream.name, "stream"),
        (&stream.name, &unique("elsewhere"), "subject"),
    ] {
        let builder = JetStreamQueue::builder(name, subject);
        let err = builder.connect(&url).await.unwrap_err();
        assert_eq!(err.config().map(|err| err.field()), Some(field), "{err}");
    }
    stream.delete().await;
}

#[tokio::test]
async fn what_a_stream_has_no_room_for_is_refused() {
    let Some(url) = nats() else { return };
    let stream = Stream::new(&url, |config| {
        config.max_messages = 1;
        config.discard = DiscardPolicy::New;
    });
    let stream = stream.await;
    let handoff = Handoff::new(stream.queue(&url).await);
    let store = Arc::new(MokaStore::new());
    assert_eq!(send(&handoff, &store, "a").await, Seen::ACCEPTED);
    assert_eq!(send(&handoff, &store, "b").await, Seen::refused("5"));
    let mut large = job("large");
    large.payload = vec![0; 2 << 20].into();
    let err = stream.queue(&url).await.enqueue(&large).await.unwrap_err();
    assert_eq!(err.kind(), QueueErrorKind::TooLarge);
    stream.delete().await;
}

#[tokio::test]
async fn a_server_that_is_down_gives_503_and_a_later_delivery_enqueues() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let stream = Stream::new(&server.url, |_| {}).await;
    let handoff = Handoff::new(stream.queue(&server.url).await);
    let handoff = handoff.with_timeout(Duration::from_millis(300));
    let store = Arc::new(MokaStore::new());
    assert_eq!(send(&handoff, &store, "a").await, Seen::ACCEPTED);
    server.end();
    assert_eq!(send(&handoff, &store, "b").await, Seen::refused("5"));
    let builder = JetStreamQueue::builder("none", "none");
    let err = builder.connect(&server.url).await.unwrap_err();
    assert_eq!(err.kind(), ConnectErrorKind::Unreachable);
    server.begin();
    let tries = async { while send(&handoff, &store, "b").await != Seen::ACCEPTED {} };
    tokio::time::timeout(Duration::from_secs(60), tries)
        .await
        .expect("the client finds the server again");
    // What the client had kept to itself, and what was sent again, have one id.
    let jobs = stream.jobs().await;
    let ids = jobs.iter().map(|job| job.delivery_id.as_deref().unwrap());
    assert_eq!(ids.collect::<Vec<_>>(), ["a", "b"]);
}

/// A `nats-server` of our own, with its files in a directory of its own.
struct Server {
    process: Option<Child>,
    directory: PathBuf,
    port: u16,
    url: String,
}

impl Server {
    fn start() -> Option<Self> {
        let version = Command::new("nats-server").arg("--version").output();
        if version.is_err() {
            println!("skipped: no nats-server to start");
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut server = Self {
            process: None,
            directory: std::env::temp_dir().join(unique("nats")),
            port,
            url: format!("nats://127.0.0.1:{port}"),
        };
        server.begin();
        Some(server)
    }

    fn begin(&mut self) {
        let mut command = Command::new("nats-server");
        command
            .args([
                "-a",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-js",
                "-sd",
            ])
            .arg(&self.directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(command.spawn().unwrap());
        let address = ([127, 0, 0, 1], self.port).into();
        while TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_err() {
            std::thread::yield_now();
        }
    }

    /// SIGKILL.
    fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
