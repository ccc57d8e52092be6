//! What the envelope finds in a payload, against a tree of it.
//!
//! Input: a byte that says what is looked for, and the payload.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use tower::{ServiceBuilder, service_fn};
use tower_webhook::delivery::{Delivery, DeliveryId};
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::outcome::Outcome;
use tower_webhook::rejection::Rejection;
use tower_webhook::scheme::{AuthError, Claims, Pass, Profile, Scheme, Shape};
use tower_webhook::verify::{Verified as _, VerifiedBody, VerifyLayer};

use crate::json::Node;
use crate::request;
use crate::run::ask;

/// What is looked for: the names on the way to the id and to the event type, and whether both must be there.
struct Wish {
    shape: Shape,
    id: &'static [&'static str],
    event_type: &'static [&'static str],
    required: bool,
}

const fn wish(
    shape: Shape,
    id: &'static [&'static str],
    event_type: &'static [&'static str],
    required: bool,
) -> Wish {
    Wish {
        shape,
        id,
        event_type,
        required,
    }
}

static WISHES: [Wish; 8] = [
    wish(Shape::Object, &["id"], &["type"], true),
    wish(Shape::Object, &["id"], &["type"], false),
    wish(Shape::Object, &["data", "id"], &["data", "type"], true),
    wish(Shape::Object, &["a", "b", "c"], &["a", "b"], false),
    // One path goes through the end of the other, and both end at the same place.
    wish(Shape::Object, &["id"], &["id", "type"], false),
    wish(Shape::Object, &["id"], &["id"], true),
    wish(Shape::Form, &["id"], &["type"], false),
    wish(Shape::Array, &["id"], &["type"], false),
];

/// What is found is what stands there, once; what is refused is not of the shape.
pub fn envelope(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let choice = usize::from(*choice) % WISHES.len();
    let wish = &WISHES[choice];
    let (mut head, ()) = Request::post("/").body(()).expect("a path").into_parts();
    if wish.shape == Shape::Form {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        head.headers.insert(CONTENT_TYPE, form);
    }
    let found = open(choice, head, Bytes::copy_from_slice(body));
    if wish.shape == Shape::Form {
        return check(wish, body, &found, &form(body));
    }
    let tree = std::str::from_utf8(body).map(serde_json::from_str::<Node>);
    match tree {
        Ok(Ok(tree)) => check(wish, body, &found, &document(wish.shape, &tree)),
        // What nobody asked for is passed over without being read.
        Ok(Err(err)) if is_passed_over(&err) => {}
        _ => assert!(
            found.is_err(),
            "no JSON is accepted: {:?}",
            body.escape_ascii()
        ),
    }
}

/// What reading finds fault with, and passing over does not.
fn is_passed_over(err: &serde_json::Error) -> bool {
    let text = err.to_string();
    let faults = [
        "number out of range",
        "lone leading surrogate",
        "unexpected end of hex escape",
        "recursion limit exceeded",
    ];
    faults.iter().any(|fault| text.starts_with(fault))
}

/// What a wish finds, by path.
type Find<'p> = dyn Fn(&[&str]) -> Result<Option<String>, ()> + 'p;

fn check(wish: &Wish, body: &[u8], found: &Result<Delivery, Rejection>, find: &Find<'_>) {
    let expected = find(wish.id).and_then(|id| {
        let event_type = find(wish.event_type)?;
        let missing = wish.required && (id.is_none() || event_type.is_none());
        if missing {
            Err(())
        } else {
            Ok((id, event_type))
        }
    });
    let told = found.as_ref().map(|delivery| {
        let id = match &delivery.id {
            DeliveryId::Signed(id) => Some(id.to_string()),
            DeliveryId::Digest => None,
            other => panic!("the payload is signed, and so is {other:?}"),
        };
        (id, delivery.event_type.as_deref().map(str::to_owned))
    });
    assert_eq!(told.map_err(|_| ()), expected, "{:?}", body.escape_ascii());
    let Err(Rejection::Malformed { line, .. }) = found else {
        return;
    };
    let lines = body.split(|byte| *byte == b'\n').count();
    assert!(
        (1..=lines).contains(&(*line as usize)),
        "line {line} of {lines}"
    );
}

/// The texts of a JSON document.
fn document(shape: Shape, tree: &Node) -> Box<Find<'_>> {
    Box::new(move |path| match (shape, tree) {
        (Shape::Array, Node::Array) => Ok(None),
        (Shape::Object, Node::Object(_)) if tree.doubles(path) => Err(()),
        (Shape::Object, Node::Object(_)) => Ok(match &tree.under(path)[..] {
            [Node::Text(text) | Node::Whole(text)] if !text.is_empty() => Some(text.clone()),
            _ => None,
        }),
        _ => Err(()),
    })
}

/// The texts of a form.
fn form(body: &[u8]) -> Box<Find<'_>> {
    Box::new(move |path| {
        std::str::from_utf8(body).map_err(|_| ())?;
        let pairs = body
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| request::split(pair, b"="));
        let mut named = pairs.filter(|(name, _)| path == [&*request::decode(name)]);
        let value = named.next().map(|(_, value)| request::decode(value));
        match named.next() {
            Some(_) => Err(()),
            None => Ok(value.filter(|value| !value.is_empty())),
        }
    })
}

/// What the layers make of a payload that anybody may send.
fn open(choice: usize, head: Parts, body: Bytes) -> Result<Delivery, Rejection> {
    static SCHEMES: LazyLock<Vec<Open>> = LazyLock::new(|| WISHES.iter().map(Open::new).collect());
    let handler = service_fn(|request: Request<VerifiedBody>| async move {
        let mut response = Response::new(());
        response
            .extensions_mut()
            .insert(request.body().delivery().clone());
        Ok::<_, Infallible>(response)
    });
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(SCHEMES[choice].clone()))
        .layer(OpenEnvelopeLayer::new())
        .service(handler);
    let response = ask(stack, head, body);
    match response.extensions().get::<Delivery>() {
        Some(delivery) => Ok(delivery.clone()),
        None => match response.extensions().get() {
            Some(Outcome::Rejected(why)) => Err(*why),
            other => panic!("neither a delivery nor a refusal: {other:?}"),
        },
    }
}

/// A scheme that takes everything.
#[derive(Clone, Debug)]
struct Open(Arc<Profile>);

impl Open {
    fn new(wish: &Wish) -> Self {
        let profile = Profile::new(wish.shape);
        let profile = profile.with_id(wish.id).with_event_type(wish.event_type);
        Self(Arc::new(match wish.required {
            true => profile,
            false => profile.with_optional_fields(),
        }))
    }
}

impl Scheme for Open {
    type Pass = Self;

    fn begin(&self, _: &Parts) -> Result<Self, AuthError> {
        Ok(self.clone())
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.0)
    }
}

impl Pass for Open {
    fn update(&mut self, _: &[u8]) {}

    fn finish(self, _: &[u8]) -> Result<Claims, AuthError> {
        Ok(Delivery::new(DeliveryId::Digest, 0).into())
    }
}
