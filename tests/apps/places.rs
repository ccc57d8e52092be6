//! Where things are kept: files of a test, and a schema of PostgreSQL.

use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool};

/// A name that no other run has.
pub(crate) fn unique(name: &str) -> String {
    let who = tower_webhook::store::Claimant::unique().get();
    format!("{name}_{:x}_{}", who >> 64, who & 0xffff)
}

/// A folder, removed in the end.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(unique("apps"));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let file = self.file(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A schema on the PostgreSQL of the tests.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) pool: PgPool,
    pub(crate) name: String,
    url: String,
}

impl Schema {
    /// `None` where no server is; with `DATABASE_URL` set, one that is missing fails the test.
    pub(crate) async fn new() -> Option<Self> {
        let url = std::env::var("DATABASE_URL").ok().or_else(|| {
            let address = ([127, 0, 0, 1], 5432).into();
            let there = TcpStream::connect_timeout(&address, Duration::from_secs(1));
            there.ok()?;
            Some("postgres://postgres@127.0.0.1:5432/test".to_owned())
        });
        let Some(url) = url else {
            println!("skipped: no PostgreSQL, and DATABASE_URL is not set");
            return None;
        };
        Some(Self {
            pool: PgPool::connect(&url).await.unwrap(),
            name: unique("apps"),
            url,
        })
    }

    pub(crate) fn url(&self) -> String {
        let join = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{join}schema={}", self.url, self.name)
    }

    /// As [`url`](Self::url), by way of another port of this machine.
    pub(crate) fn url_by(&self, port: u16) -> String {
        let url = self.url();
        let (scheme, rest) = url.split_once("://").unwrap();
        let (place, path) = rest.split_once('/').unwrap();
        let user = place.rsplit_once('@').map_or("", |(user, _)| user);
        format!("{scheme}://{user}@127.0.0.1:{port}/{path}")
    }

    /// Host and port of the server.
    pub(crate) fn address(&self) -> String {
        let (_, rest) = self.url.split_once("://").unwrap();
        let place = rest.split(['/', '?']).next().unwrap();
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        match place.contains(':') {
            true => place.to_owned(),
            false => format!("{place}:5432"),
        }
    }

    pub(crate) async fn execute(&self, text: &str) {
        let text = text.replace("{schema}", &self.name);
        let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(&self.pool).await;
        done.unwrap();
    }

    pub(crate) async fn drop(self) {
        self.execute("DROP SCHEMA {schema} CASCADE").await;
    }
}
