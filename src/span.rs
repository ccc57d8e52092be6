//! The span of a request, by the conventions of OpenTelemetry for HTTP servers. Without the feature `tracing`
//! there is none, and all of this does nothing.

use http::{Request, StatusCode};

use crate::delivery::Delivery;
use crate::outcome::Outcome;

#[cfg(feature = "tracing")]
pub(crate) use self::on::RequestSpan;

/// No span.
#[cfg(not(feature = "tracing"))]
#[derive(Clone)]
pub(crate) struct RequestSpan;

#[cfg(not(feature = "tracing"))]
impl RequestSpan {
    pub(crate) fn open<B>(_: &Request<B>) -> Self {
        Self
    }

    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    pub(crate) fn verified(&self, _: &Delivery, _: Option<&str>, _: usize) {}

    pub(crate) fn ended(&self, _: Outcome, _: Option<StatusCode>) {}
}

#[cfg(feature = "tracing")]
mod on {
    use http::{Method, Version};
    use tracing::Span;
    use tracing::field::Empty;

    use super::{Delivery, Outcome, Request, StatusCode};
    use crate::delivery::DeliveryId;

    #[derive(Clone)]
    pub(crate) struct RequestSpan(Span);

    impl RequestSpan {
        // What is known of a stranger, for samplers: the method, and the path without its query.
        pub(crate) fn open<B>(req: &Request<B>) -> Self {
            let method = known(req.method());
            // The convention names a span of an unknown method so.
            let name = if method == OTHER { "HTTP" } else { method };
            Self(tracing::info_span!(
                "webhook",
                otel.name = name,
                otel.kind = "server",
                otel.status_code = Empty,
                http.request.method = method,
                http.route = Empty,
                http.request.body.size = Empty,
                http.response.status_code = Empty,
                network.protocol.version = version(req.version()),
                url.path = req.uri().path(),
                url.scheme = req.uri().scheme_str(),
                error.r#type = Empty,
                webhook.outcome = Empty,
                webhook.connection = Empty,
                webhook.event_type = Empty,
                webhook.delivery_id = Empty,
            ))
        }

        pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
            self.0.in_scope(work)
        }

        /// The delivery is authentic. Before that no text of the sender is worth a field.
        pub(crate) fn verified(&self, delivery: &Delivery, connection: Option<&str>, bytes: usize) {
            self.0.record("http.request.body.size", bytes as u64);
            if let Some(connection) = connection {
                self.0.record("webhook.connection", connection);
            }
            if let Some(event) = delivery.event_type.as_deref() {
                self.0.record("webhook.event_type", event);
            }
            if let DeliveryId::Signed(id) | DeliveryId::Unsigned(id) = &delivery.id {
                self.0.record("webhook.delivery_id", &**id);
            }
        }

        /// The request ended, with this answer, or with none because nobody was there.
        pub(crate) fn ended(&self, outcome: Outcome, status: Option<StatusCode>) {
            let label = outcome.label();
            self.0.record("webhook.outcome", label);
            if let Some(status) = status {
                self.0.record("http.response.status_code", status.as_u16());
            }
            // A refusal that blames the sender is no error of a server.
            if is_error(outcome, status) {
                self.0.record("error.type", label);
                self.0.record("otel.status_code", "ERROR");
            }
            tracing::info!(
                parent: &self.0,
                outcome = label,
                status = status.map(|status| status.as_u16()),
                "webhook answered"
            );
        }
    }

    const OTHER: &str = "_OTHER";

    /// The methods that the convention knows; any other name is a stranger's text.
    fn known(method: &Method) -> &'static str {
        match method.as_str() {
            "CONNECT" => "CONNECT",
            "DELETE" => "DELETE",
            "GET" => "GET",
            "HEAD" => "HEAD",
            "OPTIONS" => "OPTIONS",
            "PATCH" => "PATCH",
            "POST" => "POST",
            "PUT" => "PUT",
            "QUERY" => "QUERY",
            "TRACE" => "TRACE",
            _ => OTHER,
        }
    }

    fn version(version: Version) -> Option<&'static str> {
        Some(match version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_11 => "1.1",
            Version::HTTP_2 => "2",
            Version::HTTP_3 => "3",
            _ => return None,
        })
    }

    fn is_error(outcome: Outcome, status: Option<StatusCode>) -> bool {
        let of_outcome = match outcome {
            // A gRPC refusal is 200.
            Outcome::Rejected(why) => why.status().is_server_error(),
            // A service that gives an error, not an answer; or nobody was there to be answered.
            Outcome::HandlerError => status.is_none(),
            _ => false,
        };
        let is_aborted = status.is_none() && outcome == Outcome::aborted();
        of_outcome || is_aborted || status.is_some_and(|status| status.is_server_error())
    }
}
