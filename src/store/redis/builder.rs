use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionInfo, IntoConnectionInfo as _};
use tokio::time::timeout;

use super::{RedisStore, Scripts};
use crate::config::ConfigError;
use crate::store::ConnectError;
#[cfg(feature = "test-util")]
use crate::store::TestClock;
use crate::store::moment::Moment;

/// How long the first connection may take, with all its tries.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest pause between two tries to connect again.
const PAUSE: Duration = Duration::from_secs(1);

/// Collects the settings of a [`RedisStore`].
#[must_use]
pub struct RedisStoreBuilder {
    url: String,
    prefix: String,
    timeout: Duration,
    moment: Moment,
}

impl RedisStoreBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            prefix: "tower-webhook:".to_owned(),
            timeout: Duration::from_millis(500),
            moment: Moment::default(),
        }
    }

    /// Sets what each key in Redis begins with; `tower-webhook:` by default.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long a call may take, connecting again included; 500 ms by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Judges leases by `clock` instead of the server's.
    #[cfg(feature = "test-util")]
    pub fn clock(mut self, clock: TestClock) -> Self {
        self.moment.clock = Some(clock);
        self
    }

    /// Connects, and asks the server whether it is one to rely on.
    ///
    /// # Errors
    ///
    /// As [`RedisStore::connect`].
    pub async fn connect(self) -> Result<RedisStore, ConnectError> {
        let info = self.address()?;
        let client = Client::open(info)
            .map_err(|_| ConfigError::new("url", "is not the address of a Redis server"))?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(self.timeout))
            .set_connection_timeout(Some(PAUSE))
            .set_max_delay(PAUSE);
        let connecting = async {
            let mut manager = ConnectionManager::new_with_config(client, config).await?;
            let _: String = redis::cmd("PING").query_async(&mut manager).await?;
            let facts: String = redis::cmd("INFO").query_async(&mut manager).await?;
            Ok::<_, redis::RedisError>((manager, facts))
        };
        let (manager, facts) = timeout(PATIENCE, connecting)
            .await
            .map_err(ConnectError::unreachable)?
            .map_err(ConnectError::unreachable)?;
        check(&facts)?;
        Ok(RedisStore {
            manager,
            scripts: Scripts::new().into(),
            prefix: self.prefix.into(),
            timeout: self.timeout,
            moment: self.moment,
        })
    }

    fn address(&self) -> Result<ConnectionInfo, ConfigError> {
        if self.url.starts_with("rediss:") && !cfg!(feature = "tls") {
            return Err(ConfigError::new(
                "url",
                "needs the feature `tls` for `rediss:`",
            ));
        }
        // Not our reason: the words of the client may hold the URL, and with it a password.
        let info = self.url.as_str().into_connection_info();
        let info =
            info.map_err(|_| ConfigError::new("url", "is not the address of a Redis server"))?;
        let tcp = TcpSettings::default().set_nodelay(true);
        // A server that vanished without a word must not hold calls until the system gives up.
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(PATIENCE);
        Ok(info.set_tcp_settings(tcp))
    }
}

// Not derived: the URL may hold a password.
impl std::fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Reads the answer to `INFO`.
fn check(facts: &str) -> Result<(), ConfigError> {
    let fact = |name: &str| {
        let line = |line: &'_ str| {
            Some(
                line.strip_prefix(name)?
                    .strip_prefix(':')?
                    .trim()
                    .to_owned(),
            )
        };
        facts.lines().find_map(line)
    };
    let version = fact("redis_version").unwrap_or_default();
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < 7) {
        return Err(ConfigError::new("redis_version", "must be 7.0 or later"));
    }
    // Without a bound nothing is evicted, whatever the policy.
    let is_bounded = fact("maxmemory").is_none_or(|bytes| bytes != "0");
    if is_bounded && fact("maxmemory_policy").is_none_or(|policy| policy != "noeviction") {
        return Err(ConfigError::new(
            "maxmemory-policy",
            "must be `noeviction` on the server where `maxmemory` is set: it would forget deliveries silently",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{RedisStore, check};

    #[test]
    fn a_server_that_is_too_old_or_evicts_is_refused() {
        for (facts, refused) in [
            (
                "redis_version:7.0.15\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru",
                None,
            ),
            (
                "redis_version:8.2.1\r\nmaxmemory:1\r\nmaxmemory_policy:noeviction",
                None,
            ),
            (
                "redis_version:7.0.15\r\nmaxmemory:1\r\nmaxmemory_policy:allkeys-lru",
                Some("maxmemory-policy"),
            ),
            (
                "redis_version:7.0.15\r\nmaxmemory:1",
                Some("maxmemory-policy"),
            ),
            ("redis_version:6.2.14\r\nmaxmemory:0", Some("redis_version")),
            ("redis_version:next\r\nmaxmemory:0", Some("redis_version")),
            ("maxmemory:0", Some("redis_version")),
        ] {
            assert_eq!(
                check(facts).err().map(|err| err.field()),
                refused,
                "{facts}"
            );
        }
    }

    #[test]
    fn tls_takes_its_feature() {
        let address = |url| RedisStore::builder(url).address().is_ok();
        assert!(address("redis://localhost"));
        assert_eq!(address("rediss://localhost"), cfg!(feature = "tls"));
    }
}
