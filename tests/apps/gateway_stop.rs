//! When the gateway ends, and when it does not.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;
use tokio::time::sleep;

use crate::gateway::config;
use crate::places::Directory;
use crate::process::App;
use crate::sender::{Sender, github};

fn start(directory: &Directory) -> App {
    let file = directory.write("gateway.toml", &config(""));
    App::start("gateway", &["--config", &file])
}

#[test]
fn an_upload_that_is_under_way_is_answered_at_shutdown() {
    let directory = Directory::new();
    let app = start(&directory);
    let delivery = github("1", "push", &json!({ "number": 1 })).request();
    let mut stream = app.connect();
    let length = delivery.body().as_bytes().len();
    let mut head = format!(
        "POST /webhooks/github/primary HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n"
    );
    let headers = delivery.headers().iter();
    for (name, value) in headers.filter(|(name, _)| *name != "content-length" && *name != "host") {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    let (begin, end) = delivery.body().as_bytes().split_at(3);
    write!(stream, "{head}\r\n").unwrap();
    // It says so when it begins to read the body.
    let mut goes_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut goes_on).unwrap();
    assert!(goes_on.starts_with(b"HTTP/1.1 100 "));
    stream.write_all(begin).unwrap();
    // Who has asked nothing keeps nobody waiting.
    let _idle = app.connect();

    app.command("kill", &["-TERM"], &[]);
    while !app.has_said("draining") {
        std::thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(end).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let (status, _) = app.terminate();
    assert!(status.success());
}

#[tokio::test]
async fn more_connections_than_there_may_be_files_do_not_end_it() {
    let directory = Directory::new();
    let app = start(&directory);
    app.command("prlimit", &["--pid"], &["--nofile=40:40"]);
    let many: Vec<_> = (0..60).map(|_| app.connect()).collect();
    while app.open_files() < 40 {
        sleep(Duration::from_millis(10)).await;
    }
    drop(many);
    let sender = Sender::new();
    let health = Request::get(app.url("/health")).body(http_body_util::Full::default());
    let answer = sender.ask(health.unwrap()).await;
    let status = answer.map(|answer: Response<Bytes>| answer.status().as_u16());
    assert_eq!(status, Some(200));
}
