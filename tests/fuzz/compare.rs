//! What a scheme says of a request, whole and in pieces.

use http::request::Parts;
use tower_webhook::delivery::Delivery;
use tower_webhook::scheme::{AuthErrorKind, Claims, OpenError, Pass as _, Scheme};

/// A verdict that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Delivery(Box<Delivery>),
    Handshake(u16, Vec<u8>),
    Refused(AuthErrorKind),
}

/// Judges `body` whole and in pieces of a few bytes, which must not differ.
pub(crate) fn judge<S: Scheme>(scheme: &S, head: &Parts, body: &[u8]) -> Verdict {
    // Answered before the body comes, if at all.
    let greeting = scheme.greet(head);
    assert!(
        !matches!(greeting, Some(Err(OpenError::Unavailable))),
        "a greeting asks for no key"
    );
    let whole = verdict(scheme, head, body, usize::MAX);
    // Another length of pieces for each body.
    let piece = 1 + body.len() % 13;
    let pieces = verdict(scheme, head, body, piece);
    assert_eq!(
        whole, pieces,
        "in pieces of {piece} bytes: {head:?} {body:?}"
    );
    whole
}

fn verdict<S: Scheme>(scheme: &S, head: &Parts, body: &[u8], piece: usize) -> Verdict {
    let mut pass = match scheme.begin(head) {
        Ok(pass) => pass,
        Err(err) => return Verdict::Refused(err.kind()),
    };
    body.chunks(piece.min(body.len().max(1)))
        .for_each(|chunk| pass.update(chunk));
    match pass.finish(body) {
        Ok(Claims::Delivery(delivery)) => Verdict::Delivery(Box::new(delivery)),
        Ok(Claims::Handshake(shake)) => {
            Verdict::Handshake(shake.status().as_u16(), shake.body().to_vec())
        }
        Ok(other) => panic!("claims that nobody knows: {other:?}"),
        Err(err) => Verdict::Refused(err.kind()),
    }
}
