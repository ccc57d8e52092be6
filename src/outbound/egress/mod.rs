//! Refuses to deliver where no receiver of webhooks can be.

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
