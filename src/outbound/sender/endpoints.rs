use std::time::Duration;

use super::Sender;
use super::inner::millis;
use crate::event::EventPatterns;
use crate::outbound::OutboundError;
use crate::outbound::endpoint::{
    Confidential, Endpoint, EndpointHeaders, EndpointId, EndpointPatch, EndpointRecord,
    EndpointState, Health, NewEndpoint,
};
use crate::outbound::sign::{Signer, SigningKey, SigningKeys};
use crate::outbound::store::{EndpointQuery, OutboundStore};

/// The endpoints of a sender.
#[derive(Debug)]
pub struct Endpoints<'s, S>(&'s Sender<S>);

/// An endpoint that was made, or whose secret was, with the secret: it is told this once.
#[derive(Debug)]
#[non_exhaustive]
pub struct Created {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// What its receiver verifies with.
    pub keys: SigningKeys,
}

/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 256;
/// Most event types that an endpoint may name.
const MAX_EVENTS: usize = 100;
/// How long both secrets sign after a rotation, at most: a week.
const MAX_GRACE: Duration = Duration::from_secs(7 * 86_400);

impl<'s, S: OutboundStore> Endpoints<'s, S> {
    pub(super) fn new(sender: &'s Sender<S>) -> Self {
        Self(sender)
    }

    /// Makes an endpoint, with a new secret unless it has keys.
    ///
    /// # Errors
    ///
    /// Returns an error that names the field when the URL is not allowed by the sender's
    /// [`Egress`](crate::outbound::egress::Egress), when a pattern is none or means no event of the sender's
    /// [`catalogue`](crate::outbound::SenderBuilder::catalogue), and when a limit is 0.
    pub async fn create(&self, new: NewEndpoint) -> Result<Created, OutboundError> {
        let sender = &self.0.0;
        let now = sender.now();
        let keys = new.keys;
        let keys = keys.unwrap_or_else(|| SigningKeys::new(SigningKey::generate()));
        let endpoint = Endpoint {
            id: EndpointId::unique(),
            tenant: new.tenant,
            url: new.url,
            description: new.description,
            events: new.events,
            max_concurrent: new.max_concurrent,
            max_per_second: new.max_per_second,
            state: EndpointState::Active,
            health: Health::default(),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        self.check(&endpoint)?;
        self.check_events(&endpoint)?;
        // Keys that the schemes cannot sign with would fail on every attempt.
        Signer::new(sender.schemes.clone(), &keys)?;
        let sealed = self.seal(&endpoint.id, &keys, new.headers);
        let record = EndpointRecord::new(endpoint, sealed);
        if !sender.store.insert_endpoint(&record).await? {
            return Err(OutboundError::CONFLICT);
        }
        let endpoint = record.endpoint;
        Ok(Created { endpoint, keys })
    }

    /// An endpoint.
    ///
    /// # Errors
    ///
    /// Returns an error when there is none with this id.
    pub async fn get(&self, id: &EndpointId) -> Result<Endpoint, OutboundError> {
        Ok(self.record(id).await?.endpoint)
    }

    /// The endpoints that are asked for, the oldest first.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be asked.
    pub async fn list(&self, query: &EndpointQuery) -> Result<Vec<Endpoint>, OutboundError> {
        let records = self.0.0.store.endpoints(query).await?;
        Ok(records.into_iter().map(|record| record.endpoint).collect())
    }

    /// The names of the headers that an endpoint wants.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and when its secrets cannot be opened.
    pub async fn header_names(&self, id: &EndpointId) -> Result<Vec<String>, OutboundError> {
        let record = self.record(id).await?;
        let headers = self.0.0.open(&record)?.headers;
        Ok(headers.names().map(str::to_owned).collect())
    }

    /// Changes an endpoint.
    ///
    /// An endpoint that is disabled has its pending deliveries made dead letters. One that is enabled keeps its count of
    /// failures, so that it begins with one delivery at a time and has to prove itself.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create) and [`get`](Self::get), and a conflict when it was changed at the same time.
    pub async fn update(
        &self,
        id: &EndpointId,
        patch: EndpointPatch,
    ) -> Result<Endpoint, OutboundError> {
        self.change(id, None, patch).await
    }

    /// Changes an endpoint that is still of this version, which whoever changes it has seen.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update), and a conflict when it is of another version.
    pub async fn update_version(
        &self,
        id: &EndpointId,
        version: i64,
        patch: EndpointPatch,
    ) -> Result<Endpoint, OutboundError> {
        self.change(id, Some(version), patch).await
    }

    async fn change(
        &self,
        id: &EndpointId,
        version: Option<i64>,
        patch: EndpointPatch,
    ) -> Result<Endpoint, OutboundError> {
        let mut record = self.record(id).await?;
        if version.is_some_and(|version| version != record.endpoint.version) {
            return Err(OutboundError::CONFLICT);
        }
        if let Some(headers) = patch.headers {
            let keys = self.0.0.open(&record)?.keys()?;
            record.sealed = self.seal(id, &keys, headers);
        }
        let endpoint = &mut record.endpoint;
        let set = |field: &mut String, text: Option<String>| {
            if let Some(text) = text {
                *field = text;
            }
        };
        set(&mut endpoint.url, patch.url);
        set(&mut endpoint.description, patch.description);
        let asks_for_others = patch.events.is_some();
        endpoint.events = patch.events.unwrap_or(std::mem::take(&mut endpoint.events));
        endpoint.max_concurrent = patch.max_concurrent.unwrap_or(endpoint.max_concurrent);
        endpoint.max_per_second = patch.max_per_second.unwrap_or(endpoint.max_per_second);
        match patch.enabled {
            Some(true) => endpoint.state = EndpointState::Active,
            Some(false) if endpoint.state.is_active() => {
                let reason = "asked".to_owned();
                endpoint.state = EndpointState::Disabled { reason };
            }
            _ => {}
        }
        self.check(endpoint)?;
        if asks_for_others {
            self.check_events(endpoint)?;
        }
        self.replace(record).await
    }

    /// Forgets an endpoint with its deliveries and their attempts.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn delete(&self, id: &EndpointId) -> Result<(), OutboundError> {
        let is_gone = self.0.0.store.delete_endpoint(id).await?;
        is_gone.then_some(()).ok_or(OutboundError::NOT_FOUND)
    }

    /// Gives an endpoint a new secret; for `grace`, 24 h usually and a week at most, the old one signs too.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update), and an error that names `grace` when it is too long.
    pub async fn rotate(&self, id: &EndpointId, grace: Duration) -> Result<Created, OutboundError> {
        if grace > MAX_GRACE {
            return Err(OutboundError::invalid("grace", "is longer than 7 days"));
        }
        let mut record = self.record(id).await?;
        let confidential = self.0.0.open(&record)?;
        let now = self.0.0.now();
        let until = now.saturating_add(millis(grace)).div_euclid(1000);
        let keys = confidential.keys()?.without_ended(now.div_euclid(1000));
        let keys = keys.rotated(SigningKey::generate(), until);
        record.sealed = self.seal(id, &keys, confidential.headers);
        let endpoint = self.replace(record).await?;
        Ok(Created { endpoint, keys })
    }

    async fn record(&self, id: &EndpointId) -> Result<EndpointRecord, OutboundError> {
        let record = self.0.0.store.endpoint(id).await?;
        record.ok_or(OutboundError::NOT_FOUND)
    }

    async fn replace(&self, mut record: EndpointRecord) -> Result<Endpoint, OutboundError> {
        let (now, version) = (self.0.0.now(), record.endpoint.version);
        record.endpoint.updated_at = now;
        if !self
            .0
            .0
            .store
            .update_endpoint(&record, version, now)
            .await?
        {
            return Err(OutboundError::CONFLICT);
        }
        record.endpoint.version = version + 1;
        self.0.wake();
        Ok(record.endpoint)
    }

    fn seal(&self, id: &EndpointId, keys: &SigningKeys, headers: EndpointHeaders) -> Vec<u8> {
        let confidential = Confidential::new(keys, headers);
        self.0.0.key.seal(&confidential.to_bytes(), id.as_str())
    }

    /// Not asked of what an endpoint wants already: it can be disabled when the catalogue has become smaller.
    fn check_events(&self, endpoint: &Endpoint) -> Result<(), OutboundError> {
        let patterns = endpoint.events.iter().map(String::as_str);
        match &self.0.0.catalogue {
            Some(catalogue) if !catalogue.means_all(patterns) => Err(OutboundError::invalid(
                "events",
                "must each mean an event of the catalogue",
            )),
            _ => Ok(()),
        }
    }

    fn check(&self, endpoint: &Endpoint) -> Result<(), OutboundError> {
        let refuse = |field, reason| Err(OutboundError::invalid(field, reason));
        let url = endpoint.url.parse::<http::Uri>();
        let url = url.map_err(|_| OutboundError::invalid("url", "is no URL"))?;
        if self.0.0.egress.check_url(&url).is_err() {
            return refuse("url", "is nowhere that deliveries may be sent to");
        }
        if endpoint.description.chars().count() > MAX_DESCRIPTION {
            return refuse("description", "is longer than 256 characters");
        }
        if endpoint.events.is_empty() || endpoint.events.len() > MAX_EVENTS {
            return refuse("events", "must be 1 to 100 event types");
        }
        let _ = EventPatterns::parse(endpoint.events.iter().map(String::as_str))?;
        if endpoint.max_concurrent == Some(0) {
            return refuse("max_concurrent", "must let something through");
        }
        if endpoint.max_per_second == Some(0) {
            return refuse("max_per_second", "must let something through");
        }
        Ok(())
    }
}
