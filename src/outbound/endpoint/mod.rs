//! Who is told of events, and where.

mod headers;
mod id;
mod record;
mod request;

pub use self::headers::EndpointHeaders;
pub use self::id::EndpointId;
pub(crate) use self::record::Confidential;
pub use self::record::{Endpoint, EndpointRecord, EndpointState, Health};
pub use self::request::{EndpointPatch, NewEndpoint};
