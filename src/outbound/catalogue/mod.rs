//! Which events there are, and what they carry.
//!
//! Without a catalogue a sender sends whatever it is given. With one, an event of a type that is not in it is refused
//! where it is emitted, an endpoint cannot ask for events that never come, and the catalogue is written as JSON Schema,
//! as Markdown, and as the `webhooks` of an OpenAPI document.
//!
//! # Example
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::Serialize;
//! use tower_webhook::outbound::catalogue::{Catalogue, EventType};
//! use tower_webhook::outbound::event::Event;
//!
//! #[derive(Serialize, JsonSchema)]
//! struct OrderCreated {
//!     /// The number of the order.
//!     order: u64,
//! }
//!
//! impl EventType for OrderCreated {
//!     const NAME: &'static str = "order.created";
//!     const DESCRIPTION: &'static str = "Somebody ordered something.";
//! }
//!
//! let catalogue = Catalogue::new().event::<OrderCreated>();
//! assert!(catalogue.contains("order.created"));
//! assert!(catalogue.markdown().contains("| `order` | integer"));
//!
//! let event = Event::of(&OrderCreated { order: 7 })?;
//! assert_eq!(event.body(), br#"{"order":7}"#);
//! # Ok::<(), tower_webhook::outbound::OutboundError>(())
//! ```

mod definitions;
mod entry;
mod list;
mod markdown;
mod openapi;
mod raw;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::entry::Entry;
pub(crate) use self::entry::generator;
pub use self::list::Catalogue;
pub(crate) use self::openapi::OPENAPI;

/// A payload that says which event it is of. [`Event::of`](super::event::Event::of) makes the event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the payload of an event",
    label = "this must implement `EventType`",
    note = "derive `serde::Serialize` and `schemars::JsonSchema`, and name the event in an `impl EventType`"
)]
pub trait EventType: Serialize + JsonSchema {
    /// The type of the event, such as `order.created`.
    const NAME: &'static str;

    /// The version of the payload, sent as `webhook-api-version`. A type may be in a catalogue once a version.
    const VERSION: Option<&'static str> = None;

    /// What happened, for those who write a receiver.
    const DESCRIPTION: &'static str;

    /// Whether it is sent in the form of Standard Webhooks, `{"type", "timestamp", "data"}`, with the payload as its
    /// `data`. Otherwise the payload is all that is sent.
    const STANDARD: bool = false;
}
