//! Every scheme, by requests that were signed and then changed.
//!
//! Input: the name of a vector, and a request. Whoever receives it is made for that vector, and has a
//! secret that signed nothing but it.

use http::request::Parts;
use tower_webhook::delivery::DeliveryId;
use tower_webhook::scheme::Scheme as _;

use crate::compare::{Verdict, judge};
use crate::request::{read, split};
use crate::vectors::{Case, Signed, named};

/// No panic; whole and in pieces alike; what is accepted is what was signed.
pub fn schemes(data: &[u8]) {
    let (name, text) = split(data, b"\n");
    let case = named(name);
    let (head, body) = read(text);
    let Verdict::Delivery(delivery) = judge(&case.scheme, &head, &body) else {
        return;
    };
    // What a refused vector was made from is not known, so nothing can be said of what is accepted.
    let Some(signed) = &case.signed else {
        return;
    };
    let known = &signed.delivery;
    let profile = case.scheme.profile();
    if profile.signs_body() {
        match &known.content_digest {
            // Bodies that differ may share a signature, and then share this.
            Some(_) => assert_eq!(delivery.content_digest, known.content_digest, "{case:?}"),
            None => assert_eq!(body, signed.body, "{case:?}"),
        }
    }
    assert_eq!(delivery.timestamp, known.timestamp, "{case:?}");
    if let (DeliveryId::Signed(id), DeliveryId::Signed(told)) = (&delivery.id, &known.id) {
        assert_eq!(id, told, "{case:?}");
    }
    if delivery.event_type_signed {
        assert_eq!(delivery.event_type, known.event_type, "{case:?}");
    }
    assert!(is_same_target(case, signed, &head), "{head:?} {case:?}");
}

/// Whether the query is the one that was signed, where it is.
fn is_same_target(case: &Case, signed: &Signed, head: &Parts) -> bool {
    // Square signs the URL that it was given, whatever stands in the request.
    let signs_query = case.entry.needs_public_url() && case.entry.provider != "square";
    !signs_query || head.uri.query() == signed.head.uri.query()
}
