//! Amazon Simple Notification Service: RSA over some fields of the body.

mod message;

use std::fmt;
use std::sync::Arc;

use ::http::HeaderName;
use ::http::request::Parts;

use self::message::Message;
use super::head::{maybe, seconds};
use super::keys::{Algorithm, find};
use super::profile::Facts;
use super::recipe::Unit;
use super::x509::{signature, split_url};
use super::{AuthError, AuthErrorKind, Claims, KeySource, Pass, Profile, Scheme, Shape};
use crate::delivery::{Delivery, DeliveryId};
use crate::time::{Clock, SystemClock};

const TYPE: HeaderName = HeaderName::from_static("x-amz-sns-message-type");
const ID: HeaderName = HeaderName::from_static("x-amz-sns-message-id");

/// [AWS SNS](https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html): RSA
/// over fields of the body, with SHA-1 (`SignatureVersion` 1) or SHA-256 (2).
///
/// The certificate must lie at `https://sns.<region>.amazonaws.com[.cn]/….pem`, and is asked for by
/// its URL. A `SubscriptionConfirmation` is an event like others: confirm it by calling its
/// `SubscribeURL` yourself, after comparing the host.
///
/// # Deployment caveat
///
/// Signed are `Message`, `MessageId`, `Subject`, `SubscribeURL`, `Timestamp`, `Token`, `TopicArn`
/// and `Type`. Everything else, `UnsubscribeURL` and `MessageAttributes` too, may have been changed.
/// Raw message delivery signs nothing and is refused.
///
/// # Example
///
/// ```
/// use tower_webhook::scheme::{PinnedKeys, SnsScheme, VerifyingKey};
///
/// # fn example(pem: &str) -> Result<(), tower_webhook::config::ConfigError> {
/// let keys = PinnedKeys::one(VerifyingKey::certificate_pem(pem)?);
/// let scheme = SnsScheme::for_topic(keys, "arn:aws:sns:us-east-1:123456789012:orders");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct SnsScheme {
    keys: Arc<dyn KeySource>,
    // `None`: any topic.
    topics: Option<Arc<Vec<Box<str>>>>,
    sha1: bool,
    profile: Arc<Profile>,
    clock: Arc<dyn Clock>,
}

impl SnsScheme {
    /// Accepts messages of the topic `arn` only.
    pub fn for_topic(keys: impl KeySource, arn: &str) -> Self {
        Self::new(keys, Some(vec![arn.into()]))
    }

    /// Accepts messages of any topic of any AWS account: anybody can have SNS sign what they like.
    pub fn dangerous_any_topic(keys: impl KeySource) -> Self {
        Self::new(keys, None)
    }

    /// Accepts messages of the topic `arn` too.
    pub fn or_topic(mut self, arn: &str) -> Self {
        if let Some(topics) = &mut self.topics {
            Arc::make_mut(topics).push(arn.into());
        }
        self
    }

    /// Refuses signatures with SHA-1, which topics make until their `SignatureVersion` is set to 2.
    pub fn sha256_only(mut self) -> Self {
        self.sha1 = false;
        self
    }

    /// Sets the clock that judges when certificates end.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    fn new(keys: impl KeySource, topics: Option<Vec<Box<str>>>) -> Self {
        let mut facts = Facts::new(Shape::Object);
        facts.signs_time = true;
        facts.signs_body = false; // only the fields that are named above
        facts.any_media_type = true; // SNS labels its JSON `text/plain`
        Self {
            keys: Arc::new(keys),
            topics: topics.map(Arc::new),
            sha1: true,
            profile: Arc::new(Profile::of(facts)),
            clock: Arc::new(SystemClock),
        }
    }
}

impl Scheme for SnsScheme {
    type Pass = SnsPass;

    fn begin(&self, head: &Parts) -> Result<SnsPass, AuthError> {
        Ok(SnsPass {
            event_type: maybe(&head.headers, &[TYPE])?,
            id: maybe(&head.headers, &[ID])?,
            scheme: self.clone(),
        })
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }
}

impl fmt::Debug for SnsScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnsScheme").finish_non_exhaustive()
    }
}

/// One verification by an [`SnsScheme`]. Which key is needed stands in the body.
pub struct SnsPass {
    event_type: Option<Box<str>>,
    id: Option<Box<str>>,
    scheme: SnsScheme,
}

impl SnsPass {
    fn algorithm(&self, version: &str) -> Result<Algorithm, AuthError> {
        match version {
            "1" if self.scheme.sha1 => Ok(Algorithm::RsaSha1),
            "2" => Ok(Algorithm::RsaSha256),
            _ => Err(AuthErrorKind::UnsupportedVersion.into()),
        }
    }
}

impl Pass for SnsPass {
    fn update(&mut self, _chunk: &[u8]) {
        // What is signed stands in fields that must be found and decoded first.
    }

    fn finish(self, body: &[u8]) -> Result<Claims, AuthError> {
        let malformed = AuthErrorKind::MalformedBody;
        let message = Message::parse(body).ok_or(malformed)?;
        let agrees = |header: &Option<Box<str>>, field: &str| {
            header.as_deref().is_none_or(|header| header == field)
        };
        if !agrees(&self.event_type, &message.event_type) || !agrees(&self.id, &message.id) {
            return Err(AuthErrorKind::MalformedHeader.into());
        }
        let algorithm = self.algorithm(&message.version)?;
        let timestamp = seconds(&message.timestamp, Unit::Rfc3339)?;
        let signature = signature(&message.signature, malformed)?;
        let content = message.content().ok_or(malformed)?;
        trust(&message.certificate)?;
        let Self { scheme, .. } = self;
        let key = find(&*scheme.keys, &*scheme.clock, &message.certificate)?;
        key.verify(algorithm, content.as_bytes(), &signature)?;
        let ours =
            |topics: &Arc<Vec<Box<str>>>| topics.iter().any(|topic| **topic == *message.topic);
        if !scheme.topics.as_ref().is_none_or(ours) {
            return Err(AuthErrorKind::OtherTopic.into());
        }
        let mut delivery = Delivery::new(DeliveryId::Signed(message.id.into()), 0);
        delivery.timestamp = Some(timestamp);
        delivery.event_type = Some(message.event_type.into());
        delivery.event_type_signed = true;
        Ok(Claims::Delivery(delivery))
    }
}

/// `^sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?$`, as in AWS's own validators, and `….pem`.
fn trust(url: &str) -> Result<(), AuthError> {
    let (host, path) = split_url(url)?;
    let region = host.strip_prefix("sns.").and_then(|rest| {
        let rest = rest.strip_suffix(".cn").unwrap_or(rest);
        rest.strip_suffix(".amazonaws.com")
    });
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_region = |region: &str| region.len() >= 3 && region.bytes().all(plain);
    if region.is_some_and(is_region) && path.ends_with(".pem") {
        Ok(())
    } else {
        Err(AuthErrorKind::UntrustedKeyUrl.into())
    }
}

impl fmt::Debug for SnsPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnsPass").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::trust;

    #[test]
    fn certificates_lie_at_sns() {
        for url in [
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0a.pem",
        ] {
            assert!(trust(url).is_ok(), "{url}");
        }
        for url in [
            "https://sns.us-east-1.amazonaws.com/a.pem.txt",
            "https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
            "https://sns.us-east-1.amazonaws.com.cn.cn/a.pem",
            "https://sns.us-east-1.evil.example/a.pem",
            "https://sns.us.amazonaws.com/a.pem", // two letters
            "https://sns..amazonaws.com/a.pem",
            "https://sns.a.b.c.amazonaws.com/a.pem",
            "https://s3.us-east-1.amazonaws.com/a.pem",
            "https://evil-sns.us-east-1.amazonaws.com/a.pem",
            "http://sns.us-east-1.amazonaws.com/a.pem",
        ] {
            assert!(trust(url).is_err(), "{url}");
        }
    }
}
