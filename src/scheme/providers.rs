//! One entry a provider.

use std::time::Duration;

use super::hmac::{HmacScheme, Part};
use super::signature::{Encoding, Layout};
use super::{Profile, Shape};
use crate::secret::Secret;

impl HmacScheme {
    /// [GitHub](https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries):
    /// `X-Hub-Signature-256` over the body. Id and event type are not signed.
    pub fn github(secret: Secret) -> Self {
        Self::sha256(secret)
            .signature_hex("x-hub-signature-256", "sha256=")
            .delivery_id("x-github-delivery")
            .event_type("x-github-event")
    }

    /// [Stripe](https://docs.stripe.com/webhooks): `t` and `v1` of `Stripe-Signature`. The key is
    /// the whole text of the secret, `whsec_` included.
    pub fn stripe(secret: Secret) -> Self {
        let layout = Layout::Pairs { version: "v1" };
        Self::sha256(secret)
            .signature("stripe-signature", layout, Encoding::Hex)
            .signed_content([Part::Timestamp, Part::Literal("."), Part::Body])
            .profile(
                Profile::new(Shape::Object)
                    .with_id(&["id"])
                    .with_event_type(&["type"]),
            )
    }

    /// [Standard Webhooks](https://www.standardwebhooks.com), symmetric `v1`. Id and time are
    /// signed. See [`Secret::standard_webhooks`].
    pub fn standard_webhooks(secret: Secret) -> Self {
        const DOT: Part = Part::Literal(".");
        let layout = Layout::List { version: "v1" };
        Self::sha256(secret)
            .signature("webhook-signature", layout, Encoding::Base64)
            .signed_content([Part::Id, DOT, Part::Timestamp, DOT, Part::Body])
            .delivery_id("webhook-id")
            .timestamp("webhook-timestamp")
            .profile(
                // `type` is recommended, not demanded; the reference SDKs allow 5 min both ways.
                Profile::new(Shape::Object)
                    .with_event_type(&["type"])
                    .with_optional_fields()
                    .with_future_skew(Duration::from_secs(300)),
            )
    }

    /// [Slack](https://docs.slack.dev/authentication/verifying-requests-from-slack): `v0`.
    pub fn slack(secret: Secret) -> Self {
        let parts = [
            Part::Literal("v0:"),
            Part::Timestamp,
            Part::Literal(":"),
            Part::Body,
        ];
        Self::sha256(secret)
            .signature_hex("x-slack-signature", "v0=")
            .signed_content(parts)
            .timestamp("x-slack-request-timestamp")
            .profile(
                // Commands and interactions are forms and carry no event; the SDKs allow 5 min both
                // ways.
                Profile::new(Shape::ObjectOrForm)
                    .with_id(&["event_id"])
                    .with_event_type(&["event", "type"])
                    .with_optional_fields()
                    .with_future_skew(Duration::from_secs(300)),
            )
    }

    /// [Shopify](https://shopify.dev/docs/apps/build/webhooks): base64 over the body. Id, topic and
    /// time are not signed.
    pub fn shopify(secret: Secret) -> Self {
        Self::sha256(secret)
            .signature_base64("x-shopify-hmac-sha256", "")
            .delivery_id("x-shopify-webhook-id")
            .event_type("x-shopify-topic")
    }
}
