//! Proxies that the environment names.

use std::process::Stdio;

use tokio::process::Command;

use super::server::{Server, ok};
use super::{client, post};

/// The part of the test below that must start with its environment: this binary, started again.
#[tokio::test]
#[ignore = "is started by the test below"]
async fn deliver() {
    for url in [
        std::env::var("RECEIVER_HTTP").unwrap(),
        std::env::var("RECEIVER_HTTPS").unwrap(),
    ] {
        // The certificate is that of another process.
        match post(&client(), &url).await {
            Ok(answer) => assert!(answer.status().is_success()),
            Err(err) => assert_eq!(err.kind().code(), "tls_error"),
        }
    }
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_asked() {
    let proxy = Server::http(ok).await;
    let receiver = Server::http(ok).await;
    let secure = Server::tls(&[], ok).await;
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let mut deliver = Command::new(std::env::current_exe().unwrap());
    deliver.args(["outbound::client::proxies::deliver", "--exact", "--ignored"]);
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        deliver
            .env(name, &address)
            .env(name.to_uppercase(), &address);
    }
    deliver.env_remove("no_proxy").env_remove("NO_PROXY");
    deliver.env("RECEIVER_HTTP", receiver.url());
    deliver.env("RECEIVER_HTTPS", secure.https());
    let output = deliver.stdin(Stdio::null()).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    assert_eq!(proxy.accepted(), 0);
    assert_eq!((receiver.accepted(), secure.accepted()), (1, 1));
}
