//! Dated secrets, and secrets that come from a future.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::{
    AuthErrorKind, Authenticator, HmacPass, HmacScheme, OpenError, Opened, Scheme,
};
use tower_webhook::secret::{Secret, SecretError};
use tower_webhook::time::ManualClock;
use tower_webhook::verify::{Verified as _, VerifiedBody, VerifyLayer};

const OLD: &str = "the old secret, long";
const NEW: &str = "the new secret, long";

fn delivery(key: &str) -> Request<Full<Bytes>> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(b"{}");
    let mac = const_hex::encode(mac.finalize().into_bytes());
    Request::post("/")
        .header("x-hub-signature-256", format!("sha256={mac}"))
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap()
}

/// The slot that matched, or the cause of refusal.
async fn verdict<V: Authenticator>(
    scheme: V,
    key: &str,
) -> Result<usize, (StatusCode, Option<AuthErrorKind>)> {
    let handler = service_fn(|req: Request<VerifiedBody>| async move {
        let slot = req.body().delivery().secret_slot;
        let mut response = Response::new(req.into_body());
        response.extensions_mut().insert(slot);
        Ok::<_, Infallible>(response)
    });
    let stack = BodyLimitLayer::new(1024).layer(VerifyLayer::new(scheme).layer(handler));
    let response = stack.oneshot(delivery(key)).await.unwrap();
    let extensions = response.extensions();
    let slot = extensions.get::<usize>().copied();
    slot.ok_or((response.status(), extensions.get().copied()))
}

fn rotation(now: i64) -> HmacScheme {
    HmacScheme::github(Secret::new(NEW).unwrap().not_before(100))
        .or_secret(Secret::new(OLD).unwrap().not_after(200))
        .with_clock(Arc::new(ManualClock::new(now)))
}

#[tokio::test]
async fn a_secret_is_accepted_within_its_dates_only() {
    let refused = Err((StatusCode::UNAUTHORIZED, Some(AuthErrorKind::Mismatch)));
    for (now, new, old) in [
        (99, refused, Ok(1)),
        (100, Ok(0), Ok(1)),
        (200, Ok(0), Ok(1)),
        (201, Ok(0), refused),
    ] {
        assert_eq!(verdict(rotation(now), NEW).await, new, "{now}");
        assert_eq!(verdict(rotation(now), OLD).await, old, "{now}");
    }
}

/// Secrets that somebody else keeps.
struct Vault {
    is_up: bool,
}

impl Authenticator for Vault {
    type Pass = HmacPass;
    type Opening = Ready<Result<Opened<HmacPass>, OpenError>>;

    fn open(&self, head: &Parts) -> Self::Opening {
        if !self.is_up {
            return ready(Err(OpenError::Unavailable));
        }
        let scheme = HmacScheme::github(Secret::new(NEW).unwrap());
        let pass = scheme.begin(head).map_err(OpenError::from);
        ready(pass.map(|pass| Opened::new(pass, Scheme::profile(&scheme))))
    }
}

#[tokio::test]
async fn secrets_may_come_from_a_source_and_its_outage_is_503() {
    assert_eq!(verdict(Vault { is_up: true }, NEW).await, Ok(0));
    let down = verdict(Vault { is_up: false }, NEW).await;
    assert_eq!(down, Err((StatusCode::SERVICE_UNAVAILABLE, None)));
}

#[test]
fn a_secret_is_given_back_to_who_keeps_it_and_a_text_that_is_none_says_why() {
    let fifteen = "0123456789abcde";
    assert_eq!(
        Secret::dropbox(fifteen).unwrap().reveal(),
        fifteen.as_bytes()
    );
    let words = |secret: Result<Secret, SecretError>| secret.unwrap_err().to_string();
    let short = "`secret` is shorter than 16 bytes";
    assert_eq!(words(Secret::dropbox(&fifteen[1..])), short);
    assert_eq!(words(Secret::new(fifteen)), short);
    assert_eq!(words(Secret::new(" ")), "`secret` is empty");
    let encoding = "`secret` is not in its encoding";
    assert_eq!(words(Secret::base64("no base64!")), encoding);
}
