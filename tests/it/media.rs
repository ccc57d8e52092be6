//! Methods and media types, and the shape that a payload is taken for.

use std::convert::Infallible;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Request, Response};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::{HmacScheme, Profile, Scheme, Shape};
use tower_webhook::secret::Secret;
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

const KEY: &str = "0123456789abcdef";

fn secret() -> Secret {
    Secret::new(KEY).unwrap()
}

/// The shape that the payload of a delivery is taken for, or the status of its refusal.
async fn shape(promised: Shape, method: Method, media: Option<&str>) -> Result<Shape, u16> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(b"{}");
    let scheme = HmacScheme::sha256(secret()).profile(Profile::new(promised));
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1024))
        .layer(VerifyLayer::new(scheme))
        .service(service_fn(|req: Request<VerifiedBody>| async move {
            let mut response = Response::new(String::new());
            response.extensions_mut().insert(req.body().shape());
            Ok::<_, Infallible>(response)
        }));
    let mut req = Request::builder()
        .method(method)
        .header(
            "x-signature",
            const_hex::encode(mac.finalize().into_bytes()),
        )
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap();
    if let Some(media) = media {
        let headers = req.headers_mut();
        headers.insert("content-type", media.parse().unwrap());
    }
    let Ok(response) = stack.oneshot(req).await;
    let shape = response.extensions().get().copied();
    shape.ok_or(response.status().as_u16())
}

#[tokio::test]
async fn a_media_type_is_one_of_the_promised_shape() {
    use Shape::{Array, Form, Object, ObjectOrForm, Opaque};
    let refused = Err(415);
    for (media, object, array, form, either) in [
        (None, Ok(Object), Ok(Array), Ok(Form), Ok(Object)),
        (
            Some("application/json"),
            Ok(Object),
            Ok(Array),
            refused,
            Ok(Object),
        ),
        (
            Some("application/json; charset=utf-8"),
            Ok(Object),
            Ok(Array),
            refused,
            Ok(Object),
        ),
        (
            Some("Application/JSON"),
            Ok(Object),
            Ok(Array),
            refused,
            Ok(Object),
        ),
        (
            Some("application/ld+JSON ;a=b"),
            Ok(Object),
            Ok(Array),
            refused,
            Ok(Object),
        ),
        (
            Some("application/x-www-form-urlencoded"),
            refused,
            refused,
            Ok(Form),
            Ok(Form),
        ),
        (
            Some("Application/X-WWW-form-urlencoded;a=b"),
            refused,
            refused,
            Ok(Form),
            Ok(Form),
        ),
        (
            Some("application/+json"),
            refused,
            refused,
            refused,
            refused,
        ),
        (
            Some("application/jsonp"),
            refused,
            refused,
            refused,
            refused,
        ),
        (Some("application/"), refused, refused, refused, refused),
        (Some("text/json"), refused, refused, refused, refused),
        (Some("text/ld+json"), refused, refused, refused, refused),
        (Some("text/plain"), refused, refused, refused, refused),
        (Some(""), refused, refused, refused, refused),
    ] {
        for (promised, expected) in [
            (Object, object),
            (Array, array),
            (Form, form),
            (ObjectOrForm, either),
            (Opaque, Ok(Opaque)),
        ] {
            let shape = shape(promised, Method::POST, media).await;
            assert_eq!(shape, expected, "{promised:?} {media:?}");
        }
    }
}

#[tokio::test]
async fn who_delivers_posts() {
    for method in [Method::GET, Method::PUT, Method::HEAD, Method::DELETE] {
        assert_eq!(shape(Shape::Object, method, None).await, Err(405));
    }
}

#[test]
fn whether_the_time_is_signed_follows_from_what_is_signed() {
    let signs_time = |scheme: HmacScheme| Scheme::profile(&scheme).signs_time();
    assert!(signs_time(HmacScheme::slack(secret())));
    assert!(!signs_time(HmacScheme::github(secret())));
}
