//! A thousand uploads of 1 MiB at once, each slow, and what the server keeps of them.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::candidates::{CANDIDATES, CAREFUL, ON_AXUM, Scheme};
use crate::common::payload::push;
use crate::load::{Requests, read};
use crate::process::Server;

const PIECE: usize = 16 << 10;
const PAUSE: Duration = Duration::from_millis(40);

/// Measures both servers, and gives the lines of the results.
pub(crate) async fn measure(uploads: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for name in [ON_AXUM, CAREFUL] {
        let candidate = CANDIDATES.iter().find(|candidate| candidate.name == name);
        let command = candidate.and_then(|candidate| candidate.command());
        let Some(server) = command.and_then(Server::start) else {
            println!("skipped: {name} does not start");
            continue;
        };
        let before = server.memory("VmRSS").unwrap_or(0);
        let statuses = upload(server.port, uploads).await;
        let grown = server.memory("VmHWM").unwrap_or(0).saturating_sub(before) / 1024;
        let each = grown * 1024 / uploads as u64;
        println!("{name:<36} {uploads} uploads: {grown} MiB more, {each} KiB each; {statuses:?}");
        lines.push(format!("{name},{uploads},{grown},{each},{statuses:?}").replace(", ", " "));
    }
    lines
}

/// How many got which answer.
async fn upload(port: u16, uploads: usize) -> BTreeMap<u16, usize> {
    let requests = Rc::new(Requests::new(Scheme::GitHub, push(1 << 20), 0));
    let set = LocalSet::new();
    let tasks: Vec<_> = (0..uploads)
        .map(|number| set.spawn_local(one(Rc::clone(&requests), port, number)))
        .collect();
    let mut statuses = BTreeMap::new();
    set.run_until(async {
        for task in tasks {
            *statuses.entry(task.await.expect("it ends")).or_default() += 1;
        }
    })
    .await;
    statuses
}

async fn one(requests: Rc<Requests>, port: u16, number: usize) -> u16 {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        return 0;
    };
    let (head, body) = requests.first();
    let id = format!("{number:017}");
    let head = String::from_utf8_lossy(head).replace(&"0".repeat(17), &id);
    let mut whole = stream.write_all(head.as_bytes()).await.is_ok();
    for piece in body.chunks(PIECE) {
        // Who was refused is not listened to any more.
        whole = whole && stream.write_all(piece).await.is_ok();
        tokio::time::sleep(PAUSE).await;
    }
    read(&mut stream, &mut Vec::new()).await
}
