//! What each layer costs: `cargo bench --bench inbound`.
//!
//! All variants run in turn in every round, so that a busy machine slows them alike; the figures are
//! medians over the rounds, and ratios to the HMAC alone, the floor of any verification.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tokio::runtime::Runtime;
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};
use tower_webhook::Inbound;
use tower_webhook::detach::DetachLayer;
use tower_webhook::envelope::OpenEnvelopeLayer;
use tower_webhook::idempotency::IdempotencyLayer;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::replay::ReplayWindowLayer;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::store::MokaStore;
use tower_webhook::verify::VerifyLayer;

const KEY: &str = "an example secret";
const ROUNDS: usize = 21;

type Mac = Hmac<sha2::Sha256>;
type Delivery = Request<Full<Bytes>>;

/// One thing that is timed, over many deliveries.
type Variant = (&'static str, Box<dyn FnMut(Vec<Delivery>)>);

fn mac(body: &[u8]) -> [u8; 32] {
    let mut mac = Mac::new_from_slice(KEY.as_bytes()).expect("any length");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

/// Deliveries that all run: no two have one id.
fn deliveries(body: &Bytes, count: usize, serial: &mut u64) -> Vec<Delivery> {
    let signature = format!("sha256={}", const_hex::encode(mac(body)));
    let delivery = || {
        *serial += 1;
        Request::post("/")
            .header("content-type", "application/json")
            .header("x-github-delivery", *serial)
            .header("x-github-event", "push")
            .header("x-hub-signature-256", &signature)
            .body(Full::new(body.clone()))
            .expect("the parts are valid")
    };
    std::iter::repeat_with(delivery).take(count).collect()
}

async fn answer<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

fn through<S, R>(runtime: &Arc<Runtime>, mut stack: S) -> Box<dyn FnMut(Vec<Delivery>)>
where
    S: Service<Delivery, Response = Response<R>, Error = Infallible> + 'static,
{
    let runtime = Arc::clone(runtime);
    Box::new(move |deliveries| {
        runtime.block_on(async {
            for delivery in deliveries {
                let Ok(stack) = stack.ready().await;
                let Ok(response) = stack.call(delivery).await;
                assert_eq!(response.status(), StatusCode::NO_CONTENT);
            }
        });
    })
}

/// What a careful person writes by hand: HMAC, moka, `serde_json::Value`.
async fn by_hand(
    seen: moka::sync::Cache<String, u16>,
    req: Delivery,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = req.into_parts();
    let Ok(body) = body.collect().await;
    let body = body.to_bytes();
    let signature = head.headers["x-hub-signature-256"]
        .to_str()
        .unwrap_or_default();
    let signature = signature.strip_prefix("sha256=").unwrap_or_default();
    let mut mac = Mac::new_from_slice(KEY.as_bytes()).expect("any length");
    mac.update(&body);
    let signature = const_hex::decode(signature).unwrap_or_default();
    assert!(mac.verify_slice(&signature).is_ok());
    black_box(serde_json::from_slice::<serde_json::Value>(&body).expect("JSON"));
    let id = head.headers["x-github-delivery"]
        .to_str()
        .unwrap_or_default();
    assert!(seen.get(id).is_none());
    seen.insert(id.to_owned(), 204);
    answer(Request::new(())).await
}

fn variants() -> Vec<Variant> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = Arc::new(runtime.expect("a runtime"));
    let store = || MokaStore::with_capacity(10_000_000);
    let scheme = || HmacScheme::github(Secret::new(KEY).expect("long enough"));
    let limit = || ServiceBuilder::new().layer(BodyLimitLayer::new(1 << 20));
    let verify = || limit().layer(VerifyLayer::new(scheme()));
    let detach = || verify().layer(DetachLayer::new(256));
    let window = ReplayWindowLayer::new(Duration::from_secs(300));
    let replay = || detach().layer(window.clone());
    let envelope = || replay().layer(OpenEnvelopeLayer::new());
    let all = envelope().layer(IdempotencyLayer::new(store()));
    let inbound = Inbound::builder_with_store(scheme(), store())
        .build()
        .expect("safe");
    let seen = moka::sync::Cache::builder()
        .time_to_live(Duration::from_secs(86_400))
        .build();
    let hand = service_fn(move |req| by_hand(seen.clone(), req));
    let floor = |deliveries: Vec<Delivery>| {
        for delivery in deliveries {
            let body = delivery.into_body().collect();
            let Ok(body) = futures_util::FutureExt::now_or_never(body).expect("the body is there");
            black_box(mac(&body.to_bytes()));
        }
    };
    vec![
        ("HMAC alone (the floor)", Box::new(floor)),
        ("bare service", through(&runtime, service_fn(answer))),
        (
            "+ limit, verify",
            through(&runtime, verify().service_fn(answer)),
        ),
        ("+ detach", through(&runtime, detach().service_fn(answer))),
        ("+ replay", through(&runtime, replay().service_fn(answer))),
        (
            "+ envelope",
            through(&runtime, envelope().service_fn(answer)),
        ),
        ("+ idempotency", through(&runtime, all.service_fn(answer))),
        (
            "Inbound (+ observe)",
            through(
                &runtime,
                ServiceBuilder::new().layer(inbound).service_fn(answer),
            ),
        ),
        ("by hand: HMAC, moka, Value", through(&runtime, hand)),
    ]
}

fn main() {
    // `cargo test --benches` only asks whether this runs.
    let is_test = std::env::args().any(|arg| arg == "--test");
    let mut serial = 0;
    for (size, count) in [(1 << 10, 1000), (8 << 10, 500), (256 << 10, 20)] {
        let unit = r#"{"a":0,"text":"word"},"#;
        let filler = unit.repeat(size / unit.len() - 1);
        let body = Bytes::from(format!(r#"{{"items":[{filler}{{}}]}}"#));
        let mut variants = variants();
        let mut times = vec![Vec::new(); variants.len()];
        for _ in 0..if is_test { 1 } else { ROUNDS } {
            for ((_, run), times) in variants.iter_mut().zip(&mut times) {
                let deliveries = deliveries(&body, count, &mut serial);
                let start = Instant::now();
                run(deliveries);
                times.push(start.elapsed() / u32::try_from(count).expect("small"));
            }
        }
        println!("{} bytes", body.len());
        let medians: Vec<_> = times
            .iter_mut()
            .map(|times| {
                times.sort();
                times[times.len() / 2]
            })
            .collect();
        for ((name, _), median) in variants.iter().zip(&medians) {
            let ratio = median.as_secs_f64() / medians[0].as_secs_f64();
            println!("  {name:<28} {median:>12.2?}  {ratio:>6.2} × the floor");
        }
    }
}
