//! A sender on SQLite and a receiver that fails for a while, in one process: retries, a dead letter and its replay, a
//! test event, a rotation, a drain, and what is written down of it all. Needs nothing installed, and checks itself:
//! `cargo run --example send`.

mod audit;
mod receiver;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceExt as _;
use tower_webhook::BoxError;
use tower_webhook::outbound::catalogue::{Catalogue, EventType};
use tower_webhook::outbound::egress::Egress;
use tower_webhook::outbound::endpoint::{EndpointId, NewEndpoint};
use tower_webhook::outbound::event::Event;
use tower_webhook::outbound::policy::Schedule;
use tower_webhook::outbound::sign::{KeyKind, SigningKeys};
use tower_webhook::outbound::{Lifecycle, Replay, SealingKey, Sender, SqliteOutbox};

use self::audit::{attempts, settled, show, underway};
use self::receiver::{Fault, Receiver};

/// Somebody ordered something.
#[derive(Serialize, Deserialize, JsonSchema)]
struct OrderCreated {
    /// The number of the order.
    order: u64,
}

impl EventType for OrderCreated {
    const NAME: &'static str = "order.created";
    const DESCRIPTION: &'static str = "Somebody ordered something.";
    const STANDARD: bool = true;
}

type Shop = Sender<SqliteOutbox>;

/// How long both secrets sign after a rotation.
const GRACE: Duration = Duration::from_secs(86_400);

fn sender(store: SqliteOutbox) -> Result<Shop, BoxError> {
    // For this demonstration only: whoever registers an endpoint could reach what listens on this machine.
    let egress = Egress::public().allow("127.0.0.0/8")?.allow_http();
    // Four attempts within a second, where Standard Webhooks recommends ten over three days.
    let schedule = Schedule::list([Duration::from_millis(150); 3]);
    // A program keeps its key: what was sealed with this one opens with no other.
    let sender = Sender::builder(store, SealingKey::generate())
        .catalogue(Catalogue::new().event::<OrderCreated>())
        .egress(egress)
        .schedule(schedule)
        .build()?;
    Ok(sender)
}

/// Takes an order: it and its event are there, or neither.
async fn order(shop: &Shop, order: u64, is_paid: bool) -> Result<Event, BoxError> {
    let event = Event::of(&OrderCreated { order })?;
    let mut tx = shop.store().pool().begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("INSERT INTO orders (number) VALUES (?)")
        .bind(i64::try_from(order)?)
        .execute(&mut *tx)
        .await?;
    let emitted = shop.emit(event.clone()).within(&mut tx).await?;
    assert_eq!(emitted.deliveries, 1);
    if is_paid {
        tx.commit().await?;
        shop.wake();
    } else {
        tx.rollback().await?;
    }
    Ok(event)
}

async fn transactions(shop: &Shop, id: &EndpointId, to: &Receiver) -> Result<(), BoxError> {
    println!("order 1 is rolled back, order 2 commits:");
    let never = order(shop, 1, false).await?;
    let event = order(shop, 2, true).await?;
    assert_eq!(settled(shop, id, event.event_id()).await?, "delivered");
    assert!(attempts(shop, id, never.event_id()).await?.is_empty());
    assert_eq!(to.effects(), ["order 2"]);
    let orders = sqlx::query_scalar::<_, i64>("SELECT number FROM orders");
    assert_eq!(orders.fetch_all(shop.store().pool()).await?, [2]);
    // The same id is known, whoever emits it again.
    assert!(shop.emit(event).await?.is_duplicate);
    Ok(())
}

async fn retries(shop: &Shop, id: &EndpointId, to: &Receiver) -> Result<(), BoxError> {
    println!("order 3, while the receiver fails, is busy, and loses an answer:");
    to.faults([Fault::Fails, Fault::Throttles, Fault::HangsUp]);
    let event = Event::of(&OrderCreated { order: 3 })?;
    shop.emit(event.clone()).await?;
    assert_eq!(settled(shop, id, event.event_id()).await?, "delivered");
    let made = attempts(shop, id, event.event_id()).await?;
    let statuses: Vec<_> = made.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(500), Some(429), None, Some(204)]);
    let lost = made[2].error.as_ref().ok_or("no error")?;
    assert_eq!(lost.code, "connection_reset");
    assert!(made[2].at - made[1].at >= 1000, "it waits as it was asked");
    assert_eq!(to.effects(), ["order 3"], "it was sent twice, and ran once");
    Ok(())
}

async fn dead_letter(shop: &Shop, id: &EndpointId, to: &Receiver) -> Result<(), BoxError> {
    println!("order 4, while the receiver is down for longer than the schedule:");
    let mut lifecycle = shop.lifecycle();
    to.faults([Fault::Fails; 4]);
    let event = Event::of(&OrderCreated { order: 4 })?;
    shop.emit(event.clone()).await?;
    assert_eq!(settled(shop, id, event.event_id()).await?, "dead");
    let told = lifecycle.recv().await?;
    let Lifecycle::DeadLetter { reason, .. } = told else {
        return Err(format!("no dead letter: {told:?}").into());
    };
    println!("a dead letter: {reason}; and when the receiver is back, its replay:");
    assert!(to.effects().is_empty());
    assert_eq!(shop.replay(id, Replay::since(0)).await?, 1);
    assert_eq!(settled(shop, id, event.event_id()).await?, "delivered");
    assert_eq!(to.effects(), ["order 4"]);
    println!("a test event:");
    let test = shop.test(id).await?;
    assert_eq!(settled(shop, id, &test).await?, "delivered");
    assert_eq!(to.effects(), ["test"]);
    Ok(())
}

async fn rotation(shop: &Shop, id: &EndpointId, to: &Receiver) -> Result<(), BoxError> {
    println!("a rotation; order 5 finds a receiver with the old secret, order 6 with the new one:");
    let rotated = shop.endpoints().rotate(id, GRACE).await?;
    for order in [5, 6] {
        let event = Event::of(&OrderCreated { order })?;
        shop.emit(event.clone()).await?;
        assert_eq!(settled(shop, id, event.event_id()).await?, "delivered");
        to.verify_with(secret(&rotated.keys)?)?;
    }
    assert_eq!(to.effects(), ["order 5", "order 6"]);
    Ok(())
}

/// What the owner of the endpoint sees. A host authenticates before it, and says by a `Tenant` who asks.
async fn administration(shop: &Shop, id: &EndpointId) -> Result<(), BoxError> {
    let app: Router = Router::new().nest_service("/webhooks", shop.admin().single_tenant());
    let path = format!("/webhooks/{id}/deliveries?limit=1");
    println!("GET {path}");
    let response = app.oneshot(Request::get(path).body(Body::empty())?).await?;
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await?.to_bytes();
    let page: serde_json::Value = serde_json::from_slice(&body)?;
    println!("{page:#}");
    assert_eq!(page["data"][0]["attempts"][0]["status"], 204);
    Ok(())
}

/// What a receiver verifies with.
fn secret(keys: &SigningKeys) -> Result<&str, BoxError> {
    let key = keys.current(KeyKind::Hmac);
    Ok(key.ok_or("no secret")?.reveal())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let store = SqliteOutbox::connect("sqlite::memory:").await?;
    sqlx::query("CREATE TABLE orders (number INTEGER PRIMARY KEY)")
        .execute(store.pool())
        .await?;
    let shop = sender(store)?;

    let metadata = NewEndpoint::new("http://169.254.169.254/latest/meta-data");
    let refused = shop.endpoints().create(metadata).await;
    println!("refused: {}", refused.expect_err("no place for an event"));

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/hooks", listener.local_addr()?);
    let new = NewEndpoint::new(url).events(["order.*"]);
    let created = shop.endpoints().create(new).await?;
    let id = created.endpoint.id;
    let receiver = Receiver::new(secret(&created.keys)?)?;
    tokio::spawn(receiver.clone().serve(listener));

    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let dispatcher = tokio::spawn(shop.dispatcher().run_until(stopped));

    transactions(&shop, &id, &receiver).await?;
    retries(&shop, &id, &receiver).await?;
    dead_letter(&shop, &id, &receiver).await?;
    rotation(&shop, &id, &receiver).await?;
    administration(&shop, &id).await?;

    println!("order 7 is under way when the sender is told to stop:");
    receiver.faults([Fault::Slow]);
    let last = Event::of(&OrderCreated { order: 7 })?;
    shop.emit(last.clone()).await?;
    underway(&shop, &id, last.event_id()).await?;
    drop(stop);
    dispatcher.await?;
    assert_eq!(settled(&shop, &id, last.event_id()).await?, "delivered");
    assert_eq!(receiver.effects(), ["order 7"]);
    println!("stopped; nothing was left behind. What is written down:");
    show(&shop, &id).await
}
