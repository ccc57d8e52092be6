//! An unverified body is not a body: `right_verify_only` gives a handler one that is.

use bytes::Bytes;
use http_body_util::Full;
use tower_webhook::limit::RawBody;

fn handle<B: http_body::Body>() {}

fn main() {
    handle::<RawBody<Full<Bytes>>>();
}
