//! Signs what passes through a tower HTTP client.
//!
//! A [`Signer`] is [`SigningSchemes`] with [`SigningKeys`]. The [`SignLayer`] puts its headers on each
//! request, with the time of that attempt: below a retry layer, each attempt is signed anew, and one that
//! goes out hours later is still inside the window of its receiver.
//!
//! What signs here is the data that [`scheme`](crate::scheme) verifies by, so that the two cannot drift
//! apart; [`SigningScheme::receiver`] gives the other side.
//!
//! # Which id
//!
//! The [`MessageId`] in the extensions of the request; else the header of the id, where the request
//! brings one (`webhook-id`); else a fresh one. Receivers drop what they have seen by this id, so all attempts at one
//! delivery must share it: set it above the retry layer.
//!
//! # Which key
//!
//! [`SigningKeys`] keep the text of each secret, as receivers were shown it. Each scheme makes its key of
//! it as its receivers do:
//!
//! | scheme | key |
//! |---|---|
//! | [`standard_webhooks`](SigningScheme::standard_webhooks) | the base64 after `whsec_`, decoded |
//! | [`standard_webhooks_ed25519`](SigningScheme::standard_webhooks_ed25519) | the private key `whsk_…` |
//! | [`github`](SigningScheme::github), [`x_webhook`](SigningScheme::x_webhook), [`stripe`](SigningScheme::stripe), custom | the bytes of the text as it is written, `whsec_` included |
//!
//! So one text serves several schemes on one request: whoever pastes `whsec_…` into the verifier of a
//! scheme finds that it verifies. A sender that has signed with plain texts and now sends the headers of
//! Standard Webhooks beside its own has two ways. Its receivers either take `whsec_` and the base64 of
//! their old text into the new verifier: [`keyed_by_text`](SigningScheme::keyed_by_text). Or they get a
//! new secret.
//!
//! # During a rotation
//!
//! Each key that has not ended signs, at most the four newest, where the header holds several signatures:
//! Standard Webhooks and Stripe's form, newest first. Where it holds one, the oldest that has not ended
//! signs: the receiver has until then to take the new one in.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt as _, service_fn};
//! use tower_webhook::outbound::DeliveryBody;
//! use tower_webhook::outbound::sign::{MessageId, SignLayer, Signer, SigningKey, SigningKeys, SigningScheme};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let keys = SigningKeys::new(SigningKey::generate());
//! let schemes = SigningScheme::standard_webhooks().also(SigningScheme::github());
//! let client = ServiceBuilder::new()
//!     .layer(SignLayer::new(Signer::new(schemes, &keys)?))
//!     // In place of an HTTP client.
//!     .service(service_fn(|sent: Request<DeliveryBody>| async move {
//!         assert_eq!(sent.headers()["webhook-id"], "msg_1");
//!         assert!(sent.headers().contains_key("webhook-signature"));
//!         assert!(sent.headers().contains_key("x-hub-signature-256"));
//!         Ok::<_, std::convert::Infallible>(Response::new(()))
//!     }));
//!
//! let req = Request::post("https://example.com/hooks")
//!     .extension(MessageId::new("msg_1")?)
//!     .body(Full::<Bytes>::from(r#"{"type":"invoice.paid"}"#))?;
//! client.oneshot(req).await?;
//! # Ok::<_, tower_webhook::BoxError>(())
//! # })?;
//! # Ok::<(), tower_webhook::BoxError>(())
//! ```

mod error;
mod future;
mod key;
mod keys;
mod layer;
mod message;
mod scheme;
mod service;
mod signer;

pub use self::error::{SignError, SignErrorKind};
pub use self::future::ResponseFuture;
pub use self::key::{KeyKind, SigningKey};
pub use self::keys::{KeyBytes, SigningKeys};
pub use self::layer::SignLayer;
pub use self::message::{EventType, MessageId};
pub use self::scheme::{SigningScheme, SigningSchemes};
pub use self::service::Sign;
pub use self::signer::Signer;
pub use crate::scheme::sign::Message;
