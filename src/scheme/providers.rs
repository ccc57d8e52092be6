//! One constructor a provider, beside its entry in the catalog.

use super::catalog as recipes;
use super::greeting::Greeting;
use super::{HmacScheme, PublicUrl};
use crate::secret::Secret;

impl HmacScheme {
    /// [GitHub](https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries):
    /// `X-Hub-Signature-256` over the body. Id and event type are not signed.
    pub fn github(secret: Secret) -> Self {
        Self::of(&recipes::GITHUB, secret)
    }

    /// GitHub's old `X-Hub-Signature`, HMAC-SHA1. Only for servers that send no other.
    pub fn github_sha1_legacy(secret: Secret) -> Self {
        Self::of(&recipes::GITHUB_SHA1, secret)
    }

    /// [GitLab](https://docs.gitlab.com/user/project/integrations/webhooks/) with a signing token,
    /// which is a Standard Webhooks secret. Id and time are signed.
    pub fn gitlab(secret: Secret) -> Self {
        Self::of(&recipes::GITLAB_SIGNING, secret)
    }

    /// [Bitbucket](https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/), Cloud and Data
    /// Center: `X-Hub-Signature`, which here is SHA-256.
    pub fn bitbucket(secret: Secret) -> Self {
        Self::of(&recipes::BITBUCKET, secret)
    }

    /// [Linear](https://linear.app/developers/webhooks): the time is the body's `webhookTimestamp`.
    pub fn linear(secret: Secret) -> Self {
        Self::of(&recipes::LINEAR, secret)
    }

    /// [Sentry](https://docs.sentry.io/organization/integrations/integration-platform/webhooks/).
    pub fn sentry(secret: Secret) -> Self {
        Self::of(&recipes::SENTRY, secret)
    }

    /// [Vercel](https://vercel.com/docs/webhooks/webhooks-api): HMAC-SHA1.
    pub fn vercel(secret: Secret) -> Self {
        Self::of(&recipes::VERCEL, secret)
    }

    /// [Notion](https://developers.notion.com/reference/webhooks), keyed with the verification token.
    pub fn notion(secret: Secret) -> Self {
        Self::of(&recipes::NOTION, secret)
    }

    /// [Asana](https://developers.asana.com/docs/webhooks-guide), keyed with the `X-Hook-Secret` of
    /// the handshake; see [`SetupScheme::asana`](super::SetupScheme::asana).
    pub fn asana(secret: Secret) -> Self {
        Self::of(&recipes::ASANA, secret)
    }

    /// [Stripe](https://docs.stripe.com/webhooks): `t` and `v1` of `Stripe-Signature`. The key is
    /// the whole text of the secret, `whsec_` included.
    pub fn stripe(secret: Secret) -> Self {
        Self::of(&recipes::STRIPE, secret)
    }

    /// [Shopify](https://shopify.dev/docs/apps/build/webhooks): base64 over the body. Id, topic and
    /// time are not signed.
    pub fn shopify(secret: Secret) -> Self {
        Self::of(&recipes::SHOPIFY, secret)
    }

    /// Shopify's newer events, whose headers have no `X-`.
    pub fn shopify_events(secret: Secret) -> Self {
        Self::of(&recipes::SHOPIFY_EVENTS, secret)
    }

    /// [Square](https://developer.squareup.com/docs/webhooks/step3validate): the notification URL and
    /// the body are signed.
    pub fn square(url: PublicUrl, secret: Secret) -> Self {
        Self::of(&recipes::SQUARE, secret).public_url(url)
    }

    /// [Paddle](https://developer.paddle.com/webhooks/about/signature-verification) Billing.
    pub fn paddle(secret: Secret) -> Self {
        Self::of(&recipes::PADDLE, secret)
    }

    /// [Adyen](https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures) platform
    /// webhooks, signed in a header. The key is given as hex digits: [`Secret::hex`].
    pub fn adyen_platform(secret: Secret) -> Self {
        Self::of(&recipes::ADYEN_PLATFORM, secret)
    }

    /// [Slack](https://docs.slack.dev/authentication/verifying-requests-from-slack): `v0`. Its
    /// `url_verification` is answered.
    pub fn slack(secret: Secret) -> Self {
        Self::of(&recipes::SLACK, secret)
    }

    /// [Meta](https://developers.facebook.com/docs/graph-api/webhooks/getting-started): Facebook,
    /// Instagram, Messenger, WhatsApp. See [`verify_token`](Self::verify_token).
    pub fn meta(secret: Secret) -> Self {
        Self::of(&recipes::META, secret)
    }

    /// Answers Meta's `GET` to who knows `token`.
    pub fn verify_token(self, token: Secret) -> Self {
        self.greets(Greeting::Meta(token))
    }

    /// [Zoom](https://developers.zoom.us/docs/api/webhooks/): `v0`. Its `endpoint.url_validation` is
    /// answered where it is signed.
    pub fn zoom(secret: Secret) -> Self {
        Self::of(&recipes::ZOOM, secret)
    }

    /// [Twitch](https://dev.twitch.tv/docs/eventsub/handling-webhook-events) `EventSub`. Id and time are
    /// signed. Its challenge is answered.
    pub fn twitch(secret: Secret) -> Self {
        Self::of(&recipes::TWITCH, secret)
    }

    /// [Intercom](https://developers.intercom.com/docs/webhooks/webhook-notifications): HMAC-SHA1. Its
    /// `HEAD` is answered.
    pub fn intercom(secret: Secret) -> Self {
        Self::of(&recipes::INTERCOM, secret).answers_intercom()
    }

    /// [HubSpot](https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests)
    /// v3: method, URL, body and time are signed. The payload is an array.
    pub fn hubspot(url: PublicUrl, secret: Secret) -> Self {
        Self::of(&recipes::HUBSPOT, secret).public_url(url)
    }

    /// `HubSpot` v1: SHA-256 over secret and body, no HMAC. Who has one delivery can append to its body
    /// and sign that.
    pub fn hubspot_v1_legacy(secret: Secret) -> Self {
        Self::of(&recipes::HUBSPOT_V1, secret)
    }

    /// `HubSpot` v2: SHA-256 over secret, method, URL and body, no HMAC. Who has one delivery can append
    /// to its body and sign that.
    pub fn hubspot_v2_legacy(url: PublicUrl, secret: Secret) -> Self {
        Self::of(&recipes::HUBSPOT_V2, secret).public_url(url)
    }

    /// [Typeform](https://www.typeform.com/developers/webhooks/secure-your-webhooks/).
    pub fn typeform(secret: Secret) -> Self {
        Self::of(&recipes::TYPEFORM, secret)
    }

    /// [Dropbox](https://www.dropbox.com/developers/reference/webhooks). Its `GET` is answered. App
    /// secrets have 15 characters: [`Secret::dropbox`].
    pub fn dropbox(secret: Secret) -> Self {
        Self::of(&recipes::DROPBOX, secret).answers_dropbox()
    }

    /// [Calendly](https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures).
    pub fn calendly(secret: Secret) -> Self {
        Self::of(&recipes::CALENDLY, secret)
    }

    /// [PagerDuty](https://developer.pagerduty.com/docs/verifying-webhook-signatures) v3.
    pub fn pagerduty(secret: Secret) -> Self {
        Self::of(&recipes::PAGERDUTY, secret)
    }

    /// [WorkOS](https://workos.com/docs/events/data-syncing/webhooks): the time is in milliseconds.
    pub fn workos(secret: Secret) -> Self {
        Self::of(&recipes::WORKOS, secret)
    }

    /// [Standard Webhooks](https://www.standardwebhooks.com), symmetric `v1`. Id and time are
    /// signed. See [`Secret::standard_webhooks`].
    pub fn standard_webhooks(secret: Secret) -> Self {
        Self::of(&recipes::STANDARD_WEBHOOKS, secret)
    }

    /// [Svix](https://docs.svix.com/receiving/verifying-payloads/how-manual), and whoever sends through
    /// it (Clerk, Resend): Standard Webhooks under `svix-*` headers, or under `webhook-*`.
    pub fn svix(secret: Secret) -> Self {
        Self::of(&recipes::SVIX, secret)
    }

    pub(super) fn answers_dropbox(self) -> Self {
        self.greets(Greeting::Dropbox)
    }

    pub(super) fn answers_intercom(self) -> Self {
        self.greets(Greeting::Intercom)
    }
}
