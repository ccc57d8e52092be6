use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::config::ConfigError;
use crate::store::ConnectError;

/// How long the first connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects to the server of `url`, which stands in the setting `field`.
pub(crate) async fn pool(
    field: &'static str,
    url: &str,
    max_connections: u32,
) -> Result<PgPool, ConnectError> {
    // Not the reason of the client: it may hold the URL, and with it a password.
    let refuse = || ConfigError::new(field, "is not the address of a PostgreSQL server");
    if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
        return Err(refuse().into());
    }
    let options: PgConnectOptions = url.parse().map_err(|_| refuse())?;
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(PATIENCE)
        // It costs each call a round trip; a call on a broken connection is repeated instead.
        .test_before_acquire(false)
        // A statement whose caller gave up must not hold its connection.
        .after_connect(|connection, _| {
            Box::pin(async move {
                let limit = sqlx::raw_sql("SET statement_timeout = '5s'");
                limit.execute(connection).await.map(drop)
            })
        })
        .connect_with(options)
        .await
        .map_err(ConnectError::unreachable)
}

/// Refuses names that cannot go into statements, where no argument can stand.
pub(crate) fn check_schema(schema: &str) -> Result<(), ConfigError> {
    let mut letters = schema.bytes();
    let plain = |letter: u8| letter.is_ascii_lowercase() || letter == b'_';
    let is_plain = schema.len() <= 63
        && letters.next().is_some_and(plain)
        && letters.all(|letter| plain(letter) || letter.is_ascii_digit());
    if is_plain {
        return Ok(());
    }
    let reason = "must be 1 to 63 of a-z, 0-9 and _, and not begin with a digit";
    Err(ConfigError::new("schema", reason))
}

/// Asks again as long as it is only the connection that broke, until the time is over. What is asked must be written once
/// however often it is said.
pub(crate) async fn patiently<T, F>(
    pool: &PgPool,
    patience: Duration,
    ask: impl Fn() -> F + Send,
) -> Result<Result<T, sqlx::Error>, Elapsed>
where
    F: Future<Output = Result<T, sqlx::Error>> + Send,
{
    // After a restart of the server every connection of the pool may be broken.
    let tries = pool.options().get_max_connections();
    let asking = async {
        for _ in 0..tries {
            match ask().await {
                Err(err) if is_broken(&err) => {}
                reply => return reply,
            }
        }
        ask().await
    };
    // Around all of it: the pool may have no connection.
    timeout(patience, asking).await
}

/// Whether the connection broke before the server could answer: the statement may be asked again.
fn is_broken(err: &sqlx::Error) -> bool {
    match err {
        sqlx::Error::Io(_) => true,
        // Class 57P: the server, or whoever runs it, ended the connection.
        sqlx::Error::Database(said) => said.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::borrow::Cow;
    use std::error::Error as StdError;
    use std::fmt;

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::is_broken;

    /// What a server says, by its code.
    #[derive(Debug)]
    struct Said(&'static str);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Said {}

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    pub(in crate::store::postgres) fn said(code: &'static str) -> sqlx::Error {
        sqlx::Error::database(Said(code))
    }

    #[test]
    fn only_what_broke_the_connection_is_asked_again() {
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(is_broken(&sqlx::Error::Io(broken)));
        // Ended by whoever runs the server; and a statement that cannot be read.
        assert!(is_broken(&said("57P01")));
        assert!(!is_broken(&said("42601")));
        assert!(!is_broken(&sqlx::Error::RowNotFound));
    }
}
