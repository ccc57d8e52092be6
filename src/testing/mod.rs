//! Signed deliveries for the tests of a receiver, and spoiled ones.
//!
//! A [`Delivery`] is signed as its provider signs, from the data that verification goes by. Ids, event
//! types and times are written where the scheme keeps them: in headers, in the signature header, in the
//! payload. What is missing of them in a JSON payload is added, and the payload serialised anew.
//!
//! Each way to spoil one gives a new delivery: [`tampered`](Delivery::tampered),
//! [`wrong_key`](Delivery::wrong_key), [`truncated`](Delivery::truncated),
//! [`doubled`](Delivery::doubled), [`stale`](Delivery::stale), [`future`](Delivery::future),
//! [`encoded`](Delivery::encoded), [`chunked`](Delivery::chunked).
//!
//! # Example
//!
//! A receiver, tried in three lines:
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "moka"))] {
//! use axum::Router;
//! use axum::routing::post;
//! use tower::ServiceExt as _;
//! use tower_webhook::Inbound;
//! use tower_webhook::scheme::HmacScheme;
//! use tower_webhook::secret::Secret;
//! use tower_webhook::testing::Delivery;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let secret = "an example secret";
//! let app = Router::new()
//!     .route("/webhooks/github", post(|| async {}))
//!     .layer(Inbound::builder(HmacScheme::github(Secret::new(secret)?)).build()?);
//!
//! let push = Delivery::of("github.sha256", secret).id("id-1").event_type("push").body(r#"{"number":7}"#);
//! assert_eq!(app.clone().oneshot(push.request()).await?.status(), 200);
//! assert_eq!(app.oneshot(push.tampered().request()).await?.status(), 401);
//! # Ok::<_, tower_webhook::BoxError>(())
//! # })?;
//! # }
//! # Ok::<(), tower_webhook::BoxError>(())
//! ```
//!
//! Where a service takes one type of body only, `map` makes it:
//! `delivery.request().map(axum::body::Body::new)`.

mod delivery;
mod payload;
mod spoil;

pub use self::delivery::Delivery;
pub use self::payload::Payload;

/// A delivery of GitHub's, to `/webhooks/github`.
///
/// # Panics
///
/// As [`Delivery::of`], as do the others.
///
/// # Example
///
/// ```
/// let request = tower_webhook::testing::github("an example secret")
///     .delivery("id-1", "push", r#"{"number":7}"#);
/// assert_eq!(request.uri().path(), "/webhooks/github");
/// ```
pub fn github(secret: &str) -> Delivery {
    Delivery::of("github.sha256", secret)
}

/// A delivery of Stripe's, to `/webhooks/stripe`.
pub fn stripe(secret: &str) -> Delivery {
    Delivery::of("stripe.v1", secret)
}

/// A delivery by Standard Webhooks, to `/webhooks/standard_webhooks`.
pub fn standard_webhooks(secret: &str) -> Delivery {
    Delivery::of("standard_webhooks.v1", secret)
}

/// A delivery of Slack's, to `/webhooks/slack`.
pub fn slack(secret: &str) -> Delivery {
    Delivery::of("slack.v0", secret)
}

/// A delivery of Shopify's, to `/webhooks/shopify`.
pub fn shopify(secret: &str) -> Delivery {
    Delivery::of("shopify.hmac", secret)
}
