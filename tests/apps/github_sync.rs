//! The ingress of a GitHub App, end to end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::time::sleep;

use crate::content::Content;
use crate::flow::{flow, least};
use crate::payloads::{
    commit, installation, installation_repositories, push, repository_event, sha,
};
use crate::places::{Directory, Schema, unique};
use crate::process::{App, command};
use crate::sender::{Sender, github, is_duplicate};
use crate::{history, number, recorded};

const PATH: &str = "/v1/webhooks/connectors/github";

fn start(directory: &Directory, more: &[&str]) -> App {
    let database = directory.file("sync.db");
    let usual = ["--database", &database, "--tracked", "main,develop"];
    App::start("github_sync", &[&usual, more].concat())
}

/// The status of one delivery.
async fn answer(app: &App, id: &str, event: &str, payload: &Value) -> u16 {
    let (sender, delivery) = (Sender::new(), github(id, event, payload));
    let sent = sender.send(&app.url(PATH), &delivery).await;
    sent.unwrap().status().as_u16()
}

/// All jobs, the newest first, once none is open.
async fn jobs(app: &App) -> Vec<Value> {
    let sender = Sender::new();
    for _ in 0..600 {
        let (mut all, mut page) = (Vec::new(), 0);
        loop {
            let url = app.url(&format!("/jobs?limit=1000&offset={page}"));
            let Value::Array(some) = sender.json(&url).await else {
                panic!("no list");
            };
            page += some.len();
            if some.is_empty() {
                break;
            }
            all.extend(some);
        }
        let is_open = |job: &Value| matches!(job["status"].as_str(), Some("queued" | "running"));
        if !all.iter().any(is_open) {
            return all;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("jobs stay open");
}

#[tokio::test]
async fn each_event_has_its_answer() {
    let directory = Directory::new();
    let app = start(&directory, &[]);
    let change = [commit(&sha(10), &["a.rs", "dir/b c.rs"], &[], &[])];
    let made = push(7, "main", &sha(10), &change);
    assert_eq!(answer(&app, "1", "push", &made).await, 202);

    let mut deleted = push(7, "main", &sha(0), &[]);
    deleted["deleted"] = true.into();
    let mut tag = made.clone();
    tag["ref"] = "refs/tags/main".into();
    for (id, event, payload) in [
        (
            "2",
            "ping",
            json!({ "zen": "Half measures are as bad as nothing at all." }),
        ),
        ("3", "push", push(7, "feature", &sha(11), &change)),
        ("4", "push", deleted),
        ("5", "push", tag),
        (
            "6",
            "pull_request",
            json!({ "action": "opened", "number": 1 }),
        ),
        ("7", "star", json!({ "action": "created" })),
    ] {
        assert_eq!(answer(&app, id, event, &payload).await, 200, "{event} {id}");
    }
    let sender = Sender::new();
    let delivery = github("8", "push", &made);
    for spoiled in [
        delivery.wrong_key(),
        delivery.tampered(),
        delivery.truncated(),
    ] {
        let refused = sender.send(&app.url(PATH), &spoiled).await.unwrap();
        assert_eq!(refused.status(), 401);
    }
    let unsigned = http::Request::post(app.url(PATH)).body(made.to_string().into());
    let refused = sender.ask(unsigned.unwrap()).await.unwrap();
    assert_eq!(refused.status(), 401);

    let jobs = jobs(&app).await;
    assert_eq!(jobs.len(), 1);
    let job = &jobs[0];
    assert_eq!(job["status"], "completed");
    assert_eq!(
        (&job["target"], &job["head_sha"]),
        (&json!("7/main"), &json!(sha(10)))
    );
    assert_eq!(
        (&job["delivery_id"], &job["created"]),
        (&json!("1"), &json!(2))
    );
    assert!(job["completed_at"].is_i64());
    let (status, lines) = app.terminate();
    assert!(status.success());
    assert_eq!(lines.last().unwrap(), "drained");
}

#[tokio::test]
async fn a_target_and_commit_have_one_job_however_many_deliveries_ask() {
    let directory = Directory::new();
    let app = start(&directory, &[]);
    let sender = Sender::new();
    let made = push(7, "main", &sha(10), &[commit(&sha(10), &["a"], &[], &[])]);
    for (id, is_known) in [("1", false), ("1", true), ("2", false), ("2", true)] {
        let delivery = github(id, "push", &made);
        let sent = sender.send(&app.url(PATH), &delivery).await.unwrap();
        assert_eq!(
            (sent.status().as_u16(), is_duplicate(&sent)),
            (202, is_known),
            "{id}"
        );
    }
    // Another branch, another repository, and another commit are other jobs.
    for (id, branch, repository, head) in [
        ("3", "develop", 7, 10),
        ("4", "main", 8, 10),
        ("5", "main", 7, 11),
    ] {
        let made = push(repository, branch, &sha(head), &[]);
        assert_eq!(answer(&app, id, "push", &made).await, 202);
    }
    let before = jobs(&app).await;
    assert_eq!(before.len(), 4);
    assert_eq!(before[3]["delivery_ids"], json!(["1", "2"]));

    // And after a restart, when the claims in memory are gone.
    app.kill();
    assert_eq!(answer(&app, "1", "push", &made).await, 202);
    assert_eq!(answer(&app, "6", "push", &made).await, 202);
    let after = jobs(&app).await;
    assert_eq!(after.len(), 4);
    assert_eq!(after[3]["delivery_id"], "1");
    assert_eq!(after[3]["delivery_ids"], json!(["1", "2", "6"]));
}

#[tokio::test]
async fn lifecycle_events_change_accounts_and_make_no_job() {
    let directory = Directory::new();
    let app = start(&directory, &[]);
    let sender = Sender::new();
    let is = async |id: &str, event: &str, payload: Value, installed: Value, listed: Value| {
        assert_eq!(answer(&app, id, event, &payload).await, 202, "{id}");
        let accounts = sender.json(&app.url("/accounts")).await;
        let list = |name: &str, fields: [&str; 2]| -> Value {
            let rows = accounts[name].as_array().unwrap().iter();
            rows.map(|row| json!(fields.map(|field| &row[field])))
                .collect()
        };
        assert_eq!(list("installations", ["id", "status"]), installed, "{id}");
        assert_eq!(
            list("repositories", ["full_name", "status"]),
            listed,
            "{id}"
        );
    };
    let one = "loom/thread-1";
    let two = "loom/thread-2";
    is(
        "1",
        "installation",
        installation("created", 9, &[1]),
        json!([[9, "active"]]),
        json!([[one, "active"]]),
    )
    .await;
    let added = installation_repositories(9, &[2], &[]);
    is(
        "2",
        "installation_repositories",
        added,
        json!([[9, "active"]]),
        json!([[one, "active"], [two, "active"]]),
    )
    .await;
    let removed = installation_repositories(9, &[], &[1]);
    is(
        "3",
        "installation_repositories",
        removed,
        json!([[9, "active"]]),
        json!([[one, "removed"], [two, "active"]]),
    )
    .await;
    let renamed = repository_event("renamed", 2, "loom/yarn");
    is(
        "4",
        "repository",
        renamed,
        json!([[9, "active"]]),
        json!([[one, "removed"], ["loom/yarn", "active"]]),
    )
    .await;
    let archived = repository_event("archived", 2, "loom/yarn");
    is(
        "5",
        "repository",
        archived,
        json!([[9, "active"]]),
        json!([[one, "removed"], ["loom/yarn", "archived"]]),
    )
    .await;
    let suspended = installation("suspend", 9, &[]);
    is(
        "6",
        "installation",
        suspended.clone(),
        json!([[9, "suspended"]]),
        json!([[one, "removed"], ["loom/yarn", "archived"]]),
    )
    .await;
    let back = installation("unsuspend", 9, &[]);
    is(
        "7",
        "installation",
        back,
        json!([[9, "active"]]),
        json!([[one, "removed"], ["loom/yarn", "archived"]]),
    )
    .await;
    // An event of the past that is redelivered changes nothing, after a restart neither.
    app.kill();
    is(
        "6",
        "installation",
        suspended,
        json!([[9, "active"]]),
        json!([[one, "removed"], ["loom/yarn", "archived"]]),
    )
    .await;
    let deleted = installation("deleted", 9, &[]);
    is(
        "8",
        "installation",
        deleted,
        json!([[9, "deleted"]]),
        json!([[one, "removed"], ["loom/yarn", "removed"]]),
    )
    .await;
    // Nor does one that was overtaken by the deletion.
    let late = installation("suspend", 9, &[]);
    is(
        "9",
        "installation",
        late,
        json!([[9, "deleted"]]),
        json!([[one, "removed"], ["loom/yarn", "removed"]]),
    )
    .await;
    assert!(jobs(&app).await.is_empty());
}

#[tokio::test]
async fn the_worker_tries_again_and_says_what_became_of_each_file() {
    let directory = Directory::new();
    let content = Content::start().await;
    let app = start(&directory, &["--contents", &content.url]);
    let did = async |id: &str, head: u64, commits: &[Value]| {
        let made = push(7, "main", &sha(head), commits);
        assert_eq!(answer(&app, id, "push", &made).await, 202);
        let job = jobs(&app).await.remove(0);
        assert_eq!(job["head_sha"], sha(head));
        let counts = ["created", "updated", "deleted", "skipped"].map(|name| job[name].as_i64());
        let failed = job["failures"].as_array().unwrap().iter();
        let failed: Vec<_> = failed
            .map(|failure| failure["path"].as_str().unwrap().to_owned())
            .collect();
        let status = job["status"].as_str().unwrap().to_owned();
        (
            status,
            job["attempts"].as_i64().unwrap(),
            counts.map(Option::unwrap),
            failed,
        )
    };
    let is = |status: &str, attempts, counts, failed: &[&str]| {
        let failed = failed.iter().map(|&path| path.to_owned()).collect();
        (status.to_owned(), attempts, counts, failed)
    };
    // The last commit counts, and what came and went in between does not.
    let commits = [
        commit(&sha(10), &["a", "b", "gone", "ünïcode #?%.rs"], &[], &[]),
        commit(&sha(11), &["huge"], &["a"], &["gone"]),
    ];
    assert_eq!(
        did("1", 11, &commits).await,
        is("completed", 1, [3, 0, 0, 2], &[])
    );
    let commits = [commit(&sha(12), &["c"], &["a"], &["b"])];
    assert_eq!(
        did("2", 12, &commits).await,
        is("completed", 1, [1, 1, 1, 0], &[])
    );
    // Twice not there, and then it is: nobody redelivers.
    let commits = [commit(&sha(13), &["slow-2.rs"], &[], &[])];
    assert_eq!(
        did("3", 13, &commits).await,
        is("completed", 3, [1, 0, 0, 0], &[])
    );
    assert_eq!(content.asked("slow-2.rs"), 3);
    let commits = [commit(&sha(14), &["d", "missing"], &[], &[])];
    assert_eq!(
        did("4", 14, &commits).await,
        is("partial", 1, [1, 0, 0, 0], &["missing"])
    );
    let commits = [commit(&sha(15), &["missing"], &[], &[])];
    assert_eq!(
        did("5", 15, &commits).await,
        is("failed", 1, [0; 4], &["missing"])
    );
    // Attempts have an end.
    let commits = [commit(&sha(16), &["broken"], &[], &[])];
    assert_eq!(
        did("6", 16, &commits).await,
        is("failed", 5, [0; 4], &["broken"])
    );
    assert_eq!(content.asked("broken"), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_does_not_take_gives_503_and_the_retry_enqueues() {
    let directory = Directory::new();
    let app = start(&directory, &["--receipts", "memory"]);
    let sender = Sender::new();
    let pool = history::open(&directory.file("sync.db")).await;
    let mut lock = pool.acquire().await.unwrap();
    let lock = lock.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    let made = github("1", "push", &push(7, "main", &sha(10), &[]));
    let account = github("2", "installation", &installation("created", 9, &[]));
    for delivery in [&made, &account] {
        let refused = sender.send(&app.url(PATH), delivery).await.unwrap();
        assert_eq!(refused.status(), 503);
    }
    let refused = sender.send(&app.url(PATH), &made).await.unwrap();
    assert!(refused.headers().contains_key("retry-after"));
    lock.rollback().await.unwrap();
    for delivery in [&made, &account] {
        let taken = sender.send(&app.url(PATH), delivery).await.unwrap();
        assert_eq!(taken.status(), 202);
        assert!(!is_duplicate(&taken));
    }
    assert_eq!(jobs(&app).await.len(), 1);
}

#[tokio::test]
async fn a_full_queue_gives_503_until_there_is_room() {
    let directory = Directory::new();
    let content = Content::start().await;
    let app = start(&directory, &["--backlog", "1", "--contents", &content.url]);
    let slow = push(
        7,
        "main",
        &sha(10),
        &[commit(&sha(10), &["slow-2.rs"], &[], &[])],
    );
    assert_eq!(answer(&app, "1", "push", &slow).await, 202);
    let next = push(7, "main", &sha(11), &[]);
    assert_eq!(answer(&app, "2", "push", &next).await, 503);
    jobs(&app).await;
    assert_eq!(answer(&app, "2", "push", &next).await, 202);
    assert_eq!(jobs(&app).await.len(), 2);
}

/// A push: four in five to a tracked branch, each second one to a commit that another delivery has, too.
fn numbered(number: u64) -> (&'static str, tower_webhook::testing::Delivery) {
    let branch = if number % 5 == 4 { "feature" } else { "main" };
    let head = sha(1000 + number / 2);
    let files = [
        format!("file-{}", number % 17),
        format!("slow-1.{}", number / 2),
    ];
    let change = commit(&head, &[&files[0], &files[1]], &[], &[]);
    let payload = push(number / 2 % 7, branch, &head, &[change]);
    (
        PATH,
        github(&format!("delivery-{number}"), "push", &payload),
    )
}

fn is_tracked(number: u64) -> bool {
    number % 5 != 4
}

/// One job a target and commit; each is done, and nothing that was accepted is missing.
fn judge(jobs: &[Value], events: u64) {
    let wanted = (0..events).filter(|number| is_tracked(*number));
    let wanted: HashSet<_> = wanted
        .map(|number| (format!("{}/main", number / 2 % 7), sha(1000 + number / 2)))
        .collect();
    let mut found: HashMap<_, usize> = HashMap::new();
    let mut asked = HashSet::new();
    for job in jobs {
        let text = |name: &str| job[name].as_str().unwrap().to_owned();
        *found.entry((text("target"), text("head_sha"))).or_default() += 1;
        assert_eq!(job["status"], "completed", "{job}");
        let ids = job["delivery_ids"].as_array().unwrap().iter();
        asked.extend(ids.map(|id| id.as_str().unwrap().to_owned()));
    }
    assert!(found.values().all(|times| *times == 1));
    assert_eq!(found.into_keys().collect::<HashSet<_>>(), wanted);
    let all = (0..events).filter(|number| is_tracked(*number));
    let all: HashSet<_> = all.map(|number| format!("delivery-{number}")).collect();
    assert_eq!(asked, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_ingress_loses_no_job_and_makes_none_twice() {
    let Some(schema) = Schema::new().await else {
        return;
    };
    let directory = Directory::new();
    let content = Content::start().await;
    let claims = schema.url();
    let more = [
        "--contents",
        &content.url,
        "--store",
        &claims,
        "--lease",
        "1",
    ];
    let app = Arc::new(start(&directory, &more));
    let file = directory.file("sync.db");
    history::watch_file(&file).await;
    let kills = number("KILLS", 4);
    let killed = Arc::clone(&app);
    let breakage = async {
        for round in 0..kills as u64 {
            sleep(Duration::from_millis(300 + (round * 37) % 211)).await;
            let app = Arc::clone(&killed);
            tokio::task::spawn_blocking(move || app.kill())
                .await
                .unwrap();
        }
    };
    let done = flow(&app, numbered, least(), breakage).await;
    let jobs = jobs(&app).await;
    println!(
        "ingress killed {kills} times: {done:?}, {} jobs",
        jobs.len()
    );
    judge(&jobs, done.events);
    let (status, _) = app.terminate();
    assert!(status.success());
    assert_eq!(done.forgotten, 0);
    history::of_file(&file)
        .await
        .judge("ingress killed", done.events);
    schema.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_ingress_with_claims_in_memory_makes_no_job_twice_either() {
    let directory = Directory::new();
    let app = Arc::new(start(&directory, &["--lease", "1"]));
    let kills = number("KILLS", 4);
    let killed = Arc::clone(&app);
    let breakage = async {
        for round in 0..kills as u64 {
            sleep(Duration::from_millis(300 + (round * 53) % 211)).await;
            let app = Arc::clone(&killed);
            tokio::task::spawn_blocking(move || app.kill())
                .await
                .unwrap();
        }
    };
    let done = flow(&app, numbered, least(), breakage).await;
    let jobs = jobs(&app).await;
    println!(
        "ingress with claims in memory killed {kills} times: {done:?}, {} jobs",
        jobs.len()
    );
    judge(&jobs, done.events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_costs_no_delivery() {
    let directory = Directory::new();
    let app = Arc::new(start(&directory, &[]));
    let file = directory.file("sync.db");
    history::watch_file(&file).await;
    let pool = history::open(&file).await;
    let breakage = async {
        for _ in 0..2 {
            sleep(Duration::from_millis(300)).await;
            let mut lock = pool.acquire().await.unwrap();
            let lock = lock.begin_with("BEGIN EXCLUSIVE").await.unwrap();
            sleep(Duration::from_millis(2500)).await;
            lock.rollback().await.unwrap();
        }
    };
    let done = flow(&app, numbered, least(), breakage).await;
    let jobs = jobs(&app).await;
    println!("ingress locked: {done:?}, {} jobs", jobs.len());
    judge(&jobs, done.events);
    assert_eq!(done.forgotten, 0);
    assert!(done.refusals > 0, "nothing was refused");
    let (status, _) = app.terminate();
    assert!(status.success());
    history::of_file(&file)
        .await
        .judge("ingress locked", done.events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_by_way_of_jetstream_survive_kills_too() {
    let url = std::env::var("NATS_URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".to_owned());
    let client = match async_nats::connect(&url).await {
        Ok(client) => client,
        Err(err) if std::env::var_os("NATS_URL").is_some() => panic!("{url}: {err}"),
        Err(_) => return println!("skipped: no NATS, and NATS_URL is not set"),
    };
    let directory = Directory::new();
    let stream = unique("apps");
    let queue = format!("{url}?stream={stream}");
    let app = Arc::new(start(&directory, &["--lease", "1", "--queue", &queue]));
    let killed = Arc::clone(&app);
    let breakage = async {
        for _ in 0..2 {
            sleep(Duration::from_millis(500)).await;
            let app = Arc::clone(&killed);
            tokio::task::spawn_blocking(move || app.kill())
                .await
                .unwrap();
        }
    };
    let done = flow(&app, numbered, 100, breakage).await;
    // What a killed process had taken out comes again after the stream's `ack_wait`.
    let context = async_nats::jetstream::new(client);
    let mut jobs_in_stream = context.get_stream(&stream).await.unwrap();
    for _ in 0..600 {
        if jobs_in_stream.info().await.unwrap().state.messages == 0 {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let jobs = jobs(&app).await;
    println!(
        "ingress on JetStream killed twice: {done:?}, {} jobs",
        jobs.len()
    );
    judge(&jobs, done.events);
    context.delete_stream(&stream).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_event_has_its_answer() {
    let Some(events) = recorded::recorded() else {
        return;
    };
    let directory = Directory::new();
    let database = directory.file("sync.db");
    // Of no named branch the default one is tracked.
    let app = App::start("github_sync", &["--database", &database]);
    history::watch_file(&database).await;
    let sender = Sender::new();
    let mut answers: HashMap<u16, u64> = HashMap::new();
    for (number, (name, payload)) in events.iter().enumerate() {
        let is_default = payload["repository"]["default_branch"]
            .as_str()
            .is_some_and(|branch| payload["ref"] == format!("refs/heads/{branch}"));
        let wanted = match &**name {
            "installation" | "installation_repositories" | "repository" => 202,
            "push" if is_default && payload["deleted"] == false => 202,
            _ => 200,
        };
        let delivery = github(&format!("delivery-{number}"), name, payload);
        let sent = sender.send(&app.url(PATH), &delivery).await.unwrap();
        assert_eq!(sent.status(), wanted, "{name} {number}");
        *answers.entry(wanted).or_default() += 1;
    }
    let jobs = jobs(&app).await;
    println!("recorded events: {answers:?}, {} jobs", jobs.len());
    assert_eq!(jobs.len(), 1, "two pushes of one commit");
    assert_eq!(jobs[0]["status"], "completed");
    let accounts = sender.json(&app.url("/accounts")).await;
    assert!(!accounts["installations"].as_array().unwrap().is_empty());
    let (status, _) = app.terminate();
    assert!(status.success());
    let histories = history::of_file(&database).await;
    assert_eq!(histories.judge("recorded events", events.len() as u64), 0);
}

#[test]
fn an_argument_that_is_wrong_is_named_at_the_start() {
    let directory = Directory::new();
    let database = directory.file("sync.db");
    for (name, value) in [
        ("--database", "/nowhere/sync.db"),
        ("--store", "disk://"),
        ("--receipts", "sqlight://x"),
        // Nobody listens there.
        ("--queue", "nats://127.0.0.1:1"),
        ("--lease", "0"),
        ("--backlog", "x"),
    ] {
        let arguments = ["--database", &database, name, value].map(str::to_owned);
        let done = command("github_sync", &arguments, 0).output().unwrap();
        assert!(!done.status.success(), "{name}");
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(said.contains(name), "{name}: {said}");
    }
}
