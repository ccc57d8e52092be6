//! What an attack costs in memory.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::StatusCode;
use tokio::time::sleep;

use super::framing::head;
use super::process::Process;
use super::receiver::HOSTS;
use super::requests::{VERSIONS, ask, client, fresh};
use super::wire::Wire;

/// What memory may grow by: the 64 MiB in flight, and half as much around them.
pub(crate) const MOST: u64 = 96 << 20;

/// The 64 MiB in flight, 64 KiB a connection, which the server reads into, and 30 MB around them.
const MOST_HELD: u64 = (64 << 20) + 200 * (64 << 10) + 30_000_000;

const MIB: usize = 1 << 20;

/// All but the last byte of a body of 1 MiB as fast as it goes, and then nothing.
async fn hold(address: SocketAddr, lines: &str) -> u16 {
    let mut wire = Wire::open(address).await;
    wire.write(head(b"{}", lines).as_bytes()).await;
    let body = vec![b' '; MIB - 1];
    if lines.contains("chunked") {
        wire.write(format!("{:x}\r\n", MIB - 1).as_bytes()).await;
    }
    wire.write(&body).await;
    wire.answer().await.map_or(0, |answer| answer.status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_slow_bodies_of_1_mib_take_no_more_than_the_budget_and_end() {
    for host in HOSTS {
        for lines in [
            "content-length: 1048576\r\n",
            "transfer-encoding: chunked\r\n",
        ] {
            let mut process = Process::start(host);
            let address = process.address;
            let clients = VERSIONS.map(client);
            for client in &clients {
                assert_eq!(ask(client, address, fresh()).await, 204);
            }
            let before = process.memory();
            let start = Instant::now();
            let attack = async { join_all((0..200).map(|_| hold(address, lines))).await };
            // A sender like any other: it comes again when it is told to.
            let healthy = async {
                let (mut longest, mut refused) = (Duration::ZERO, 0);
                sleep(Duration::from_secs(1)).await;
                loop {
                    let mut statuses = Vec::new();
                    // Not over a connection that was closed behind a refusal.
                    for client in &VERSIONS.map(client) {
                        let asked = Instant::now();
                        statuses.push(ask(client, address, fresh()).await);
                        longest = longest.max(asked.elapsed());
                    }
                    if statuses == [StatusCode::NO_CONTENT; 2] && refused > 0 {
                        return (longest, refused);
                    }
                    refused += statuses.iter().filter(|status| **status == 503).count();
                    assert!(
                        start.elapsed() < Duration::from_secs(20),
                        "{refused} refusals"
                    );
                    sleep(Duration::from_millis(500)).await;
                }
            };
            let (ends, (longest, refused)) = futures_util::join!(attack, healthy);
            let took = start.elapsed();
            let growth = process.peak() - before;
            let count = |status| ends.iter().filter(|end| **end == status).count();
            println!(
                "{host:?}, {}: {} slow bodies held and refused after 10 s, {} refused at once, {refused} deliveries told \
                 to come again within {longest:?}, all over after {took:?}, {} MiB more",
                lines.trim(),
                count(408),
                count(503) + count(0),
                growth >> 20,
            );
            // One that ends makes room for another.
            assert!((64..80).contains(&count(408)), "{ends:?}");
            assert!(growth < MOST_HELD, "{growth} bytes");
            assert!(longest < Duration::from_secs(3), "{longest:?}");
            let counts = process.counts();
            assert_eq!(counts.calls, counts.runs * 2, "{counts:?}");
            assert_eq!(counts.receipts, counts.runs, "{counts:?}");
        }
    }
}
