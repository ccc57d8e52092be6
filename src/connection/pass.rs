use std::fmt;

use crate::scheme::{AnyPass, AuthError, AuthErrorKind, Claims, Pass};

/// One verification for a connection, or for one that is not there.
pub struct ConnectionPass {
    pass: AnyPass,
    is_decoy: bool,
}

impl ConnectionPass {
    pub(super) fn new(pass: AnyPass, is_decoy: bool) -> Self {
        Self { pass, is_decoy }
    }
}

impl Pass for ConnectionPass {
    fn update(&mut self, chunk: &[u8]) {
        self.pass.update(chunk);
    }

    fn finish(self, body: &[u8]) -> Result<Claims, AuthError> {
        let claims = self.pass.finish(body)?;
        // Whatever a decoy's secret is, nobody is let in by it.
        if self.is_decoy {
            return Err(AuthErrorKind::UnknownKey.into());
        }
        Ok(claims)
    }
}

impl fmt::Debug for ConnectionPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionPass").finish_non_exhaustive()
    }
}
