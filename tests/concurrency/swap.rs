//! New secrets while deliveries are verified.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use shuttle::future::block_on;
use shuttle::thread;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::{HmacScheme, Swap};
use tower_webhook::secret::Secret;
use tower_webhook::testing;
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

use crate::try_orders;

const OLD: &str = "the old secret of the threads";
const NEW: &str = "the new secret of the threads";

fn scheme(secret: &str) -> HmacScheme {
    HmacScheme::github(Secret::new(secret).unwrap())
}

/// Whether a delivery that was signed with `secret` is taken.
fn is_taken(scheme: &Swap<HmacScheme>, secret: &str) -> bool {
    let handler = service_fn(|_: Request<VerifiedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let stack = BodyLimitLayer::new(100).layer(VerifyLayer::new(scheme.clone()).layer(handler));
    let request = testing::github(secret).body("{}").request();
    let Ok(response) = block_on(stack.oneshot(request));
    response.status().is_success()
}

#[test]
fn a_new_secret_holds_from_one_moment_on() {
    try_orders(|| {
        let swap = Swap::new(scheme(OLD));
        let senders = [OLD, NEW].map(|secret| {
            let swap = swap.clone();
            thread::spawn(move || [(); 3].map(|()| is_taken(&swap, secret)))
        });
        swap.replace(scheme(NEW));
        // Who replaced it sees it.
        assert!(is_taken(&swap, NEW) && !is_taken(&swap, OLD));
        let [old, new] = senders.map(|sender| sender.join().unwrap());
        // The old one is not taken again, and the new one not refused again.
        assert!(old.is_sorted_by(|before, after| before >= after), "{old:?}");
        assert!(new.is_sorted(), "{new:?}");
    });
}

#[test]
fn a_delivery_is_judged_by_one_scheme_only() {
    try_orders(|| {
        // Both take the new secret, so it must be taken whenever the other is put in place.
        let swap = Swap::new(scheme(OLD).or_secret(Secret::new(NEW).unwrap()));
        let other = swap.clone();
        let sender = thread::spawn(move || [(); 3].map(|()| is_taken(&other, NEW)));
        swap.replace(scheme(NEW));
        assert_eq!(sender.join().unwrap(), [true; 3]);
    });
}
