use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{KeyKind, Message, SignError, SignErrorKind, SigningKeys, SigningSchemes};
use crate::config::ConfigError;
use crate::scheme::sign::{Form, FormKey};

/// Most keys that sign at once. Receivers bound the signatures that they try: ours at four private keys.
const MAX_KEYS: usize = 4;

/// Schemes with their keys, made ready. A clone shares them.
///
/// In the extensions of a request, it signs in place of that of the [`SignLayer`](super::SignLayer).
#[derive(Clone, Debug)]
pub struct Signer(Arc<[Ready]>);

#[derive(Debug)]
struct Ready {
    form: Form,
    /// Whether its signature stands beside another in a header that is written already.
    joins: bool,
    /// The newest first, each with its end.
    keys: Vec<(FormKey, Option<i64>)>,
}

impl Signer {
    /// Signs by each of `schemes` with those of `keys` that are of its kind.
    ///
    /// # Errors
    ///
    /// Returns an error when two schemes write the same header, when the content of a custom one cannot be
    /// signed, when a scheme finds no key of its kind, and when a key is not written as a scheme
    /// reads it: for Standard Webhooks a secret must be base64.
    pub fn new(
        schemes: impl Into<SigningSchemes>,
        keys: &SigningKeys,
    ) -> Result<Self, ConfigError> {
        let schemes = schemes.into();
        schemes.check()?;
        let forms = schemes.forms();
        let ready = forms.iter().enumerate().map(|(place, form)| {
            let kind = match form.is_ed25519() {
                true => KeyKind::Ed25519,
                false => KeyKind::Hmac,
            };
            let own = keys.held().iter().filter(|held| held.key.kind() == kind);
            let read = own.map(|held| Ok((form.key(held.key.reveal())?, held.until)));
            let keys = read.collect::<Result<Vec<_>, ConfigError>>()?;
            if keys.is_empty() {
                let reason = "hold none of the kind that a scheme signs with";
                return Err(ConfigError::new("keys", reason));
            }
            Ok(Ready {
                form: form.clone(),
                joins: forms[..place].iter().any(|other| other.joins(form)),
                keys,
            })
        });
        ready.collect::<Result<_, _>>().map(Self)
    }

    /// Writes the headers of all schemes into `headers`, in place of those that are there. After an error
    /// they are as before.
    ///
    /// # Errors
    ///
    /// See [`SignErrorKind`].
    pub fn sign(&self, message: &Message<'_>, headers: &mut HeaderMap) -> Result<(), SignError> {
        let mut written = Vec::with_capacity(4 * self.0.len());
        for Ready { form, joins, keys } in &*self.0 {
            let now = message.unix_seconds;
            let is_live = |end: Option<i64>| end.is_none_or(|end| now <= end);
            let live = keys.iter().filter(|(_, end)| is_live(*end));
            let mut live: Vec<_> = live.map(|(key, _)| key).collect();
            live.truncate(MAX_KEYS);
            if live.is_empty() {
                return Err(SignErrorKind::NoLiveKey.into());
            }
            form.sign(live.into_iter(), message, |name, value| {
                written.push((name, value, *joins));
            })?;
        }
        for (name, value, joins) in written {
            if joins {
                join(headers, name, &value);
            } else {
                headers.insert(name, value);
            }
        }
        Ok(())
    }

    /// The id that the request brings along, in a header of a scheme.
    pub(super) fn id_in<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        let mut names = self.0.iter().filter_map(|ready| ready.form.id_header());
        names.find_map(|name| headers.get(name))
    }
}

/// Adds a signature to the others in one header. Id and time are the same, and stay.
fn join(headers: &mut HeaderMap, name: &HeaderName, value: &HeaderValue) {
    let Some(own) = headers.get_mut(name).filter(|own| *own != value) else {
        return;
    };
    let both = [own.as_bytes(), b" ", value.as_bytes()].concat();
    // Of two values and a space, each of which may stand in a header.
    if let Ok(both) = HeaderValue::from_bytes(&both) {
        *own = both;
    }
}
