//! A server of files, some of which are not to be had.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use http::StatusCode;

/// What is asked for, and how often.
type Asked = Arc<Mutex<HashMap<String, usize>>>;

/// Gives the content `PATH at COMMIT`, but for names that begin with `missing`, `broken`, `huge`, or `slow-N`,
/// which are 503 for the first N times.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) url: String,
    asked: Asked,
}

impl Content {
    pub(crate) async fn start() -> Self {
        let asked = Asked::default();
        let app = Router::new()
            .route("/{owner}/{name}/{commit}/{*path}", axum::routing::get(give))
            .with_state(Arc::clone(&asked));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, asked }
    }

    pub(crate) fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().get(path).copied().unwrap_or(0)
    }
}

async fn give(
    State(asked): State<Asked>,
    Path((_owner, _name, commit, path)): Path<(String, String, String, String)>,
) -> Result<String, StatusCode> {
    let times = {
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(path.clone()).or_default();
        *times += 1;
        *times
    };
    let late = path.strip_prefix("slow-");
    let late = late.and_then(|rest| rest.split('.').next()?.parse().ok());
    match &*path {
        path if path.starts_with("missing") => Err(StatusCode::NOT_FOUND),
        path if path.starts_with("broken") => Err(StatusCode::BAD_GATEWAY),
        path if path.starts_with("huge") => Ok("x".repeat((1 << 20) + 1)),
        _ if late.is_some_and(|late: usize| times <= late) => Err(StatusCode::SERVICE_UNAVAILABLE),
        path => Ok(format!("{path} at {commit}")),
    }
}
