//! The worker: takes a job, fetches what changed, writes it down, and tries again by itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, watch};
use tower_webhook::BoxError;

use crate::contents::{Contents, Fetched};
use crate::database::{Change, Database, Report, Task};
use crate::envelope::Envelope;

/// How often a job is tried.
const ATTEMPTS: i64 = 5;
/// The pause after the first attempt; each next one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a worker sleeps when nobody rings: then a lease may have ended, or a pause.
const NAP: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) database: Database,
    pub(crate) contents: Contents,
    pub(crate) bell: Arc<Notify>,
    pub(crate) lease: Duration,
}

impl Worker {
    /// Works until it is told to stop, and then finishes the job it has.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let worked = match self.database.take_job(self.lease).await {
                Ok(Some(task)) => self.work(&task).await.map(|()| true),
                Ok(None) => Ok(false),
                Err(err) => Err(err),
            };
            match worked {
                Ok(true) => continue,
                Ok(false) => {}
                // The lease gives the job back.
                Err(err) => eprintln!("worker: {err}"),
            }
            tokio::select! {
                () = self.bell.notified() => {}
                () = tokio::time::sleep(NAP) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn work(&self, task: &Task) -> Result<(), BoxError> {
        let attempt = task.attempt;
        let mut report = Report::default();
        let mut later = Vec::new();
        if attempt > ATTEMPTS {
            // Whoever had it died each time, and perhaps of it.
            let why = format!("given up after {ATTEMPTS} attempts");
            report.failures.push((String::new(), why));
        } else {
            let mut fetching = std::pin::pin!(self.fetch(task, &mut report, &mut later));
            let mut beats = tokio::time::interval(self.lease / 3);
            loop {
                tokio::select! {
                    () = &mut fetching => break,
                    _ = beats.tick() => {
                        if !self.database.renew_job(task, self.lease).await? {
                            return Err("another worker has the job".into());
                        }
                    }
                }
            }
        }
        if !later.is_empty() && attempt < ATTEMPTS {
            let pause = PAUSE * 2_u32.pow(u32::try_from(attempt - 1).unwrap_or(0));
            println!("job {} attempt {attempt}: again in {pause:?}", task.target);
            return Ok(self.database.return_job(task, pause).await?);
        }
        report.failures.append(&mut later);
        let status = self.database.finish_job(task, &report).await?;
        let status = status.ok_or("another worker has the job")?;
        println!("job {} attempt {attempt}: {status}", task.target);
        Ok(())
    }

    /// Fetches each file that the push touched.
    async fn fetch(&self, task: &Task, report: &mut Report, later: &mut Vec<(String, String)>) {
        let push = &task.push;
        let repository = push.repository_full_name.as_deref().unwrap_or_default();
        for (path, (commit, is_there)) in touched(push) {
            let (path, commit) = (path.to_owned(), commit.to_owned());
            let content = match is_there {
                false => None,
                true => match self.contents.fetch(repository, &commit, &path).await {
                    Fetched::Content(content) => Some(content),
                    Fetched::Skip => {
                        report.skipped += 1;
                        continue;
                    }
                    Fetched::Failed(reason) => {
                        report.failures.push((path, reason));
                        continue;
                    }
                    Fetched::Later(reason) => {
                        later.push((path, reason));
                        continue;
                    }
                },
            };
            report.changes.push(Change {
                path,
                commit,
                content,
            });
        }
    }
}

/// Each path with the last commit that touched it, and whether that left it there.
///
/// GitHub lists at most 2,048 commits in a push. An app of your own that needs more compares `before` and
/// `after` over the API.
fn touched(push: &Envelope) -> BTreeMap<&str, (&str, bool)> {
    let mut paths = BTreeMap::new();
    let commits = push.payload.get("commits").and_then(Value::as_array);
    for commit in commits.into_iter().flatten() {
        let id = commit.get("id").and_then(Value::as_str).unwrap_or_default();
        for (list, is_there) in [("removed", false), ("added", true), ("modified", true)] {
            let list = commit.get(list).and_then(Value::as_array);
            for path in list.into_iter().flatten().filter_map(Value::as_str) {
                paths.insert(path, (id, is_there));
            }
        }
    }
    paths
}
