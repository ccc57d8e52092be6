use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// Hears when another process emitted something. The connection is made when somebody first listens.
pub(super) struct Listener {
    pool: PgPool,
    channel: String,
    heard: Arc<Notify>,
    task: Mutex<Option<AbortHandle>>,
}

/// The first and the longest wait after the connection broke. Meanwhile senders find what is due when they next look.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

impl Listener {
    pub(super) fn new(pool: PgPool, channel: String) -> Self {
        Self {
            pool,
            channel,
            heard: Arc::new(Notify::new()),
            task: Mutex::default(),
        }
    }

    pub(super) async fn heard(&self) {
        self.begin();
        self.heard.notified().await;
    }

    fn begin(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        // A runtime that ended took its task with it.
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            // A connection of its own: one of the pool would be missing there for good.
            let options = (*self.pool.connect_options()).clone();
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .connect_lazy_with(options);
            let listening = listen(pool, self.channel.clone(), Arc::clone(&self.heard));
            *task = Some(tokio::spawn(listening).abort_handle());
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = &*task {
            task.abort();
        }
    }
}

async fn listen(pool: PgPool, channel: String, heard: Arc<Notify>) {
    let mut pause = PAUSES.0;
    loop {
        if let Ok(mut listener) = PgListener::connect_with(&pool).await {
            let mut hears = listener.listen(&channel).await.is_ok();
            // First of what was emitted while nobody listened.
            while hears {
                pause = PAUSES.0;
                heard.notify_one();
                hears = listener.recv().await.is_ok();
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}
