//! What a receiver sees of a request.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::ServiceExt as _;
use tower_webhook::outbound::client::{HttpClient, HttpClientBuilder};

use super::builder;
use super::server::{Server, ok};

async fn seen(client: HttpClient, agent: Option<&str>) -> HeaderMap {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let server = Server::http({
        let seen = Arc::clone(&seen);
        move |request| {
            seen.lock().unwrap().clone_from(request.headers());
            ok(request)
        }
    })
    .await;
    let mut request = Request::post(server.url()).header("x-some", "thing");
    if let Some(agent) = agent {
        request = request.header("user-agent", agent);
    }
    client
        .oneshot(request.body("{}".into()).unwrap())
        .await
        .unwrap();
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[tokio::test]
async fn the_user_agent_is_ours_unless_it_is_set() {
    let ours = concat!("tower-webhook/", env!("CARGO_PKG_VERSION"));
    let client = || builder().build().unwrap();
    assert_eq!(seen(client(), None).await["user-agent"], ours);
    assert_eq!(seen(client(), Some("acme")).await["user-agent"], "acme");
    let named = builder().with_user_agent(HeaderValue::from_static("acme/1"));
    assert_eq!(
        seen(named.build().unwrap(), None).await["user-agent"],
        "acme/1"
    );
}

#[tokio::test]
async fn the_length_of_the_body_is_told() {
    let headers = seen(builder().build().unwrap(), None).await;
    assert_eq!(headers["content-length"], "2");
    assert!(!headers.contains_key("transfer-encoding"));
}

async fn raw(builder: HttpClientBuilder) -> String {
    let text = Arc::new(Mutex::new(String::new()));
    let read = Arc::clone(&text);
    let server = Server::raw(move |mut stream, _| {
        let read = Arc::clone(&read);
        async move {
            let mut bytes = vec![0; 4096];
            let length = stream.read(&mut bytes).await.unwrap();
            read.lock()
                .unwrap()
                .push_str(std::str::from_utf8(&bytes[..length]).unwrap());
            let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }
    })
    .await;
    let request = Request::post(server.url()).header("x-some", "thing");
    let client = builder.build().unwrap();
    client
        .oneshot(request.body("{}".into()).unwrap())
        .await
        .unwrap();
    let text = text.lock().unwrap();
    text.clone()
}

#[tokio::test]
async fn header_names_can_be_written_for_picky_receivers() {
    assert!(raw(builder()).await.contains("\r\nx-some: thing\r\n"));
    let titled = raw(builder().with_title_case_headers()).await;
    assert!(titled.contains("\r\nX-Some: thing\r\n"), "{titled}");
}
