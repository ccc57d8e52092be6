mod builder;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{ErrorKind, RedisError, Script, ScriptInvocation};
use tokio::time::timeout;

pub use self::builder::RedisStoreBuilder;
use super::encoding::{decode, fence, head, millis, number, tail};
use super::moment::Moment;
use super::{
    Claim, Claimant, ConnectError, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention,
    StoreError, StoredAnswer,
};

/// How long a record outlives its purpose: a takeover is known to be one, a call may be repeated.
const LINGER: Duration = Duration::from_secs(60);

/// A store on Redis 7.0 or later, or on a server that speaks its protocol and runs its scripts.
///
/// Each call is one script on one key, in one round trip, judged by the clock of the server. A clone
/// is the same store, on the same connection; a connection that breaks is made again.
///
/// # Deployment caveat
///
/// What survives a crash of the server is a setting of the server: see
/// [durability](crate::store#durability). A cluster is not followed from node to node: the scripts
/// keep to one key, the connection keeps to one server.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> Result<(), tower_webhook::store::ConnectError> {
/// use tower_webhook::store::RedisStore;
///
/// let store = RedisStore::connect("redis://127.0.0.1:6379/0").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    manager: ConnectionManager,
    scripts: Arc<Scripts>,
    prefix: Arc<str>,
    timeout: Duration,
    moment: Moment,
}

struct Scripts {
    claim: Script,
    hold: Script,
}

impl Scripts {
    fn new() -> Self {
        Self {
            claim: Script::new(include_str!("claim.lua")),
            hold: Script::new(include_str!("hold.lua")),
        }
    }
}

impl RedisStore {
    /// Connects to `redis://[user:password@]host[:port][/db]`, or `rediss://…` with the feature `tls`.
    /// An ACL user needs `PING`, `INFO`, `SCRIPT|LOAD`, `EVALSHA` and, on keys of the prefix, `HMGET`,
    /// `HSET`, `HDEL`, `PEXPIRE`, and `TIME`.
    ///
    /// # Errors
    ///
    /// Returns a configuration error when the URL is none, when the server is older than 7.0, and when
    /// it has a `maxmemory` and a `maxmemory-policy` other than `noeviction`. Returns
    /// [`Unreachable`](super::ConnectErrorKind::Unreachable) when it cannot be asked within 5 s.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder(url).connect().await
    }

    /// Begins a store with settings of its own.
    pub fn builder(url: &str) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url)
    }

    /// A call of `script` for `key`, with the time as its first argument.
    fn call<'s>(&self, script: &'s Script, key: &IdemKey) -> ScriptInvocation<'s> {
        let mut call = script.key([self.prefix.as_bytes(), key.as_str().as_bytes()].concat());
        let now = self.moment.millis();
        call.arg(now.map_or_else(String::new, |now| now.to_string()));
        call
    }

    async fn ask<T: redis::FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let mut manager = self.manager.clone();
        // Around all of it: while the connection is made again there is no response to wait for.
        match timeout(self.timeout, call.invoke_async(&mut manager)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(err)) => Err(error(err)),
            Err(elapsed) => Err(StoreError::unavailable(elapsed)),
        }
    }

    /// A call for the holder of `fence`. The arguments of `operation` follow.
    fn holder(&self, key: &IdemKey, fence: Fence, operation: &str) -> ScriptInvocation<'_> {
        let mut call = self.call(&self.scripts.hold, key);
        call.arg(number(fence)).arg(millis(LINGER)).arg(operation);
        call
    }

    async fn hold(&self, call: &ScriptInvocation<'_>) -> Result<Held, StoreError> {
        let held: bool = self.ask(call).await?;
        Ok(if held { Held::Yes } else { Held::Lost })
    }
}

impl IdempotencyStore for RedisStore {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let mut call = self.call(&self.scripts.claim, key);
        call.arg(&payload.as_bytes()[..])
            .arg(&who.get().to_be_bytes()[..])
            .arg(millis(lease))
            .arg(millis(lease.max(LINGER)));
        let reply: Vec<Vec<u8>> = self.ask(&call).await?;
        read(&reply)
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        let mut call = self.holder(key, fence, "R");
        call.arg(millis(lease));
        self.hold(&call).await
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        let mut call = self.holder(key, fence, "C");
        call.arg(&head(answer)[..])
            .arg(tail(answer))
            .arg(millis(keep.full))
            .arg(millis(keep.tombstone));
        self.hold(&call).await
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        let call = self.holder(key, fence, "F");
        self.hold(&call).await
    }
}

/// Reads what the script of a claim replies.
fn read(reply: &[Vec<u8>]) -> Result<Claim, StoreError> {
    let reply: Vec<&[u8]> = reply.iter().map(Vec::as_slice).collect();
    let whole = |text: &[u8]| str::from_utf8(text).ok()?.parse::<i64>().ok();
    match *reply {
        [b"A", number, reclaimed] => Ok(Claim::Acquired {
            fence: fence(whole(number).unwrap_or(0))?,
            reclaimed: reclaimed == b"1",
        }),
        [b"P", left] => {
            let left = whole(left).and_then(|left| u64::try_from(left).ok());
            let retry_after = Duration::from_millis(left.unwrap_or(1));
            Ok(Claim::InProgress { retry_after })
        }
        [b"M"] => Ok(Claim::Mismatch),
        [b"D", head, tail] => {
            let answer = decode(head, tail)?;
            Ok(Claim::Done { answer })
        }
        _ => Err(StoreError::corrupt("a record of an unknown form")),
    }
}

fn error(err: RedisError) -> StoreError {
    match (err.code(), err.kind()) {
        (Some("OOM"), _) => StoreError::full(),
        // The key holds what is not ours, or what is no reply of our scripts came back.
        (Some("WRONGTYPE"), _) | (_, ErrorKind::UnexpectedReturnType | ErrorKind::Parse) => {
            StoreError::corrupt(err)
        }
        _ => StoreError::unavailable(err),
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
