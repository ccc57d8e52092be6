//! Runs services to their end, on a runtime whose time stands still.

use std::convert::Infallible;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use tokio::runtime::{Builder, Runtime};
use tower::{Service, ServiceExt as _};
use tower_webhook::time::Clock;

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread needs nothing");
}

/// What `future` gives.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// The answer of `service`, without its body.
pub(crate) fn ask<S, R>(service: S, head: Parts, body: Bytes) -> Response<()>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Infallible>,
{
    let request = Request::from_parts(head, Full::new(body));
    let Ok(response) = block_on(service.oneshot(request));
    response.map(drop)
}

/// A clock that stands still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At(pub(crate) i64);

impl Clock for At {
    fn unix_seconds(&self) -> i64 {
        self.0
    }
}
