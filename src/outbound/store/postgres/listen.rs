use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// Hears when another process emitted something. The connection is made when somebody first listens.
pub(super) struct Listener {
    pool: PgPool,
    channel: String,
    heard: Arc<Notify>,
    task: OnceLock<AbortHandle>,
}

/// The first and the longest wait after the connection broke. Meanwhile senders find what is due when they next look.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

impl Listener {
    pub(super) fn new(pool: PgPool, channel: String) -> Self {
        Self {
            pool,
            channel,
            heard: Arc::new(Notify::new()),
            task: OnceLock::new(),
        }
    }

    pub(super) async fn heard(&self) {
        self.task.get_or_init(|| {
            let (pool, channel) = (self.pool.clone(), self.channel.clone());
            tokio::spawn(listen(pool, channel, Arc::clone(&self.heard))).abort_handle()
        });
        self.heard.notified().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

async fn listen(pool: PgPool, channel: String, heard: Arc<Notify>) {
    let mut pause = PAUSES.0;
    loop {
        if let Ok(mut listener) = PgListener::connect_with(&pool).await {
            if listener.listen(&channel).await.is_ok() {
                pause = PAUSES.0;
                // What was emitted while nobody listened.
                heard.notify_one();
                while listener.recv().await.is_ok() {
                    heard.notify_one();
                }
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}
