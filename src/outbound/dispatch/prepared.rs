use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Uri;

use crate::outbound::OutboundError;
use crate::outbound::endpoint::{EndpointHeaders, EndpointId, EndpointRecord};
use crate::outbound::sender::Inner;
use crate::outbound::sign::Signer;

/// What an attempt needs of an endpoint, opened.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) url: Uri,
    pub(super) signer: Signer,
    pub(super) headers: EndpointHeaders,
}

/// Endpoints that were opened, by their versions: a secret that was rotated is another version.
#[derive(Debug, Default)]
pub(super) struct Opened(Mutex<HashMap<EndpointId, (i64, Arc<Prepared>)>>);

/// Most endpoints whose opened secrets are kept.
const MOST: usize = 10_000;

impl Opened {
    pub(super) fn get<S>(
        &self,
        inner: &Inner<S>,
        record: &EndpointRecord,
    ) -> Result<Arc<Prepared>, OutboundError> {
        let endpoint = &record.endpoint;
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = opened.get(&endpoint.id);
        if let Some((_, prepared)) = known.filter(|(version, _)| *version == endpoint.version) {
            return Ok(Arc::clone(prepared));
        }
        let confidential = inner.open(record)?;
        let url = endpoint
            .url
            .parse()
            .map_err(|_| OutboundError::UNREADABLE)?;
        let prepared = Arc::new(Prepared {
            url,
            signer: Signer::new(inner.schemes.clone(), &confidential.keys()?)?,
            headers: confidential.headers,
        });
        if opened.len() >= MOST {
            opened.clear();
        }
        let entry = (endpoint.version, Arc::clone(&prepared));
        opened.insert(endpoint.id.clone(), entry);
        Ok(prepared)
    }
}
