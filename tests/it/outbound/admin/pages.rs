//! How much is answered and read, and which delivery is sent again.

use bytes::Bytes;
use http::Request;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use serde_json::json;
use tower::ServiceExt as _;
use tower_webhook::outbound::event::Event;

use super::store::Mood;
use super::world::{World, ask};

#[tokio::test]
async fn a_page_that_is_just_full_is_the_last() {
    let world = World::new().await;
    for _ in 0..3 {
        world.endpoint("/ok").await;
    }
    let whole = world.got(ask("GET", "/?limit=3")).await;
    assert_eq!(whole.body["data"].as_array().unwrap().len(), 3);
    assert!(whole.body["next"].is_null() && !whole.headers.contains_key("link"));
    let part = world.got(ask("GET", "/?limit=2")).await;
    assert_eq!(part.body["data"].as_array().unwrap().len(), 2);
    assert!(part.body["next"].is_string() && part.headers.contains_key("link"));
}

#[tokio::test]
async fn a_page_is_as_long_as_was_asked() {
    let world = World::new().await;
    let id = world.endpoint("/ok").await;
    for _ in 0..60 {
        world.emit().await;
    }
    let page = world
        .got(ask("GET", format!("/{id}/deliveries?limit=100")))
        .await;
    assert_eq!(page.body["data"].as_array().unwrap().len(), 60);
}

#[tokio::test]
async fn what_is_sent_again_is_the_event_that_was_named() {
    let world = World::new().await;
    let id = world.endpoint("/ok").await;
    let sent = world.emit().await;
    let event = Event::new("order.created", "{}").unwrap().tenant("shop-7");
    let waiting = event.event_id().to_string();
    world.sender.emit(event).await.unwrap();
    let retry = async |event: &str| {
        let path = format!("/{id}/deliveries/{event}/retry");
        world.got(ask("POST", path)).await.status
    };
    assert_eq!(retry(&waiting).await, 409);
    assert_eq!(retry(&sent).await, 202);
    assert_eq!(retry("msg_nobodys").await, 404);
}

#[tokio::test]
async fn a_body_may_be_64_kib_long() {
    let world = World::new().await;
    for (length, status) in [(64 << 10, 201), ((64 << 10) + 1, 413)] {
        let mut body = json!({ "url": "https://example.com/ok" }).to_string();
        body.push_str(&" ".repeat(length - body.len()));
        let post = ask("POST", "/").text("application/json", body);
        assert_eq!(world.got(post).await.status, status, "{length}");
    }
}

#[tokio::test]
async fn an_answer_tells_its_length() {
    let world = World::new().await;
    let admin = world.sender.admin().single_tenant();
    let request = Request::get("/").body(Full::<Bytes>::default()).unwrap();
    let mut body = admin.oneshot(request).await.unwrap().into_body();
    let length = body.size_hint().exact().unwrap();
    assert!(length > 0 && !body.is_end_stream());
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap().len() as u64, length);
    assert!(body.is_end_stream());
}

#[tokio::test]
async fn a_store_that_is_down_is_not_taken_for_an_endpoint_that_is_not_there() {
    let world = World::new().await;
    let id = world.endpoint("/ok").await;
    let next = || ask("GET", format!("/?after={id}"));
    assert_eq!(world.got(next()).await.status, 200);
    assert_eq!(world.got(ask("GET", "/?after=ep_none")).await.status, 400);
    world.store.set(Mood::Down);
    assert_eq!(world.got(next()).await.status, 503);
}
