//! Sends deliveries: HTTP/1.1 or HTTP/2, over connections that the [egress guard](crate::outbound::egress)
//! allowed and that are kept.
//!
//! [`HttpClient`] is a `tower::Service` of `Request<DeliveryBody>`. It signs nothing, repeats nothing that a
//! receiver may have seen on a new connection, and ends at the head of the answer; [`read_answer`] reads as
//! much of the body as a record of the attempt needs.
//!
//! - A redirect is an answer. Nothing is followed: the receiver would choose where the next request goes.
//! - No proxy is asked, whatever the environment says: it, and not the guard, would resolve the name.
//! - Certificates are judged by the roots of the system, and those given to
//!   [`with_root_certificate_pem`](HttpClientBuilder::with_root_certificate_pem). TLS 1.2 and 1.3.
//! - The name must be resolved, the connection stand and TLS be agreed within 5 s.
//! - A connection is kept for 30 s, at most 16 a host. One that the receiver closed meanwhile costs no
//!   attempt: what fails within 1 s on a connection that was kept is sent once more, on another one. The
//!   receiver may have seen it twice then, with one id, as after every attempt whose answer was lost.
//! - Heads of answers end at about 64 KiB, and HTTP/2 never has more than 64 KiB unread a delivery, so
//!   that receivers cannot fill the memory of a sender.
//!
//! # Errors
//!
//! [`ClientError::kind`] says which [`Failure`](crate::outbound::Failure) it was, from a closed set of codes
//! to be recorded. No text of an error has a part of the URL: URLs of receivers hold secrets.
//!
//! # Example
//!
//! ```no_run
//! use http::Request;
//! use tower::ServiceExt as _;
//! use tower_webhook::outbound::client::{AnswerLimits, HttpClient, read_answer};
//! use tower_webhook::outbound::egress::Egress;
//! use tower_webhook::time::{Clock as _, SystemClock};
//!
//! # async fn deliver() -> Result<(), tower_webhook::BoxError> {
//! let client = HttpClient::new(Egress::public())?;
//! let request = Request::post("https://receiver.example/hook").body(r#"{"number":7}"#.into())?;
//! match client.oneshot(request).await {
//!     Ok(response) => {
//!         let now = SystemClock.unix_seconds();
//!         let answer = read_answer(response, AnswerLimits::new(), now).await;
//!         println!("{} {:?} {:?}", answer.status, answer.retry_after, answer.body);
//!     }
//!     Err(err) => println!("{}", err.kind().code()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Deployment caveat
//!
//! The client waits for the head of an answer as long as its caller does: put a time-out of 15 s or so
//! around the whole attempt. Names are resolved by the system, each on a thread that may block; where
//! thousands of names are slow, give it a resolver that needs none
//! ([`with_resolver`](HttpClientBuilder::with_resolver)).

mod answer;
mod body;
mod builder;
mod connector;
mod error;
mod roots;
mod service;

pub use self::answer::{Answer, AnswerLimits, read_answer};
pub use self::body::AnswerBody;
pub use self::builder::HttpClientBuilder;
pub use self::error::ClientError;
pub use self::service::{HttpClient, ResponseFuture};
