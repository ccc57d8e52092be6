use std::fmt;
use std::sync::Arc;

use ::http::request::Parts;

use super::{AuthError, Claims, Handshake, OpenError, Pass, Profile, Scheme};

/// A scheme whose type is forgotten, to be chosen at run time. One allocation a request more.
#[derive(Clone)]
#[must_use]
pub struct AnyScheme(Arc<dyn Erased>);

impl AnyScheme {
    /// Forgets the type of `scheme`.
    pub fn new<V: Scheme + fmt::Debug>(scheme: V) -> Self {
        Self(Arc::new(scheme))
    }
}

trait Erased: Send + Sync + fmt::Debug + 'static {
    fn begin(&self, head: &Parts) -> Result<AnyPass, AuthError>;
    fn profile(&self) -> Arc<Profile>;
    fn greet(&self, head: &Parts) -> Option<Result<Handshake, OpenError>>;
}

impl<V: Scheme + fmt::Debug> Erased for V {
    fn begin(&self, head: &Parts) -> Result<AnyPass, AuthError> {
        Ok(AnyPass(Box::new(Scheme::begin(self, head)?)))
    }

    fn profile(&self) -> Arc<Profile> {
        Scheme::profile(self)
    }

    fn greet(&self, head: &Parts) -> Option<Result<Handshake, OpenError>> {
        Scheme::greet(self, head)
    }
}

impl Scheme for AnyScheme {
    type Pass = AnyPass;

    fn begin(&self, head: &Parts) -> Result<AnyPass, AuthError> {
        self.0.begin(head)
    }

    fn profile(&self) -> Arc<Profile> {
        self.0.profile()
    }

    fn greet(&self, head: &Parts) -> Option<Result<Handshake, OpenError>> {
        self.0.greet(head)
    }
}

/// One verification by an [`AnyScheme`].
pub struct AnyPass(Box<dyn ErasedPass>);

trait ErasedPass: Send + 'static {
    fn update(&mut self, chunk: &[u8]);
    fn finish(self: Box<Self>, body: &[u8]) -> Result<Claims, AuthError>;
}

impl<P: Pass> ErasedPass for P {
    fn update(&mut self, chunk: &[u8]) {
        Pass::update(self, chunk);
    }

    fn finish(self: Box<Self>, body: &[u8]) -> Result<Claims, AuthError> {
        Pass::finish(*self, body)
    }
}

impl Pass for AnyPass {
    fn update(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    fn finish(self, body: &[u8]) -> Result<Claims, AuthError> {
        self.0.finish(body)
    }
}

impl fmt::Debug for AnyScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AnyPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyPass").finish_non_exhaustive()
    }
}
