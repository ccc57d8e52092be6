//! A sender with its administration, under axum and behind an authentication.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{ServiceExt as _, service_fn};
use tower_webhook::outbound::catalogue::Catalogue;
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::{DeliveryBody, SealingKey, Sender, SenderBuilder, Tenant};
use tower_webhook::time::ManualClock;

use super::store::Moody;

pub(crate) struct World {
    pub(crate) sender: Sender<Moody>,
    pub(crate) store: Moody,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) app: Router,
    pub(crate) document: Value,
    pub(crate) log: Mutex<Vec<Exchange>>,
}

/// What was asked, and the answer.
pub(crate) struct Exchange {
    /// The method and the path as the document has them; `None` where it has no such thing.
    pub(crate) operation: Option<(String, String)>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What is asked.
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

pub(crate) fn ask(method: &'static str, path: impl Into<String>) -> Ask {
    Ask {
        method,
        path: path.into(),
        headers: vec![("x-tenant", "shop-7".to_owned())],
        body: Bytes::new(),
    }
}

impl Ask {
    pub(crate) fn json(self, body: &Value) -> Self {
        self.text("application/json", body.to_string())
    }

    pub(crate) fn text(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.headers.push(("content-type", media_type.to_owned()));
        self.body = body.into();
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.into()));
        self
    }
}

pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) bytes: Bytes,
}

impl Got {
    pub(crate) fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn builder(
    store: Moody,
    key: SealingKey,
    clock: &Arc<ManualClock>,
) -> SenderBuilder<Moody> {
    // A receiver that fails, and repeats the headers it was sent.
    let receiver = service_fn(async |request: http::Request<DeliveryBody>| {
        // Values that are sensitive are not in their `Debug`.
        let values = request.headers().values();
        let echo: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
        let echo = echo.join(" ");
        let mut response = Response::new(Full::new(Bytes::from(echo)));
        *response.status_mut() = match request.uri().path() {
            "/ok" => StatusCode::NO_CONTENT,
            _ => StatusCode::IM_A_TEAPOT,
        };
        Ok::<_, Infallible>(response)
    });
    Sender::builder(store, key)
        .client(receiver)
        .clock(Arc::clone(clock))
}

impl World {
    pub(crate) async fn new() -> Self {
        let (store, clock) = (Moody::default(), Arc::new(ManualClock::new(NOW)));
        let order = json!({ "type": "object", "properties": { "order": { "type": "integer" } } });
        let catalogue = Catalogue::new().raw("order.created", None, "An order.", order);
        let sender = builder(store.clone(), SealingKey::generate(), &clock);
        let sender = sender.catalogue(catalogue).build().unwrap();
        let app = app(&sender);
        let mut world = Self {
            sender,
            store,
            clock,
            app,
            document: Value::Null,
            log: Mutex::default(),
        };
        world.document = world.got(ask("GET", "/openapi.json")).await.body;
        world
    }

    /// The same world, through a sender that cannot open what this one sealed.
    pub(crate) async fn with_another_key(&self) -> Router {
        let other = builder(self.store.clone(), SealingKey::generate(), &self.clock);
        app(&other.build().unwrap())
    }

    pub(crate) async fn got(&self, ask: Ask) -> Got {
        self.got_from(&self.app, ask).await
    }

    pub(crate) async fn got_from(&self, app: &Router, ask: Ask) -> Got {
        let path = ask.path.split('?').next().unwrap();
        let operation = self.operation(ask.method, path);
        let uri = match ask.path.strip_prefix('/') {
            Some("") => "/webhooks".to_owned(),
            _ => format!("/webhooks{}", ask.path),
        };
        let mut request = Request::builder().method(ask.method).uri(uri);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(ask.body)).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        self.log.lock().unwrap().push(Exchange {
            operation,
            status: head.status,
            headers: head.headers.clone(),
            body: bytes.clone(),
        });
        Got {
            status: head.status.as_u16(),
            headers: head.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            bytes,
        }
    }

    fn operation(&self, method: &str, path: &str) -> Option<(String, String)> {
        let paths: BTreeSet<_> = self.document["paths"].as_object()?.keys().collect();
        let fits = |template: &str| {
            let (expected, got) = (template.split('/'), path.split('/'));
            expected.clone().count() == got.clone().count()
                && expected
                    .zip(got)
                    .all(|(expected, got)| expected == got || expected.starts_with('{'))
        };
        let exact = paths.iter().find(|template| ***template == path);
        let template = exact.or_else(|| paths.iter().find(|template| fits(template)))?;
        let method = method.to_lowercase();
        self.document["paths"][template.as_str()].get(&method)?;
        Some((method, (*template).clone()))
    }

    /// An endpoint at a path of the receiver; its id.
    pub(crate) async fn endpoint(&self, path: &str) -> String {
        let body = json!({ "url": format!("https://example.com{path}") });
        let got = self.got(ask("POST", "/").json(&body)).await;
        assert_eq!(got.status, 201, "{}", got.body);
        got.text("id")
    }

    /// Emits an event and sends what is due; its id.
    pub(crate) async fn emit(&self) -> String {
        let event = Event::new("order.created", r#"{"order":7}"#).unwrap();
        let event = event.tenant("shop-7");
        let id = event.event_id().to_string();
        self.sender.emit(event).await.unwrap();
        self.send().await;
        id
    }

    pub(crate) async fn send(&self) {
        self.sender.dispatcher().run_due().await.unwrap();
    }
}

/// A host that believes what a header says, for want of users.
pub(crate) fn app(sender: &Sender<Moody>) -> Router {
    Router::new()
        .nest_service("/webhooks", sender.admin())
        .layer(from_fn(async |mut request: Request, next: Next| {
            let tenant = request.headers().get("x-tenant");
            if let Some(tenant) = tenant.map(|tenant| tenant.to_str().unwrap().to_owned()) {
                request.extensions_mut().insert(Tenant::from(tenant));
            }
            next.run(request).await
        }))
}

pub(crate) const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];
