//! Lets in only whom the provider's list of addresses has.
//!
//! Providers publish from where they send; whoever is not on the list gets 403 before a byte of the
//! body is read. It is a second lock, not the first: addresses can be shared, and lists change.
//!
//! The address is the peer's, as the server puts it into the extensions of the request (an
//! [`IpAddr`](std::net::IpAddr) or a [`SocketAddr`](std::net::SocketAddr), or whatever
//! [`ClientAddress::of_peer`] finds). Behind proxies of your own it is the address that the outermost of them
//! saw, found by counting hops from the right: what stands further left the sender wrote itself. An
//! address that cannot be told is denied. IPv4 in an IPv6 form is IPv4.
//!
//! # Example
//!
//! ```
//! use tower_webhook::source::{AllowList, ClientAddress, SourceLayer};
//!
//! let github = AllowList::parse(["192.30.252.0/22", "185.199.108.0/22", "2a0a:a440::/29"])?;
//! // One load balancer of ours stands between us and the sender.
//! let layer = SourceLayer::new(github).with_client(ClientAddress::forwarded_for(1));
//! # Ok::<(), tower_webhook::config::ConfigError>(())
//! ```
//!
//! # Deployment caveat
//!
//! Count every proxy that appends to the header, and let none through that does not: with a count too
//! high the sender names its own address.

mod client;
mod layer;
mod list;
mod service;

pub use self::client::ClientAddress;
pub use self::layer::SourceLayer;
pub use self::list::AllowList;
pub use self::service::Source;
