//! Schemes that sign the URL sign its query too.

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::catalog::{self, Options};
use tower_webhook::verify::{VerifiedBody, VerifyLayer};

const SECRET: &str = "the secret of these tests";
const URL: &str = "https://hooks.example.com/in";

/// The headers of a delivery without a body, to this URL.
fn sign(scheme: &str, method: &Method, url: &str) -> Vec<(&'static str, String)> {
    match scheme {
        "twilio.form" => {
            let mut mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
            mac.update(url.as_bytes());
            let mac = STANDARD.encode(mac.finalize().into_bytes());
            vec![("x-twilio-signature", mac)]
        }
        "hubspot.v3" => {
            let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
            mac.update(format!("{method}{url}1780000000000").as_bytes());
            vec![
                ("x-hubspot-request-timestamp", "1780000000000".into()),
                (
                    "x-hubspot-signature-v3",
                    STANDARD.encode(mac.finalize().into_bytes()),
                ),
            ]
        }
        _ => {
            let hash = Sha256::digest(format!("{SECRET}{method}{url}"));
            vec![("x-hubspot-signature", const_hex::encode(hash))]
        }
    }
}

/// The answer to a delivery that was signed for one query and comes with another.
async fn answer(scheme: &str, given: &str, signed: &str, sent: &str) -> StatusCode {
    let options = Options::new()
        .secret(SECRET)
        .public_url(format!("{URL}{given}"));
    let verify = VerifyLayer::new(catalog::find(scheme).unwrap().build(&options).unwrap());
    let handler = service_fn(|_: Request<VerifiedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1024))
        .service(verify.layer(handler));
    let method = if scheme == "hubspot.v3" {
        Method::POST
    } else {
        Method::GET
    };
    let mut request = Request::builder().method(&method).uri(format!("/in{sent}"));
    for (name, value) in sign(scheme, &method, &format!("{URL}{signed}")) {
        request = request.header(name, value);
    }
    let request = request.body(Full::<Bytes>::default()).unwrap();
    stack.oneshot(request).await.unwrap().status()
}

const SCHEMES: [&str; 3] = ["twilio.form", "hubspot.v3", "hubspot.v2_legacy"];

#[tokio::test]
async fn a_query_that_comes_with_the_delivery_is_signed() {
    for scheme in SCHEMES {
        for given in ["", "?tenant=7"] {
            for query in ["", "?tenant=7", "?tenant=7&user=1"] {
                let status = answer(scheme, given, query, query).await;
                assert_eq!(status, 200, "{scheme} {given} {query}");
            }
        }
    }
}

#[tokio::test]
async fn a_query_that_was_added_changed_or_removed_is_refused() {
    for scheme in SCHEMES {
        for given in ["", "?tenant=7"] {
            for (signed, sent) in [
                ("", "?tenant=7"),
                ("?tenant=7", "?tenant=8"),
                ("?tenant=7", "?tenant=7&admin=1"),
                ("?tenant=7", ""),
            ] {
                let status = answer(scheme, given, signed, sent).await;
                assert_eq!(status, 401, "{scheme} {given} {signed} {sent}");
            }
        }
    }
}
