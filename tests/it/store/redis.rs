//! The store on Redis.

use std::time::Duration;

use http::StatusCode;
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use tower_webhook::store::conformance::{Testbed, run};
use tower_webhook::store::{
    Claim, Claimant, ConnectErrorKind, Fence, Fingerprint, Held, IdemKey, IdempotencyStore as _,
    RedisStore, Retention, StoreErrorKind, StoredAnswer, TestClock,
};

use super::servers::{self, Server};

const LEASE: Duration = Duration::from_secs(300);

struct Bed {
    store: RedisStore,
    clock: TestClock,
}

impl Testbed for Bed {
    type Store = RedisStore;

    async fn store(&self) -> RedisStore {
        self.store.clone()
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

/// A store under a prefix of its own, and a connection beside it.
struct Own {
    store: RedisStore,
    clock: TestClock,
    prefix: String,
    beside: MultiplexedConnection,
}

impl Own {
    async fn at(url: &str) -> Self {
        let (clock, prefix) = (TestClock::new(), servers::unique("test") + ":");
        let builder = RedisStore::builder(url)
            .prefix(&prefix)
            .clock(clock.clone());
        // Generous: other tests share the machine.
        let builder = builder.timeout(Duration::from_secs(10));
        let client = redis::Client::open(url).unwrap();
        Self {
            store: builder.connect().await.expect("the server is there"),
            clock,
            prefix,
            beside: client.get_multiplexed_async_connection().await.unwrap(),
        }
    }

    async fn claim(&self, nonce: &str) -> Result<Claim, StoreErrorKind> {
        let payload = Fingerprint::of(b"{}");
        let key = key(nonce);
        let claim = self.store.claim(&key, Claimant::unique(), &payload, LEASE);
        claim.await.map_err(|err| err.kind())
    }

    async fn fence(&self, nonce: &str) -> Fence {
        match self.claim(nonce).await {
            Ok(Claim::Acquired { fence, .. }) => fence,
            other => panic!("{nonce}: {other:?}"),
        }
    }

    async fn complete(&self, nonce: &str, fence: Fence, keep: Retention) -> Held {
        let answer = answer();
        let held = self.store.complete(&key(nonce), fence, &answer, keep).await;
        held.unwrap()
    }

    fn name(&self, nonce: &str) -> String {
        format!("{}{}", self.prefix, key(nonce).as_str())
    }

    async fn forget_all(mut self) {
        let keys: Vec<String> = self.beside.keys(format!("{}*", self.prefix)).await.unwrap();
        if !keys.is_empty() {
            let _: i64 = self.beside.del(keys).await.unwrap();
        }
    }
}

fn key(nonce: &str) -> IdemKey {
    IdemKey::compose("github", Some("push"), nonce)
}

fn answer() -> StoredAnswer {
    StoredAnswer::new(StatusCode::CREATED, 7).with_body("{\"id\":1}".into(), None)
}

fn keep() -> Retention {
    Retention::new(LEASE, 2 * LEASE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_conforms() {
    let Some(url) = servers::redis() else { return };
    let own = Own::at(&url).await;
    let bed = Bed {
        store: own.store.clone(),
        clock: own.clock.clone(),
    };
    assert!(run(&bed).await >= 60);
    own.forget_all().await;
}

#[tokio::test]
async fn a_store_by_the_clock_of_redis_grants_and_remembers() {
    let Some(url) = servers::redis() else { return };
    let mut own = Own::at(&url).await;
    own.store = RedisStore::builder(&url)
        .prefix(&own.prefix)
        .connect()
        .await
        .unwrap();
    let fence = own.fence("real").await;
    assert!(
        matches!(own.claim("real").await, Ok(Claim::InProgress { retry_after }) if retry_after <= LEASE)
    );
    assert_eq!(own.complete("real", fence, keep()).await, Held::Yes);
    assert_eq!(
        own.claim("real").await,
        Ok(Claim::Done { answer: answer() })
    );
    let left: i64 = own.beside.pttl(own.name("real")).await.unwrap();
    assert!(left > 600_000 && left <= 660_000, "{left} ms");
    own.forget_all().await;
}

#[tokio::test]
async fn two_prefixes_share_nothing() {
    let Some(url) = servers::redis() else { return };
    let (one, two) = (Own::at(&url).await, Own::at(&url).await);
    one.fence("same").await;
    two.fence("same").await;
    one.forget_all().await;
    assert!(matches!(
        two.claim("same").await,
        Ok(Claim::InProgress { .. })
    ));
    two.forget_all().await;
}

#[tokio::test]
async fn a_body_is_dropped_when_its_time_is_over() {
    let Some(url) = servers::redis() else { return };
    let mut own = Own::at(&url).await;
    let fence = own.fence("body").await;
    own.complete("body", fence, keep()).await;
    own.clock.advance(LEASE);
    let bare = answer().to_tombstone();
    assert_eq!(own.claim("body").await, Ok(Claim::Done { answer: bare }));
    let tail: Option<Vec<u8>> = own.beside.hget(own.name("body"), "o").await.unwrap();
    assert_eq!(tail, None);
    own.forget_all().await;
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_loaded_again() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let mut own = Own::at(&server.url).await;
    let fence = own.fence("first").await;
    let _: () = redis::cmd("SCRIPT")
        .arg("FLUSH")
        .query_async(&mut own.beside)
        .await
        .unwrap();
    assert_eq!(own.complete("first", fence, keep()).await, Held::Yes);
    own.fence("second").await;
}

#[tokio::test]
async fn a_killed_connection_is_made_again() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let mut own = Own::at(&server.url).await;
    own.fence("before").await;
    let killed: i64 = redis::cmd("CLIENT")
        .arg("KILL")
        .arg("TYPE")
        .arg("normal")
        .arg("SKIPME")
        .arg("yes")
        .query_async(&mut own.beside)
        .await
        .unwrap();
    assert!(killed >= 1);
    // The first call may hear of the end; it says so, and one of the next is answered.
    let mut tries = 0;
    while let Err(kind) = own.claim("after").await {
        assert_eq!(kind, StoreErrorKind::Unavailable);
        tries += 1;
        assert!(tries < 3, "not connected after {tries} tries");
    }
}

#[tokio::test]
async fn a_server_that_evicts_is_refused() {
    let Some(server) = Server::start(&["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"])
    else {
        return;
    };
    let refused = RedisStore::connect(&server.url).await.unwrap_err();
    assert_eq!(refused.kind(), ConnectErrorKind::Config);
    assert_eq!(refused.config().unwrap().field(), "maxmemory-policy");
}

#[tokio::test]
async fn without_memory_claims_are_refused_and_what_was_accepted_is_remembered() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let mut own = Own::at(&server.url).await;
    let (done, running) = (own.fence("done").await, own.fence("running").await);
    own.complete("done", done, keep()).await;
    let _: () = redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", "1mb"])
        .query_async(&mut own.beside)
        .await
        .unwrap();
    assert_eq!(own.claim("new").await, Err(StoreErrorKind::Full));
    assert_eq!(own.complete("running", running, keep()).await, Held::Yes);
    for nonce in ["done", "running"] {
        assert_eq!(own.claim(nonce).await, Ok(Claim::Done { answer: answer() }));
    }
}

#[tokio::test]
async fn a_record_of_another_hand_is_corrupt() {
    let Some(url) = servers::redis() else { return };
    let mut own = Own::at(&url).await;
    let _: () = own.beside.set(own.name("text"), "not ours").await.unwrap();
    let _: () = own.beside.hset(own.name("state"), "s", "?").await.unwrap();
    let fence = own.fence("answer").await;
    own.complete("answer", fence, keep()).await;
    let _: () = own
        .beside
        .hset(own.name("answer"), "h", "short")
        .await
        .unwrap();
    for nonce in ["text", "state", "answer"] {
        assert_eq!(
            own.claim(nonce).await,
            Err(StoreErrorKind::Corrupt),
            "{nonce}"
        );
    }
    own.forget_all().await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error_in_time() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = RedisStore::connect(&server.url).await.unwrap();
    let url = server.url.clone();
    drop(server);
    let started = tokio::time::Instant::now();
    let payload = Fingerprint::of(b"{}");
    for _ in 0..2 {
        let claim = store
            .claim(&key("gone"), Claimant::unique(), &payload, LEASE)
            .await;
        assert_eq!(claim.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }
    assert!(started.elapsed() < Duration::from_secs(3));
    let refused = RedisStore::connect(&url).await.unwrap_err();
    assert_eq!(refused.kind(), ConnectErrorKind::Unreachable);
}

#[tokio::test]
async fn what_is_no_address_is_a_configuration_error_without_the_address() {
    for url in ["http://127.0.0.1", "redis://:hidden@[", "nonsense"] {
        let err = RedisStore::connect(url).await.unwrap_err();
        assert_eq!(err.config().unwrap().field(), "url");
        assert!(!format!("{err} {err:?}").contains("hidden"));
    }
}

#[tokio::test]
async fn tls_is_spoken_or_refused_and_never_left_out() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    // The server speaks none.
    let url = server.url.replace("redis:", "rediss:");
    let kind = RedisStore::connect(&url).await.unwrap_err().kind();
    let expected = match cfg!(feature = "tls") {
        true => ConnectErrorKind::Unreachable,
        false => ConnectErrorKind::Config,
    };
    assert_eq!(kind, expected);
}
