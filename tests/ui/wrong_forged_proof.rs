//! No proof can be made outside its room, as `right_verify_only` makes it.

use bytes::Bytes;
use tower_webhook::verify::VerifiedBody;

fn main() {
    let _ = VerifiedBody::seal(Bytes::new());
}
