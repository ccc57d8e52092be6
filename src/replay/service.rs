use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::body::Memory;
use super::{FreshBody, ReplayWindowLayer};
use crate::body::ResponseBody;
use crate::rejection::{Rejection, ResponseFuture};
use crate::verify::{Unclaimed, Verified, VerifiedBody};

/// Middleware that refuses deliveries outside the replay window.
///
/// See the [module docs](crate::replay).
#[derive(Clone, Debug)]
pub struct ReplayWindow<S> {
    inner: S,
    window: ReplayWindowLayer,
}

impl<S> ReplayWindow<S> {
    pub(super) fn new(inner: S, window: ReplayWindowLayer) -> Self {
        Self { inner, window }
    }

    /// How far ahead of us the sender may be, in seconds.
    fn skew(&self, verified: &VerifiedBody) -> u64 {
        let skew = verified.profile().future_skew().as_secs().min(300);
        self.window.future.unwrap_or(skew)
    }

    /// How old a delivery may be, in seconds.
    fn past(&self, verified: &VerifiedBody) -> u64 {
        let own = verified.profile().replay_window();
        own.map_or(self.window.past, |own| own.as_secs())
    }

    fn judge(&self, verified: &VerifiedBody) -> Result<(), Rejection> {
        let Some(timestamp) = verified.delivery().timestamp else {
            return Ok(());
        };
        let now = self.window.clock.unix_seconds();
        if now.saturating_sub(timestamp) > i64::try_from(self.past(verified)).unwrap_or(i64::MAX) {
            Err(Rejection::Stale)
        } else if timestamp > now && timestamp.abs_diff(now) > self.skew(verified) {
            Err(Rejection::Future)
        } else {
            Ok(())
        }
    }
}

impl<S, B, R> Service<Request<B>> for ReplayWindow<S>
where
    B: Verified + Unclaimed,
    S: Service<Request<FreshBody>, Response = Response<R>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<B>) -> Self::Future {
        let verified = req.body_mut().verified_mut();
        if let Err(why) = self.judge(verified) {
            return ResponseFuture::rejected(why);
        }
        let memory = Memory {
            past: self.past(verified),
            future: self.skew(verified),
            clock: Arc::clone(&self.window.clock),
        };
        let req = req.map(|body| FreshBody::seal(body.into_verified(), memory));
        ResponseFuture::inner(self.inner.call(req))
    }
}
