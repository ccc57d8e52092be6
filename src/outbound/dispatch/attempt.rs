//! One attempt.

use std::error::Error as StdError;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request};
use tokio::time::{Instant, timeout};

use super::prepared::Prepared;
use super::run::Run;
use crate::BoxError;
use crate::outbound::DeliveryBody;
use crate::outbound::client::{Answer, AnswerLimits, read_answer};
use crate::outbound::event::TEST_EVENT;
use crate::outbound::failure::Failure;
use crate::outbound::policy::{Ended, Verdict};
use crate::outbound::random;
use crate::outbound::sender::millis;
use crate::outbound::sign::Message;
use crate::outbound::store::{
    Attempt, AttemptError, ClaimedDelivery, HealthEffect, Next, OutboundStore, Settlement,
};

const API_VERSION: HeaderName = HeaderName::from_static("webhook-api-version");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tower-webhook/", env!("CARGO_PKG_VERSION")));

/// The longest that an answer may ask to be left alone for; a schedule may wait longer by itself.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// How long a delivery waits whose endpoint cannot be opened: for the right key, which a restart brings.
const UNREADABLE: Duration = Duration::from_secs(60);

/// An attempt that ended, and what it means.
pub(super) struct Done {
    pub(super) settlement: Settlement,
    pub(super) verdict: Verdict,
}

impl<S: OutboundStore> Run<S> {
    /// Makes an attempt at a delivery.
    pub(super) async fn attempt(&self, claimed: &ClaimedDelivery) -> Done {
        let inner = &*self.sender.0;
        let mut attempt = Attempt::new(claimed.held, inner.now());
        let Ok(prepared) = self.opened.get(inner, &claimed.endpoint) else {
            return self.unreadable(claimed, attempt);
        };
        let began = Instant::now();
        let result = match self.request(claimed, &prepared, attempt.at) {
            Ok(request) => self.send(request).await,
            Err(failed) => Err(failed),
        };
        attempt.took = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        let at = inner.now();
        let mut ended = Ended {
            status: None,
            failure: None,
            retry_after: None,
            event_type: &claimed.event.event_type,
            failed: claimed.failed,
        };
        match result {
            Ok(answer) => {
                attempt.status = Some(answer.status.as_u16());
                ended.status = Some(answer.status);
                ended.retry_after = answer.retry_after;
                attempt.response = answer.body;
            }
            Err((failure, message)) => {
                ended.failure = Some(failure);
                attempt.error = Some(AttemptError::new(failure.code(), message));
            }
        }
        let verdict = match ended.failure {
            // It can never be sent there: the address is none that the policy allows.
            Some(Failure::EgressDenied) => Verdict::GiveUp,
            _ => inner.responses.classify(&ended),
        };
        let next = self.next(claimed, &ended, verdict, at);
        let health = match verdict {
            _ if claimed.manual => HealthEffect::None,
            Verdict::Delivered => HealthEffect::Success,
            _ => HealthEffect::Failure,
        };
        let endpoint = claimed.endpoint.endpoint.id.clone();
        let settlement = Settlement::new(attempt, endpoint, next, health, at);
        Done {
            settlement,
            verdict,
        }
    }

    fn unreadable(&self, claimed: &ClaimedDelivery, attempt: Attempt) -> Done {
        let endpoint = claimed.endpoint.endpoint.id.clone();
        let at = attempt.at;
        let due_at = at.saturating_add(millis(UNREADABLE));
        let next = Next::Released { due_at };
        Done {
            settlement: Settlement::new(attempt, endpoint, next, HealthEffect::None, at),
            verdict: Verdict::Retry,
        }
    }

    fn next(
        &self,
        claimed: &ClaimedDelivery,
        ended: &Ended<'_>,
        verdict: Verdict,
        at: i64,
    ) -> Next {
        let inner = &*self.sender.0;
        let wait = match verdict {
            Verdict::Delivered => return Next::Delivered,
            Verdict::GiveUp | Verdict::Disable => return Next::Dead { reason: "refused" },
            // A test asks how it goes now.
            _ if claimed.event.event_type == TEST_EVENT => None,
            Verdict::Retry | Verdict::Throttle => {
                let failed = claimed.failed.saturating_add(1);
                inner.schedule.wait(failed, random::fraction())
            }
        };
        let Some(wait) = wait else {
            let reason = "exhausted";
            return Next::Dead { reason };
        };
        let asked = ended.retry_after.unwrap_or_default();
        let wait = wait.max(asked.min(LONGEST_RETRY_AFTER));
        let due_at = at.saturating_add(millis(wait));
        Next::Retry { due_at }
    }

    fn request(
        &self,
        claimed: &ClaimedDelivery,
        prepared: &Prepared,
        at: i64,
    ) -> Result<Request<DeliveryBody>, (Failure, String)> {
        let inner = &*self.sender.0;
        let event = &claimed.event;
        let denied = |err| (Failure::EgressDenied, format!("{err}"));
        inner.egress.check_url(&prepared.url).map_err(denied)?;
        let mut request = Request::new(DeliveryBody::from(event.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = prepared.url.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, AGENT);
        prepared.headers.write(headers);
        let written = HeaderValue::from_str(&event.content_type);
        headers.insert(CONTENT_TYPE, written.map_err(unwritable)?);
        if let Some(version) = &event.api_version {
            let version = HeaderValue::from_str(version);
            headers.insert(API_VERSION, version.map_err(unwritable)?);
        }
        let message = Message {
            id: event.id.as_str(),
            unix_seconds: at.div_euclid(1000),
            event_type: Some(&event.event_type),
            body: &event.body,
        };
        prepared
            .signer
            .sign(&message, headers)
            .map_err(unwritable)?;
        Ok(request)
    }

    async fn send(&self, request: Request<DeliveryBody>) -> Result<Answer, (Failure, String)> {
        let inner = &*self.sender.0;
        let exchange = async {
            let answer = inner.client.send(request).await?;
            let now = inner.now().div_euclid(1000);
            Ok::<_, BoxError>(read_answer(answer, AnswerLimits::new(), now).await)
        };
        match timeout(inner.timeout, exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(err)) => Err((Failure::of(&*err), words(&*err))),
            Err(_) => Err((Failure::Timeout, "no answer in time".to_owned())),
        }
    }
}

fn unwritable(err: impl StdError) -> (Failure, String) {
    (Failure::Other, err.to_string())
}

/// The whole chain of an error, in one line that is not too long.
fn words(err: &(dyn StdError + 'static)) -> String {
    let mut words = err.to_string();
    let mut source = err.source();
    while let Some(err) = source {
        words = format!("{words}: {err}");
        source = err.source();
    }
    // Whose client it is may say anything; one that reads logs takes a line for an entry.
    let plain = |char: char| if char.is_control() { ' ' } else { char };
    words.chars().take(512).map(plain).collect()
}
