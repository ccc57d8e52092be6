use ::http::{HeaderMap, HeaderName};
use sfv::ListEntry;
use sha2::{Digest as _, Sha256, Sha512};

use super::super::compare::equal;
use super::super::head::one;
use super::super::{AuthError, AuthErrorKind};
use super::input::dictionary;

pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// The digests that a `Content-Digest` names (RFC 9530), and the body as far as it has come.
#[derive(Default)]
pub(super) struct ContentDigest {
    sha256: Option<(Sha256, Vec<u8>)>,
    sha512: Option<(Sha512, Vec<u8>)>,
}

impl ContentDigest {
    /// Reads the header. Of its algorithms those that are not deprecated count.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, AuthError> {
        let malformed = AuthErrorKind::MalformedHeader;
        let digests = dictionary(one(headers, &CONTENT_DIGEST)?)?;
        let digest = |name: &str| match digests.get(name) {
            None => Ok(None),
            Some(ListEntry::Item(item)) => match item.bare_item.as_byte_sequence() {
                Some(bytes) => Ok(Some(bytes.to_vec())),
                None => Err(malformed),
            },
            Some(_) => Err(malformed),
        };
        let read = Self {
            sha256: digest("sha-256")?.map(|bytes| (Sha256::new(), bytes)),
            sha512: digest("sha-512")?.map(|bytes| (Sha512::new(), bytes)),
        };
        if read.sha256.is_none() && read.sha512.is_none() {
            return Err(AuthErrorKind::UnsupportedVersion.into());
        }
        Ok(read)
    }

    pub(super) fn update(&mut self, chunk: &[u8]) {
        if let Some((body, _)) = &mut self.sha256 {
            body.update(chunk);
        }
        if let Some((body, _)) = &mut self.sha512 {
            body.update(chunk);
        }
    }

    /// Every digest that was named must be the body's.
    pub(super) fn check(self) -> Result<(), AuthError> {
        let same = |body: &[u8], signed: &[u8]| bool::from(equal(body, signed));
        let sha256 = self.sha256;
        let sha256 = sha256.is_none_or(|(body, signed)| same(&body.finalize(), &signed));
        let sha512 = self.sha512;
        let sha512 = sha512.is_none_or(|(body, signed)| same(&body.finalize(), &signed));
        (sha256 && sha512)
            .then_some(())
            .ok_or_else(|| AuthErrorKind::BodyDigest.into())
    }
}
