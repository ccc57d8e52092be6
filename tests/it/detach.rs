//! A handler that does not depend on its connection.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tower::{Service, ServiceBuilder, service_fn};
use tower_webhook::BoxError;
use tower_webhook::detach::DetachLayer;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::rejection::Rejection;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

const KEY: &str = "0123456789abcdef";

fn delivery() -> Request<Full<Bytes>> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(b"{}");
    let mac = const_hex::encode(mac.finalize().into_bytes());
    Request::post("/")
        .header("x-hub-signature-256", format!("sha256={mac}"))
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap()
}

/// A stack whose handler says when it begins and when it ends, and waits for `gate` between.
fn stack(
    detach: DetachLayer,
    gate: Arc<Semaphore>,
) -> (
    impl Service<
        Request<Full<Bytes>>,
        Response = Response<impl http_body::Body>,
        Error = Infallible,
        Future: Send,
    >,
    UnboundedReceiver<&'static str>,
) {
    let (says, hears) = unbounded_channel();
    let handler = service_fn(move |req: Request<VerifiedBody>| {
        let (says, gate) = (says.clone(), Arc::clone(&gate));
        async move {
            says.send("begins").unwrap();
            gate.acquire()
                .await
                .expect("the handler panics here")
                .forget();
            says.send("ends").unwrap();
            Ok(Response::new(req.into_body()))
        }
    });
    let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1024))
        .layer(VerifyLayer::new(scheme))
        .layer(detach)
        .service(handler);
    (stack, hears)
}

fn outcome<B>(response: Result<Response<B>, Infallible>) -> Option<Outcome> {
    let Ok(response) = response;
    response.extensions().get().copied()
}

#[tokio::test]
async fn a_sender_that_hangs_up_does_not_stop_the_handler() {
    let gate = Arc::new(Semaphore::new(0));
    let (mut stack, mut hears) = stack(DetachLayer::new(1), Arc::clone(&gate));
    let mut call = Box::pin(stack.call(delivery()));
    tokio::select! {
        biased;
        said = hears.recv() => assert_eq!(said, Some("begins")),
        _ = &mut call => panic!("answered before the gate was open"),
    }
    drop(call);
    gate.add_permits(1);
    assert_eq!(hears.recv().await, Some("ends"));
}

#[tokio::test]
async fn a_handler_without_a_permit_is_503_and_nothing_waits() {
    let gate = Arc::new(Semaphore::new(0));
    let (mut stack, mut hears) = stack(DetachLayer::new(1), Arc::clone(&gate));
    let first = tokio::spawn(stack.call(delivery()));
    assert_eq!(hears.recv().await, Some("begins"));
    let second = outcome(stack.call(delivery()).await);
    assert_eq!(second, Some(Outcome::Rejected(Rejection::Shed)));
    gate.add_permits(1);
    assert_eq!(outcome(first.await.unwrap()), None);
}

#[tokio::test]
async fn a_panic_is_500_and_gives_its_permit_back() -> Result<(), BoxError> {
    let gate = Arc::new(Semaphore::new(0));
    gate.close();
    let (mut stack, _hears) = stack(DetachLayer::new(1), gate);
    for _ in 0..3 {
        let panic = outcome(stack.call(delivery()).await);
        assert_eq!(panic, Some(Outcome::Rejected(Rejection::HandlerPanic)));
    }
    Ok(())
}

#[tokio::test]
async fn a_panic_behind_a_wait_is_500_too() {
    let gate = Arc::new(Semaphore::new(0));
    let (mut stack, mut hears) = stack(DetachLayer::new(1), Arc::clone(&gate));
    let call = tokio::spawn(stack.call(delivery()));
    assert_eq!(hears.recv().await, Some("begins"));
    gate.close();
    let panic = outcome(call.await.unwrap());
    assert_eq!(panic, Some(Outcome::Rejected(Rejection::HandlerPanic)));
}

#[test]
fn a_handler_whose_runtime_ends_is_503() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    };
    let (mut stack, _hears) = stack(DetachLayer::new(1), Arc::new(Semaphore::new(0)));
    let ending = runtime();
    let mut call = Box::pin(stack.call(delivery()));
    ending.block_on(async { assert!(futures_util::poll!(&mut call).is_pending()) });
    drop(ending);
    let aborted = outcome(runtime().block_on(call));
    assert_eq!(aborted, Some(Outcome::Rejected(Rejection::Draining)));
}

#[tokio::test]
async fn draining_refuses_what_is_new_and_waits_for_what_runs() {
    let gate = Arc::new(Semaphore::new(0));
    let detach = DetachLayer::new(2);
    let (mut stack, mut hears) = stack(detach.clone(), Arc::clone(&gate));
    let first = tokio::spawn(stack.call(delivery()));
    assert_eq!(hears.recv().await, Some("begins"));
    let mut drained = Box::pin(detach.drain());
    assert!(
        std::future::Future::poll(
            drained.as_mut(),
            &mut std::task::Context::from_waker(std::task::Waker::noop())
        )
        .is_pending()
    );
    let second = outcome(stack.call(delivery()).await);
    assert_eq!(second, Some(Outcome::Rejected(Rejection::Draining)));
    gate.add_permits(1);
    drained.await;
    assert_eq!(outcome(first.await.unwrap()), None);
    // Once drained it stays so, and may be asked for again.
    detach.drain().await;
    let third = outcome(stack.call(delivery()).await);
    assert_eq!(third, Some(Outcome::Rejected(Rejection::Draining)));
}

#[tokio::test]
async fn what_does_not_wait_takes_no_task_and_what_waits_goes_on_in_one() {
    let (says, mut hears) = unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&gate);
    let handler = service_fn(move |_: Request<VerifiedBody>| {
        let (says, gate) = (says.clone(), Arc::clone(&waits));
        async move {
            says.send(tokio::task::try_id()).unwrap();
            gate.acquire().await.unwrap().forget();
            says.send(tokio::task::try_id()).unwrap();
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let scheme = HmacScheme::github(Secret::new(KEY).unwrap());
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1024))
        .layer(VerifyLayer::new(scheme))
        .layer(DetachLayer::new(1))
        .service(handler);
    for waits in [false, true] {
        let mut stack = stack.clone();
        if !waits {
            gate.add_permits(1);
        }
        let call = tokio::spawn(async move { stack.call(delivery()).await });
        let caller = call.id();
        assert_eq!(hears.recv().await, Some(Some(caller)));
        if waits {
            gate.add_permits(1);
        }
        let ends_in = hears.recv().await.flatten().unwrap();
        assert_eq!(ends_in == caller, !waits);
        assert_eq!(outcome(call.await.unwrap()), None);
    }
}
