use ::http::Uri;
use ::http::request::Parts;
use ::http::uri::Scheme;

use super::recipe::UrlForm;
use crate::config::ConfigError;

/// The URL that a provider was given, for schemes that sign it.
///
/// Behind a proxy a receiver sees another one: other host, other scheme, often another path. So it is
/// never taken from the request, but for its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: Box<str>,
    uri: Uri,
}

impl PublicUrl {
    /// Takes the URL as the provider has it, to the letter.
    ///
    /// # Errors
    ///
    /// Returns an error that names `public_url` when it is not an absolute `http` or `https` URL.
    pub fn new(text: &str) -> Result<Self, ConfigError> {
        let refused = || ConfigError::new("public_url", "must be an absolute URL");
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let is_web = uri.scheme() == Some(&Scheme::HTTPS) || uri.scheme() == Some(&Scheme::HTTP);
        if !is_web || uri.authority().is_none() {
            return Err(refused());
        }
        Ok(Self {
            text: text.into(),
            uri,
        })
    }

    /// The texts that the provider may have signed for this request.
    pub(super) fn forms(&self, head: &Parts, form: UrlForm) -> Vec<String> {
        let mut forms = match form {
            // Providers that take a URL to the letter send nothing in its query that was not there.
            UrlForm::Verbatim => vec![self.text.to_string()],
            UrlForm::Queried => vec![self.queried(head)],
            UrlForm::Unescaped => vec![unescape(&self.queried(head))],
            UrlForm::Ports => self.ports(&self.queried(head)).into(),
        };
        forms.sort_unstable();
        forms.dedup();
        forms
    }

    /// The URL with the query of the request and with no other: what a handler reads was signed.
    fn queried(&self, head: &Parts) -> String {
        let path = self.text.split('?').next().unwrap_or_default();
        match head.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// The text that a provider signs that delivers to this URL.
    #[cfg(feature = "test-util")]
    pub(super) fn signed(&self, form: UrlForm) -> String {
        match form {
            UrlForm::Unescaped => unescape(&self.text),
            UrlForm::Verbatim | UrlForm::Queried | UrlForm::Ports => self.text.to_string(),
        }
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL without and with its port.
    fn ports(&self, form: &str) -> [String; 2] {
        let usual = if self.uri.scheme() == Some(&Scheme::HTTPS) {
            443
        } else {
            80
        };
        let host = self.uri.host().unwrap_or_default();
        let port = self.uri.port_u16().unwrap_or(usual);
        let authority = self.uri.authority().map_or("", |name| name.as_str());
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        let at = if user.is_empty() { "" } else { "@" };
        let bare = form.replacen(authority, &format!("{user}{at}{host}"), 1);
        let ported = form.replacen(authority, &format!("{user}{at}{host}:{port}"), 1);
        [bare, ported]
    }
}

/// Undoes the escapes of `: / ? @ ! $ ' ( ) * , ;` and of nothing else, as
/// [HubSpot](https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests)
/// does before it signs.
fn unescape(url: &str) -> String {
    const UNDONE: &[u8] = b":/?@!$'()*,;";
    let mut text = String::with_capacity(url.len());
    let mut rest = url;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 3);
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match byte.filter(|byte| UNDONE.contains(byte)) {
            Some(byte) => {
                text.push(char::from(byte));
                rest = &rest[at + 3..];
            }
            None => {
                text.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    text.push_str(rest);
    text
}
