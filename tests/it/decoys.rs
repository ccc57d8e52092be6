//! Connections that are not there are verified as those that are: no step of it tells them apart.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::connection::{Connection, ConnectionId, ConnectionMap, Connections};
use tower_webhook::idempotency::ClaimedBody;
use tower_webhook::scheme::AuthErrorKind;
use tower_webhook::scheme::catalog::Entry;
use tower_webhook::testing::{Delivery, Payload};

use super::properties::{secret, signing};

/// A body that counts how often it is asked.
struct Counted(Payload, Arc<AtomicUsize>);

impl Body for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_frame(cx)
    }
}

/// The answer, why, and how often the body was asked.
type Verdict = (StatusCode, Option<AuthErrorKind>, usize);

/// What a receiver with the one connection `known` says of `delivery` to `known` and to `nobody`.
async fn verdicts(entry: &'static Entry, own: &Delivery, delivery: &Delivery) -> [Verdict; 2] {
    let scheme = entry.build(&own.options()).unwrap();
    let id = ConnectionId::new(entry.id, "known");
    let map = ConnectionMap::new([Connection::new(id, scheme)]);
    let inbound = Inbound::builder(Connections::new(map)).build().unwrap();
    let handler = |_: Request<ClaimedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    };
    let stack = inbound.layer(service_fn(handler));
    let ask = async |name: &str| {
        let polls = Arc::<AtomicUsize>::default();
        let mut request = delivery.request();
        let path = format!("/webhooks/{}/{name}", entry.id);
        *request.uri_mut() = path.parse().unwrap();
        let request = request.map(|payload| Counted(payload, Arc::clone(&polls)));
        let Ok(answer) = stack.clone().oneshot(request).await;
        let cause = answer.extensions().get().copied();
        (answer.status(), cause, polls.load(Ordering::Relaxed))
    };
    [ask("known").await, ask("nobody").await]
}

fn own(entry: &'static Entry) -> Delivery {
    Delivery::of(entry.id, &secret(entry.secret, [7; 32]))
}

#[tokio::test]
async fn a_wrong_signature_goes_as_far_with_a_connection_that_is_not_there() {
    for entry in signing() {
        let own = own(entry);
        let [known, nobody] = verdicts(entry, &own, &own.wrong_key()).await;
        assert_eq!(known.0, StatusCode::UNAUTHORIZED, "{}", entry.id);
        assert_eq!(known, nobody, "{}", entry.id);
    }
}

#[tokio::test]
async fn nobody_can_sign_for_a_connection_that_is_not_there() {
    for entry in signing().filter(|entry| entry.secret.can_sign()) {
        // With what decoys were keyed with once: a signature that matches is read on behind the comparison.
        let once = Delivery::of(entry.id, "00000000000000000000000000000000");
        let [known, nobody] = verdicts(entry, &own(entry), &once).await;
        assert_eq!(known.0, StatusCode::UNAUTHORIZED, "{}", entry.id);
        assert_eq!(known, nobody, "{}", entry.id);
    }
}
