//! Who is told of events, and where.

mod headers;
mod id;
mod record;
mod request;

pub use self::headers::EndpointHeaders;
pub use self::id::EndpointId;
pub use self::record::{Endpoint, EndpointRecord, EndpointState, Health};
pub use self::request::{EndpointPatch, NewEndpoint};
pub(crate) use self::record::Confidential;
