//! Refuses to deliver where no receiver of webhooks can be: whoever registers an endpoint chooses where this
//! machine sends requests, and sees what comes back.
//!
//! [`Egress`] is the policy. [`EgressConnector`] holds it where connections are made: it resolves the name,
//! judges all of its addresses, and dials one of those that it judged, so that a DNS answer that changes
//! afterwards changes nothing. [`HttpClient`](crate::outbound::client::HttpClient) is built on it.
//! [`EgressLayer`] holds the policy over any other client, as far as a URL shows.
//!
//! # What is refused
//!
//! - Every address that is not public. IPv4: all that stands in the
//!   [registry of special-purpose addresses](https://www.iana.org/assignments/iana-ipv4-special-registry/)
//!   as of 2020-09-04, and multicast. IPv6: all but 2000::/3, and of that what stands in the
//!   [registry](https://www.iana.org/assignments/iana-ipv6-special-registry/) as of 2024-10-22. Also what the
//!   registries call globally reachable: those are services of the network.
//! - IPv4-mapped (`::ffff:0:0/96`) and NAT64 (`64:ff9b::/96`) addresses are judged by the IPv4 address in
//!   them; 6to4, Teredo, IPv4-compatible and local NAT64 (`64:ff9b:1::/48`) addresses are refused.
//! - The addresses where clouds hand out credentials, also inside of a network that is
//!   [allowed](Egress::allow), and in whatever form.
//! - A name with a single refused address: the others are not dialled either. Of those of a name that may
//!   be dialled, the first 8 are, in turn.
//! - `http`, until it is [allowed](Egress::allow_http).
//! - Ports under 1024 but 80 and 443, until [others](Egress::with_ports) are named: behind them are mail
//!   servers, shells and directories, which may take a delivery for commands.
//! - URLs with a user name, of more than 2048 bytes, with a host that ends with a dot, and with a host that
//!   only some would read as an address: `2130706433`, `0x7f.1`, `127.1`, `0177.0.0.1`.
//! - `localhost` and the names below it, unless 127.0.0.1 is allowed.
//!
//! # Example
//!
//! ```
//! use tower_webhook::outbound::egress::{Egress, EgressErrorKind};
//!
//! let egress = Egress::public().allow("10.8.0.0/16")?.deny("203.0.114.0/24")?;
//! // When an endpoint is registered: what a URL shows is refused at once.
//! assert!(egress.check_url(&"https://receiver.example/hook".parse()?).is_ok());
//! let refused = egress.check_url(&"https://[::ffff:169.254.169.254]/".parse()?).unwrap_err();
//! assert_eq!(refused.kind(), EgressErrorKind::Metadata);
//! assert_eq!(refused.to_string(), "the address is not allowed");
//!
//! assert!(egress.check_addr("10.8.0.1".parse()?).is_ok());
//! assert!(egress.check_addr("10.9.0.1".parse()?).is_err());
//! # Ok::<_, tower_webhook::BoxError>(())
//! ```
//!
//! A client of one's own is built over the connector. TLS goes around it, and judges the name of the URL:
//!
//! ```
//! # use rustls::{ClientConfig, RootCertStore};
//! use http_body_util::Full;
//! use hyper_util::client::legacy::Client;
//! use hyper_util::rt::TokioExecutor;
//! use tower_webhook::outbound::egress::{Egress, EgressConnector};
//!
//! # fn tls() -> ClientConfig {
//! #     ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
//! #         .with_safe_default_protocol_versions()
//! #         .unwrap()
//! #         .with_root_certificates(RootCertStore::empty())
//! #         .with_no_client_auth()
//! # }
//! let https = hyper_rustls::HttpsConnectorBuilder::new()
//!     .with_tls_config(tls())
//!     .https_only()
//!     .enable_http1()
//!     .wrap_connector(EgressConnector::new(Egress::public()));
//! let client = Client::builder(TokioExecutor::new()).build(https);
//! # let _: &Client<_, Full<bytes::Bytes>> = &client;
//! ```
//!
//! # Deployment caveat
//!
//! The layer alone sees no DNS: over a client that resolves names itself, `https://inside.example/` passes
//! although it leads to 10.0.0.1, and so does a redirect that the client follows. It is for clients that
//! are guarded below, or that reach the network through a proxy that judges addresses.
//!
//! The guard knows addresses, not networks. What answers inside under a public address, such as the other
//! machines of one's own, or behind the prefix of a NAT64 translator of one's own, must be
//! [denied](Egress::deny). A firewall around the senders is a good second opinion.

mod address;
mod connector;
mod dial;
mod error;
mod layer;
mod policy;
mod resolver;
mod service;
mod stream;
mod url;

pub use self::connector::{ConnectFuture, EgressConnector};
pub use self::dial::ConnectError;
pub use self::error::{EgressError, EgressErrorKind};
pub use self::layer::EgressLayer;
pub use self::policy::Egress;
pub use self::resolver::HostName;
pub use self::service::{Guard, ResponseFuture};
pub(in crate::outbound) use self::stream::Answered;
pub use self::stream::EgressStream;
