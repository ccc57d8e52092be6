use tower_webhook::BoxError;
use tower_webhook::handoff::LossyChannel;

use super::{PAUSE, TRIES, Tried, Worker, deliver};

/// A channel counts no deliveries, so its worker does; and its dead letters are lost with it.
pub(crate) async fn run() -> Result<(Worker, usize), BoxError> {
    let (queue, mut jobs) = LossyChannel::new(16);
    deliver(queue).await?;
    let (worker, mut dead) = (Worker::default(), 0);
    while let Some(job) = jobs.next().await {
        for attempt in 1..=TRIES {
            match worker.attempt(&job, async || {}).await {
                Ok(Tried::Done) => break,
                Ok(Tried::Elsewhere(wait)) => tokio::time::sleep(wait).await,
                Err(err) if attempt == TRIES => {
                    println!("dead letter: {err}");
                    dead += 1;
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
    Ok((worker, dead))
}
