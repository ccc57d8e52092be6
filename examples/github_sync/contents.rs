//! How the worker gets a file.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sha2::{Digest as _, Sha256};

use crate::database::Content;

/// Larger files are skipped.
const MAX_BYTES: usize = 1 << 20;
/// How long one file may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where files come from. In an app of your own this is GitHub's API, with a token of the installation.
#[derive(Clone)]
pub(crate) enum Contents {
    /// Nowhere: what the payload says of a file is all that is known.
    Payload,
    /// `GET {base}/{repository}/{commit}/{path}`.
    Server(Arc<Server>),
}

pub(crate) struct Server {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

/// What comes of it.
pub(crate) enum Fetched {
    Content(Content),
    /// Too large to be kept.
    Skip,
    /// It will not be there the next time either.
    Failed(String),
    /// It may be there the next time.
    Later(String),
}

impl Contents {
    pub(crate) fn new(base: Option<String>) -> Self {
        match base {
            None => Self::Payload,
            Some(base) => Self::Server(Arc::new(Server {
                client: Client::builder(TokioExecutor::new()).build_http(),
                base: base.trim_end_matches('/').to_owned(),
            })),
        }
    }

    pub(crate) async fn fetch(&self, repository: &str, commit: &str, path: &str) -> Fetched {
        let Self::Server(server) = self else {
            return Fetched::Content(Content::default());
        };
        let (base, path) = (&server.base, encoded(path));
        let uri = format!("{base}/{repository}/{commit}/{path}");
        let fetched = tokio::time::timeout(PATIENCE, get(&server.client, &uri)).await;
        fetched.unwrap_or_else(|_| Fetched::Later("timed out".to_owned()))
    }
}

async fn get(client: &Client<HttpConnector, Full<Bytes>>, uri: &str) -> Fetched {
    let req = match Request::get(uri).body(Full::default()) {
        Ok(req) => req,
        Err(err) => return Fetched::Failed(err.to_string()),
    };
    let response = match client.request(req).await {
        Ok(response) => response,
        Err(err) => return Fetched::Later(err.to_string()),
    };
    match response.status() {
        StatusCode::OK => {}
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return Fetched::Later(status.to_string());
        }
        status => return Fetched::Failed(status.to_string()),
    }
    match Limited::new(response.into_body(), MAX_BYTES)
        .collect()
        .await
    {
        Ok(body) => {
            let bytes = body.to_bytes();
            Fetched::Content(Content {
                digest: Some(const_hex::encode(Sha256::digest(&bytes))),
                size: i64::try_from(bytes.len()).ok(),
            })
        }
        Err(err) if err.is::<LengthLimitError>() => Fetched::Skip,
        Err(err) => Fetched::Later(err.to_string()),
    }
}

/// A path that means what it says: file names may hold anything but `/`.
fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
