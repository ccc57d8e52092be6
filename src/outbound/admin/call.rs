use std::sync::OnceLock;

use bytes::Bytes;
use http::header::LINK;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::answer::{AdminBody, Answer, json, written};
use super::document;
use super::problem::Problem;
use super::routes::Action;
use super::view::{EventTypesView, Page};
use crate::outbound::endpoint::{EndpointId, EndpointRecord};
use crate::outbound::{OutboundError, OutboundStore, Sender, Tenant};

/// A request that was understood as far as its path.
pub(super) struct Call<'a, S> {
    pub(super) sender: &'a Sender<S>,
    pub(super) tenant: Tenant,
    pub(super) at: &'a str,
    pub(super) document: &'a OnceLock<Bytes>,
    /// Those of the path, in their order.
    pub(super) parameters: Vec<String>,
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

impl<S: OutboundStore> Call<'_, S> {
    pub(super) async fn run(self, action: Action) -> Answer {
        match action {
            Action::List => self.list().await,
            Action::Create => self.create().await,
            Action::Get => self.get().await,
            Action::Update => self.update().await,
            Action::Delete => self.delete().await,
            Action::Deliveries => self.deliveries().await,
            Action::DeadLetters => self.dead_letters().await,
            Action::Retry => self.retry().await,
            Action::Replay => self.replay().await,
            Action::Rotate => self.rotate().await,
            Action::Test => self.test().await,
            Action::EventTypes => Ok(self.event_types()),
            Action::OpenApi => Ok(self.openapi()),
        }
    }

    /// The endpoint of the path, if it is the tenant's: another's is the same as none.
    pub(super) async fn endpoint(&self) -> Result<EndpointRecord, Problem> {
        let id = self.parameters.first().cloned().unwrap_or_default();
        self.owned(&EndpointId::from(id)).await
    }

    /// As [`endpoint`](Self::endpoint), and it gets deliveries.
    pub(super) async fn active_endpoint(&self) -> Result<EndpointId, Problem> {
        let endpoint = self.endpoint().await?.endpoint;
        match endpoint.state.is_active() {
            true => Ok(endpoint.id),
            false => Err(Problem::DISABLED),
        }
    }

    pub(super) async fn owned(&self, id: &EndpointId) -> Result<EndpointRecord, Problem> {
        let record = self.sender.store().endpoint(id).await;
        let record = record.map_err(OutboundError::from)?;
        let owned = record.filter(|record| record.endpoint.tenant == self.tenant);
        owned.ok_or(Problem::NOT_FOUND)
    }

    fn event_types(&self) -> Response<AdminBody> {
        let entries = self.sender.catalogue().into_iter();
        let entries = entries.flat_map(|catalogue| catalogue.entries());
        let data = entries.map(Into::into).collect();
        json(StatusCode::OK, &EventTypesView { data })
    }

    fn openapi(&self) -> Response<AdminBody> {
        let write = || document::write(self.sender.catalogue(), self.at).into();
        let document = self.document.get_or_init(write).clone();
        written(StatusCode::OK, "application/json", document)
    }
}

/// A page of a list, of what was found for one more than its `limit`. The cursor of its last item asks for the next page
/// as the parameter `name`, beside those of `query`.
pub(super) fn page<T: Serialize>(
    mut found: Vec<(String, T)>,
    limit: u32,
    name: &str,
    query: &[(&str, &str)],
) -> Response<AdminBody> {
    let is_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| is_more);
    let next = next.map(|(cursor, _)| cursor.clone());
    let link = next.as_ref().map(|next| {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("limit", &limit.to_string());
        let pairs = pairs.extend_pairs(query).append_pair(name, next).finish();
        format!("<?{pairs}>; rel=\"next\"")
    });
    let data = found.into_iter().map(|(_, item)| item).collect();
    let mut response = json(StatusCode::OK, &Page { data, next });
    // Relative to the page itself, wherever it is mounted.
    if let Some(link) = link.and_then(|link| HeaderValue::try_from(link).ok()) {
        response.headers_mut().insert(LINK, link);
    }
    response
}
