//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use tower_webhook::BoxError;
use tower_webhook::secret::Secret;

pub(crate) const USAGE: &str = "usage: GITHUB_WEBHOOK_SECRET=… github_sync [--database FILE] [--listen ADDR] \
     [--tracked BRANCH,…] [--contents URL] [--queue nats://…] [--store URL] [--receipts URL] \
     [--lease SECONDS] [--backlog JOBS]";

/// What the program was asked to do.
pub(crate) struct Arguments {
    /// The file of jobs, accounts and files.
    pub(crate) database: String,
    pub(crate) listen: SocketAddr,
    /// Empty: the default branch of each repository.
    pub(crate) tracked: Vec<String>,
    /// Where files are fetched from; the payload alone without it.
    pub(crate) contents: Option<String>,
    /// NATS JetStream before the table of jobs; the table alone without it.
    pub(crate) queue: Option<String>,
    /// Where claims of deliveries are kept.
    pub(crate) store: String,
    /// Where receipts are kept; the database without it.
    pub(crate) receipts: Option<String>,
    /// How long a job, or a claim, outlives a process that dies.
    pub(crate) lease: Duration,
    /// How many jobs may be open before senders are told to come later.
    pub(crate) backlog: u32,
    pub(crate) secret: Secret,
}

/// An error that does not know which argument it is about, with its causes.
pub(crate) fn about(name: &str, err: &(dyn std::error::Error + 'static)) -> BoxError {
    let causes = std::iter::successors(Some(err), |err| err.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    format!("{name}: {}", causes.join(": ")).into()
}

impl Arguments {
    pub(crate) fn read() -> Result<Self, BoxError> {
        // Not on the command line, which everybody on the machine may read.
        let secret = std::env::var("GITHUB_WEBHOOK_SECRET");
        let secret = secret.map_err(|_| "GITHUB_WEBHOOK_SECRET is not set")?;
        let mut read = Self {
            database: "github_sync.db".to_owned(),
            listen: ([127, 0, 0, 1], 8000).into(),
            tracked: Vec::new(),
            contents: None,
            queue: None,
            store: "moka://".to_owned(),
            receipts: None,
            lease: Duration::from_secs(10),
            backlog: 10_000,
            secret: Secret::new(secret)?,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(USAGE)?;
            let wrong = || format!("{name} cannot be {value}");
            match name.as_str() {
                "--database" => read.database = value,
                "--listen" => read.listen = value.parse().map_err(|_| wrong())?,
                "--tracked" => read.tracked = value.split(',').map(str::to_owned).collect(),
                "--contents" => read.contents = Some(value),
                "--queue" => read.queue = Some(value),
                "--store" => read.store = value,
                "--receipts" => read.receipts = Some(value),
                "--lease" => {
                    let seconds = value.parse().ok().filter(|seconds| *seconds > 0);
                    read.lease = Duration::from_secs(seconds.ok_or_else(wrong)?);
                }
                "--backlog" => read.backlog = value.parse().map_err(|_| wrong())?,
                _ => return Err(USAGE.into()),
            }
        }
        Ok(read)
    }
}
