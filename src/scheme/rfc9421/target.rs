use ::http::header::HOST;
use ::http::request::Parts;
use ::http::uri::Authority;
use ::http::{HeaderName, Uri};

use super::super::head::one;
use super::super::{AuthError, AuthErrorKind};
use super::input::Component;
use crate::config::ConfigError;

/// The URL under which senders know us.
#[derive(Clone, Debug)]
pub(super) struct PublicUrl {
    scheme: Box<str>,
    authority: Box<str>,
    /// What a proxy or a router takes off the path.
    prefix: Box<str>,
}

impl PublicUrl {
    pub(super) fn parse(url: &str) -> Result<Self, ConfigError> {
        let refused = |reason| ConfigError::new("public_url", reason);
        let uri: Uri = url.parse().map_err(|_| refused("is not a URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refused("has no scheme or host"));
        };
        if uri.query().is_some() || !matches!(scheme, "http" | "https") {
            return Err(refused("has a query, or is not http"));
        }
        Ok(Self {
            scheme: scheme.into(),
            authority: normal(scheme, authority.as_str()).into(),
            prefix: uri.path().trim_end_matches('/').into(),
        })
    }
}

/// The parts of a request that a signature may cover (RFC 9421, section 2.2).
pub(super) struct Target<'a> {
    head: &'a Parts,
    scheme: &'a str,
    authority: String,
    path: String,
}

impl<'a> Target<'a> {
    /// Behind a proxy neither the scheme nor, on HTTP/2, the authority of the request need be the
    /// sender's: `public` says them. Without it we are taken to be reached over https, under the
    /// host that the request names.
    pub(super) fn new(head: &'a Parts, public: Option<&'a PublicUrl>) -> Result<Self, AuthError> {
        let path = match head.uri.path() {
            "" => "/",
            path => path,
        };
        if let Some(public) = public {
            return Ok(Self {
                head,
                scheme: &public.scheme,
                authority: public.authority.clone().into(),
                path: format!("{}{path}", public.prefix),
            });
        }
        let authority = match head.uri.authority() {
            Some(authority) => authority.as_str(),
            None => one(&head.headers, &HOST)?,
        };
        authority
            .parse::<Authority>()
            .map_err(|_| AuthErrorKind::MalformedHeader)?;
        Ok(Self {
            head,
            scheme: "https",
            authority: normal("https", authority),
            path: path.into(),
        })
    }

    pub(super) fn value(&self, component: &Component) -> Result<String, AuthError> {
        let query = self.head.uri.query();
        let with_query = |text: String| match query {
            Some(query) => format!("{text}?{query}"),
            None => text,
        };
        Ok(match component {
            Component::Method => self.head.method.as_str().into(),
            Component::Scheme => self.scheme.into(),
            Component::Authority => self.authority.clone(),
            Component::Path => self.path.clone(),
            Component::Query => format!("?{}", query.unwrap_or_default()),
            Component::RequestTarget => with_query(self.path.clone()),
            Component::TargetUri => {
                with_query(format!("{}://{}{}", self.scheme, self.authority, self.path))
            }
            Component::QueryParam(name) => self.query_param(name)?,
            Component::Field(name) => self.field(name)?,
        })
    }

    /// All lines of a field, joined (RFC 9421, section 2.1).
    fn field(&self, name: &HeaderName) -> Result<String, AuthError> {
        let mut joined: Option<String> = None;
        for value in self.head.headers.get_all(name) {
            let line = value.to_str().map_err(|_| AuthErrorKind::MalformedHeader)?;
            let line = line.trim_matches([' ', '\t']);
            match &mut joined {
                Some(joined) => {
                    joined.push_str(", ");
                    joined.push_str(line);
                }
                None => joined = Some(line.into()),
            }
        }
        joined.ok_or_else(|| AuthErrorKind::MissingHeader.into())
    }

    /// The value of a parameter that comes once, encoded anew (RFC 9421, section 2.2.8).
    fn query_param(&self, name: &str) -> Result<String, AuthError> {
        let query = self.head.uri.query().unwrap_or_default();
        let mut values = form_urlencoded::parse(query.as_bytes())
            .filter(|(key, _)| encode(key) == name)
            .map(|(_, value)| value);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(encode(&value)),
            (None, _) => Err(AuthErrorKind::MissingHeader.into()),
            _ => Err(AuthErrorKind::DuplicateHeader.into()),
        }
    }
}

/// Lower case, and without the scheme's own port (RFC 9421, section 2.2.3).
fn normal(scheme: &str, authority: &str) -> String {
    let authority = authority.to_ascii_lowercase();
    let port = if scheme == "https" { ":443" } else { ":80" };
    match authority.strip_suffix(port) {
        Some(host) => host.into(),
        None => authority,
    }
}

fn encode(text: &str) -> String {
    // A plus sign itself is encoded, so each one that is left stands for a space.
    form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_the_query_comes_once() {
        let req = ::http::Request::get("https://a.example/?a=1&b=2&b=3&c=d%20e+f");
        let (head, ()) = req.body(()).unwrap().into_parts();
        let target = Target::new(&head, None).unwrap();
        let value = |name| target.query_param(name).map_err(|err| err.kind());
        assert_eq!(value("a").unwrap(), "1");
        assert_eq!(value("c").unwrap(), "d%20e%20f");
        assert_eq!(value("b"), Err(AuthErrorKind::DuplicateHeader));
        assert_eq!(value("d"), Err(AuthErrorKind::MissingHeader));
    }
}
