use super::EndpointHeaders;
use crate::outbound::sign::SigningKeys;
use crate::outbound::tenant::Tenant;

/// An endpoint that is to be made.
///
/// # Example
///
/// ```
/// use tower_webhook::outbound::endpoint::NewEndpoint;
///
/// let endpoint = NewEndpoint::new("https://example.com/hooks")
///     .tenant("shop-7")
///     .events(["order.*", "invoice.paid"]);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewEndpoint {
    pub(crate) tenant: Tenant,
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) events: Vec<String>,
    pub(crate) headers: EndpointHeaders,
    pub(crate) max_concurrent: Option<u32>,
    pub(crate) max_per_second: Option<u32>,
    pub(crate) keys: Option<SigningKeys>,
}

impl NewEndpoint {
    /// An endpoint that gets all events.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            tenant: Tenant::default(),
            url: url.into(),
            description: String::new(),
            events: vec!["*".into()],
            headers: EndpointHeaders::default(),
            max_concurrent: None,
            max_per_second: None,
            keys: None,
        }
    }

    /// Whose it is.
    pub fn tenant(mut self, tenant: impl Into<Tenant>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// What its owner calls it, 256 characters at most.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Only events of these types: `order.created`, `order.*`, `*`.
    pub fn events<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.events = patterns.into_iter().map(Into::into).collect();
        self
    }

    /// With these headers.
    pub fn headers(mut self, headers: EndpointHeaders) -> Self {
        self.headers = headers;
        self
    }

    /// At most so many deliveries at once from one process.
    pub fn max_concurrent(mut self, deliveries: u32) -> Self {
        self.max_concurrent = Some(deliveries);
        self
    }

    /// At most so many deliveries a second from one process.
    pub fn max_per_second(mut self, deliveries: u32) -> Self {
        self.max_per_second = Some(deliveries);
        self
    }

    /// With keys that its owner has already. Without, a new secret is made.
    pub fn keys(mut self, keys: SigningKeys) -> Self {
        self.keys = Some(keys);
        self
    }
}

/// What is to be changed of an endpoint; what is not named stays.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct EndpointPatch {
    /// Another URL.
    pub url: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Other event types.
    pub events: Option<Vec<String>>,
    /// Other headers, all of them.
    pub headers: Option<EndpointHeaders>,
    /// Another limit, or none of its own.
    pub max_concurrent: Option<Option<u32>>,
    /// Another limit, or none of its own.
    pub max_per_second: Option<Option<u32>>,
    /// Enables it, with its count of failures as it was, so that it begins with one delivery at a time; or disables it.
    pub enabled: Option<bool>,
}
