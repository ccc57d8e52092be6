//! What is done with endpoints.

use std::time::Duration;

use http::header::LOCATION;
use http::{HeaderValue, Response, StatusCode};

use super::answer::{AdminBody, Answer, json, tagged};
use super::call::{Call, page};
use super::problem::Problem;
use super::read;
use super::request::{ListQuery, NewEndpointBody, PatchBody, RotateBody, headers, limit};
use super::view::{EndpointView, SecretView, Time};
use crate::outbound::endpoint::{EndpointId, EndpointPatch, EndpointRecord, NewEndpoint};
use crate::outbound::sign::{KeyKind, SigningKey};
use crate::outbound::store::EndpointQuery;
use crate::outbound::{Created, OutboundError, OutboundErrorKind, OutboundStore};

impl<S: OutboundStore> Call<'_, S> {
    pub(super) async fn list(self) -> Answer {
        let asked: ListQuery = read::query(self.head.uri.query())?;
        let limit = limit(asked.limit)?;
        let after = asked.after.map(EndpointId::from);
        if let Some(after) = &after {
            // Another tenant's would tell when it was made.
            let owned = self.owned(after).await;
            owned.map_err(|problem| match problem.is_not_found() {
                true => Problem::PARAMETER.of("after", "is no endpoint"),
                false => problem,
            })?;
        }
        let query = EndpointQuery {
            tenant: Some(self.tenant.clone()),
            after,
            limit: limit + 1,
        };
        let records = self.sender.store().endpoints(&query).await;
        let records = records.map_err(OutboundError::from)?;
        let found = records.into_iter().map(|record| {
            let cursor = record.endpoint.id.as_str().to_owned();
            (cursor, self.view(record))
        });
        Ok(page(found.collect(), limit, "after", &[]))
    }

    pub(super) async fn create(self) -> Answer {
        let asked: NewEndpointBody = read::json(&self.body)?;
        let headers = headers(asked.headers)?;
        let names = headers.names().map(str::to_owned).collect();
        let mut new = NewEndpoint::new(asked.url)
            .tenant(self.tenant.clone())
            .description(asked.description)
            .events(asked.events)
            .headers(headers);
        new.max_concurrent = asked.max_concurrent;
        new.max_per_second = asked.max_per_second;
        let created = self.sender.endpoints().create(new).await?;
        let location = format!("{}/{}", self.at, created.endpoint.id);
        let mut response = with_secret(StatusCode::CREATED, created, Some(names));
        // Where the prefix was taken away nobody knows where this is.
        if !self.at.is_empty()
            && let Ok(location) = HeaderValue::try_from(location)
        {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    }

    pub(super) async fn get(self) -> Answer {
        let record = self.endpoint().await?;
        let version = record.endpoint.version;
        Ok(tagged(json(StatusCode::OK, &self.view(record)), version))
    }

    pub(super) async fn update(self) -> Answer {
        let record = self.endpoint().await?;
        let id = record.endpoint.id.clone();
        let is_seen = self.precondition(&record)?;
        let asked: PatchBody = read::json(&self.body)?;
        let headers = asked.headers.map(headers).transpose()?;
        let names = headers.as_ref().map(|headers| headers.names());
        let names = names.map(|names| names.map(str::to_owned).collect());
        let patch = EndpointPatch {
            url: asked.url,
            description: asked.description,
            events: asked.events,
            headers,
            max_concurrent: asked.max_concurrent,
            max_per_second: asked.max_per_second,
            enabled: asked.enabled,
        };
        let names = names.or_else(|| self.header_names(&record));
        let endpoints = self.sender.endpoints();
        let version = record.endpoint.version;
        let endpoint = if is_seen {
            let updated = endpoints.update_version(&id, version, patch).await;
            updated.map_err(|err| match err.kind() {
                OutboundErrorKind::Conflict => Problem::CHANGED,
                _ => err.into(),
            })?
        } else {
            endpoints.update(&id, patch).await?
        };
        let version = endpoint.version;
        let view = EndpointView::new(endpoint, names);
        Ok(tagged(json(StatusCode::OK, &view), version))
    }

    pub(super) async fn delete(self) -> Answer {
        let record = self.endpoint().await?;
        self.precondition(&record)?;
        self.sender.endpoints().delete(&record.endpoint.id).await?;
        let mut response = Response::new(AdminBody::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    pub(super) async fn rotate(self) -> Answer {
        let record = self.endpoint().await?;
        self.precondition(&record)?;
        let asked: RotateBody = read::json_or_nothing(&self.body)?;
        let grace = Duration::from_secs(asked.grace_seconds);
        let names = self.header_names(&record);
        let endpoints = self.sender.endpoints();
        let rotated = endpoints.rotate(&record.endpoint.id, grace).await;
        let rotated = rotated.map_err(|err| match err.field() {
            Some("grace") => Problem::INVALID.of("grace_seconds", "must be 604800 at most"),
            _ => err.into(),
        })?;
        Ok(with_secret(StatusCode::OK, rotated, names))
    }

    /// Whether the request says which version it was made for; refuses it when it is another one.
    fn precondition(&self, record: &EndpointRecord) -> Result<bool, Problem> {
        match read::is_seen(&self.head.headers, record.endpoint.version) {
            Some(false) => Err(Problem::CHANGED),
            seen => Ok(seen.is_some()),
        }
    }

    fn view(&self, record: EndpointRecord) -> EndpointView {
        let names = self.header_names(&record);
        EndpointView::new(record.endpoint, names)
    }

    /// `None` when they cannot be opened: the list is told all the same.
    fn header_names(&self, record: &EndpointRecord) -> Option<Vec<String>> {
        let confidential = self.sender.0.open(record).ok()?;
        Some(confidential.headers.names().map(str::to_owned).collect())
    }
}

fn with_secret(
    status: StatusCode,
    created: Created,
    names: Option<Vec<String>>,
) -> Response<AdminBody> {
    let version = created.endpoint.version;
    let grace_ends = created.keys.grace_ends();
    let secret = created.keys.current(KeyKind::Hmac);
    let view = SecretView {
        endpoint: EndpointView::new(created.endpoint, names),
        secret: secret.map(SigningKey::reveal),
        previous_secret_until: grace_ends.map(|seconds| Time(seconds.saturating_mul(1000))),
    };
    tagged(json(status, &view), version)
}
