//! What the benchmarks share.
#![allow(dead_code, reason = "no benchmark uses all of it")]

pub(crate) mod by_hand;
pub(crate) mod frames;
pub(crate) mod payload;
pub(crate) mod rounds;
pub(crate) mod stacks;
pub(crate) mod table;

use std::convert::Infallible;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;

pub(crate) const KEY: &str = "an example secret";

pub(crate) type Mac = Hmac<sha2::Sha256>;

/// GitHub's scheme, by which all inbound figures are measured where nothing else is said.
pub(crate) fn scheme() -> HmacScheme {
    HmacScheme::github(Secret::new(KEY).expect("long enough"))
}

pub(crate) fn keyed() -> Mac {
    Mac::new_from_slice(KEY.as_bytes()).expect("any length")
}

/// The value of `x-hub-signature-256` for `body`.
pub(crate) fn signature(body: &[u8]) -> String {
    let mut mac = keyed();
    mac.update(body);
    format!("sha256={}", const_hex::encode(mac.finalize().into_bytes()))
}

/// The handler of all stacks: 204, whatever comes.
pub(crate) async fn answer<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
