//! What the benchmarks share.
#![allow(dead_code, reason = "no benchmark uses all of it")]

pub mod by_hand;
pub mod frames;
pub mod payload;
pub mod rounds;
pub mod stacks;
pub mod table;

use std::convert::Infallible;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;

pub const KEY: &str = "an example secret";

pub type Mac = Hmac<sha2::Sha256>;

/// GitHub's scheme, by which all inbound figures are measured where nothing else is said.
pub fn scheme() -> HmacScheme {
    HmacScheme::github(Secret::new(KEY).expect("long enough"))
}

pub fn keyed() -> Mac {
    Mac::new_from_slice(KEY.as_bytes()).expect("any length")
}

/// The value of `x-hub-signature-256` for `body`.
pub fn signature(body: &[u8]) -> String {
    let mut mac = keyed();
    mac.update(body);
    format!("sha256={}", const_hex::encode(mac.finalize().into_bytes()))
}

/// The handler of all stacks: 204, whatever comes.
pub async fn answer<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
