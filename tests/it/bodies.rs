//! What the bodies of the stack are to whoever reads them as any other body.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::idempotency::{ClaimedBody, IdempotencyLayer};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::replay::{FreshBody, ReplayWindowLayer};
use tower_webhook::scheme::{HmacScheme, Profile, Shape};
use tower_webhook::secret::Secret;
use tower_webhook::store::MokaStore;
use tower_webhook::verify::{Verified, VerifiedBody, VerifyLayer};

const KEY: &str = "0123456789abcdef";

type Frames = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

fn request(frames: &[&'static [u8]]) -> Request<Frames> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(&frames.concat());
    let mac = const_hex::encode(mac.finalize().into_bytes());
    let frames = frames.iter().map(|data| Bytes::from_static(data));
    let frames: Vec<_> = frames.map(|data| Ok(Frame::data(data))).collect();
    let req = Request::post("/").header("x-signature", mac);
    req.body(StreamBody::new(stream::iter(frames))).unwrap()
}

fn scheme() -> HmacScheme {
    let scheme = HmacScheme::sha256(Secret::new(KEY).unwrap());
    scheme.profile(Profile::new(Shape::Opaque))
}

/// Reads `body` to its end; its data come at once, and once.
async fn read(body: impl Body<Data = Bytes, Error = Infallible> + Verified, sent: &'static [u8]) {
    assert_eq!(body.as_bytes(), sent);
    let mut body = pin!(body);
    let told = |body: Pin<&mut _>| {
        let body: Pin<&mut dyn Body<Data = Bytes, Error = Infallible>> = body;
        (body.size_hint().exact(), body.is_end_stream())
    };
    assert_eq!(
        told(body.as_mut()),
        (Some(sent.len() as u64), sent.is_empty())
    );
    if !sent.is_empty() {
        let Ok(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await.unwrap();
        assert_eq!(frame.into_data().unwrap(), sent);
        assert_eq!(told(body.as_mut()), (Some(0), true));
    }
    assert!(poll_fn(|cx| body.as_mut().poll_frame(cx)).await.is_none());
    assert_eq!(told(body.as_mut()), (Some(0), true));
}

async fn read_in_each_room(frames: &[&'static [u8]], sent: &'static [u8]) {
    let answer = || Ok::<_, Infallible>(Response::new(String::new()));
    let verify = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme()));
    let window = ReplayWindowLayer::new(Duration::from_secs(300));
    let verified = service_fn(move |req: Request<VerifiedBody>| async move {
        read(req.into_body(), sent).await;
        answer()
    });
    let fresh = service_fn(move |req: Request<FreshBody>| async move {
        read(req.into_body(), sent).await;
        answer()
    });
    let claimed = service_fn(move |req: Request<ClaimedBody>| async move {
        read(req.into_body(), sent).await;
        answer()
    });
    let claims = IdempotencyLayer::new(MokaStore::new());
    let claimed = OpenEnvelopeLayer::new().layer(claims.layer(claimed));
    let status = |response: Response<_>| response.map(drop).status();

    let stack = verify.clone().service(verified);
    let Ok(response) = stack.oneshot(request(frames)).await;
    assert_eq!(response.status(), 200);
    let stack = verify.clone().service(window.clone().layer(fresh));
    let Ok(response) = stack.oneshot(request(frames)).await;
    assert_eq!(response.status(), 200);
    let stack = verify.service(window.layer(claimed));
    let Ok(response) = stack.oneshot(request(frames)).await;
    assert_eq!(status(response), 200);
}

#[tokio::test]
async fn a_body_in_any_room_gives_what_was_sent_once_and_says_how_much_is_left() {
    read_in_each_room(&[b"payload"], b"payload").await;
    read_in_each_room(&[], b"").await;
}

#[tokio::test]
async fn frames_of_any_lengths_are_joined() {
    read_in_each_room(&[b"p", b"ayload"], b"payload").await;
    read_in_each_room(&[b"payl", b"o", b"ad"], b"payload").await;
    read_in_each_room(&[b"", b"payload"], b"payload").await;
}

#[tokio::test]
async fn the_body_of_an_answer_says_how_long_it_is_whoever_wrote_it() {
    let handler = service_fn(|_: Request<VerifiedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"thanks"))))
    });
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(scheme()))
        .service(handler);
    let forged = {
        let mut forged = request(&[b"payload"]);
        forged.headers_mut().remove("x-signature");
        forged
    };
    let mut lengths = Vec::new();
    for req in [request(&[b"payload"]), forged] {
        let Ok(response) = stack.clone().oneshot(req).await;
        let mut body = response.into_body();
        assert!(!body.is_end_stream());
        let length = body.size_hint().exact().unwrap();
        let frame = Pin::new(&mut body).frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap().len() as u64, length);
        assert!(body.is_end_stream());
        lengths.push(length);
    }
    assert_eq!(lengths[0], 6);
    assert_ne!(lengths[0], lengths[1]);
}
