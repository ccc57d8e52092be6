//! webhooksmith 0.2.1 beside this crate: the same server, receiver, payload and number of endpoints and deliveries.
//!
//! It is a program of its own, for its sqlx 0.8 cannot be linked beside ours. What its documentation lets one choose is
//! larger than its defaults; see `benches/peers/webhooksmith`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Scale;
use crate::postgres;
use crate::sending::{self, median, spread};

pub(crate) async fn report(scale: &Scale) {
    let Some(pool) = postgres::pool().await else {
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = root.join("target/peers");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(&target)
        .current_dir(root.join("benches/peers/webhooksmith"))
        .status();
    assert!(built.expect("cargo starts").success(), "the peer is built");
    let program = target.join("release/peer-webhooksmith");
    for hanging in [0, 1] {
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..scale.rounds {
            let store = postgres::fresh(&pool).await;
            let our = sending::throughput(store, scale, hanging).await;
            let their = peer(&program, scale, hanging);
            ours.push(our);
            theirs.push(their);
            ratios.push(our / their);
        }
        println!(
            "peer: {hanging} of 50 hangs: ours {} deliveries/s, webhooksmith {}/s, ratio {:.2}",
            spread(ours),
            spread(theirs),
            median(ratios)
        );
    }
}

/// Deliveries a second of the peer that arrive, of those that do not hang.
fn peer(program: &PathBuf, scale: &Scale, hanging: u64) -> f64 {
    // With its own batch and a hanging endpoint it takes minutes to deliver what it does in seconds otherwise.
    let events = if hanging == 0 {
        scale.events
    } else {
        scale.events.div_ceil(20)
    };
    let output = Command::new(program)
        .arg(postgres::url())
        .arg(events.to_string())
        .arg(hanging.to_string())
        .output();
    let output = output.expect("the peer starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    let rate = text.trim().parse();
    rate.unwrap_or_else(|_| panic!("the peer said {text} {said}"))
}
