use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use super::payload::Payload;
use crate::scheme::PublicUrl;
use crate::scheme::catalog::{self, Entry, Options, SecretText};
use crate::scheme::sign::{Draft, Signed, SigningKey, sign, smallest};
use crate::time::{Clock as _, SystemClock};

/// A delivery that is signed when it is asked for.
///
/// See the [module docs](crate::testing).
#[derive(Clone, Debug)]
#[must_use]
pub struct Delivery {
    pub(super) entry: &'static Entry,
    pub(super) key: SigningKey,
    pub(super) receiver: SecretText,
    pub(super) method: Method,
    pub(super) url: PublicUrl,
    pub(super) id: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) body: Bytes,
    pub(super) at: Option<i64>,
    /// Seconds that the sender's clock is ahead.
    pub(super) ahead: i64,
    pub(super) headers: HeaderMap,
    pub(super) is_tampered: bool,
    pub(super) is_truncated: bool,
    pub(super) is_doubled: bool,
    pub(super) frame: Option<usize>,
}

/// What stands before a path.
const HOST_URL: &str = "https://hooks.example.com";

impl Delivery {
    /// A delivery by the scheme with this id, such as `github.sha256`, signed with `secret`, to
    /// `/webhooks/github` and so on, with the smallest payload that the scheme allows.
    ///
    /// The secret is written as the provider writes it. Where receivers have a public key, it is the
    /// private one: 32 bytes in hex digits or in base64.
    ///
    /// # Panics
    ///
    /// Panics when there is no such scheme, when it takes no deliveries, when its feature is off, or when
    /// the secret is none of the scheme's.
    pub fn of(scheme: &str, secret: &str) -> Self {
        let entry = catalog::find(scheme).unwrap_or_else(|| panic!("no scheme `{scheme}`"));
        let body = smallest(entry);
        let body = body.unwrap_or_else(|| panic!("`{scheme}` takes no deliveries"));
        let key = SigningKey::read(entry.secret, secret);
        let key = key.unwrap_or_else(|err| panic!("`{scheme}`: {err}"));
        let url = format!("{HOST_URL}/webhooks/{}", entry.provider);
        let delivery = Self {
            entry,
            receiver: key.for_receiver(secret, entry.secret),
            key,
            method: Method::POST,
            url: PublicUrl::new(&url).expect("a host and a path are a URL"),
            id: None,
            event_type: None,
            body: Bytes::new(),
            at: None,
            ahead: 0,
            headers: HeaderMap::new(),
            is_tampered: false,
            is_truncated: false,
            is_doubled: false,
            frame: None,
        };
        delivery.body(body)
    }

    /// Sets the id, in a header or, where none stands there, in the payload. Where a scheme signs an id,
    /// `id-1` by default.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the event type, in a header or, where none stands there, in the payload.
    pub fn event_type(mut self, name: impl Into<String>) -> Self {
        self.event_type = Some(name.into());
        self
    }

    /// Sets the payload.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the time of sending, in Unix seconds; by default the time at which the request is made.
    pub fn at(mut self, unix_seconds: i64) -> Self {
        self.at = Some(unix_seconds);
        self
    }

    /// Sets the URL: a path, or the whole URL that the provider was given.
    ///
    /// # Panics
    ///
    /// Panics when it is neither.
    pub fn url(mut self, url: &str) -> Self {
        let url = if url.starts_with('/') {
            format!("{HOST_URL}{url}")
        } else {
            url.to_owned()
        };
        self.url = PublicUrl::new(&url).unwrap_or_else(|err| panic!("`{url}`: {err}"));
        self
    }

    /// Sets the method; `POST` by default.
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Adds a header, or replaces one of the provider's.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// What a receiver is made with that accepts this delivery: the secret or the public key, and the URL.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_webhook::scheme::catalog;
    /// use tower_webhook::testing::Delivery;
    ///
    /// let delivery = Delivery::of("hubspot.v3", "an example secret").body("[]");
    /// let scheme = catalog::find("hubspot.v3").expect("it is there").build(&delivery.options())?;
    /// # Ok::<(), tower_webhook::config::ConfigError>(())
    /// ```
    pub fn options(&self) -> Options {
        let options = Options::new().secret(self.receiver.clone());
        // To others it means something else: what a proxy took off the path.
        if self.entry.needs_public_url() {
            options.public_url(self.url.as_str())
        } else {
            options
        }
    }

    /// The request, signed.
    ///
    /// # Panics
    ///
    /// Panics when an id or an event type cannot stand in a header.
    #[must_use]
    pub fn request(&self) -> Request<Payload> {
        let signed = sign(self.entry, &self.key, self.draft());
        let mut signed = signed.expect("the scheme was asked before");
        self.spoil(&mut signed);
        self.join(signed)
    }

    /// The request with this id, event type and payload, signed.
    ///
    /// # Panics
    ///
    /// As [`request`](Self::request).
    #[must_use]
    pub fn delivery(self, id: &str, event_type: &str, body: impl Into<Bytes>) -> Request<Payload> {
        self.id(id).event_type(event_type).body(body).request()
    }

    fn draft(&self) -> Draft {
        let now = self.at.unwrap_or_else(|| SystemClock.unix_seconds());
        Draft {
            method: self.method.clone(),
            url: self.url.clone(),
            id: self.id.clone(),
            event_type: self.event_type.clone(),
            unix_seconds: now.saturating_add(self.ahead),
            body: self.body.to_vec(),
        }
    }

    fn join(&self, signed: Signed) -> Request<Payload> {
        let uri: Uri = signed.url.parse().expect("it was parsed before");
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::new(Payload::new(signed.body.into(), self.frame));
        *request.method_mut() = signed.method;
        // As on the wire: the path alone, and the host beside it.
        *request.uri_mut() = path.parse().expect("a part of a URL");
        let host = uri.host().unwrap_or_default();
        let headers = request.headers_mut();
        *headers = signed.headers;
        headers.insert(HOST, host.parse().expect("a host can stand in a header"));
        for name in self.headers.keys() {
            headers.remove(name);
            for value in self.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        request
    }
}
