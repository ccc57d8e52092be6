//! A receiver for GitHub webhooks on axum: `cargo run --example quickstart`.

use axum::Router;
use axum::routing::post;
use http::StatusCode;
use tower::ServiceBuilder;
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::scheme::HmacScheme;
use tower_webhook::secret::Secret;
use tower_webhook::verify::VerifyLayer;

fn app(secret: Secret) -> Router {
    let stack = ServiceBuilder::new()
        .layer(BodyLimitLayer::new(1 << 20))
        .layer(VerifyLayer::new(HmacScheme::github(secret)));
    Router::new()
        .route("/webhooks/github/primary", post(handle))
        .layer(stack)
}

// Only verified bodies come this far.
async fn handle(body: String) -> StatusCode {
    println!("verified: {body}");
    StatusCode::NO_CONTENT
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").unwrap_or("8000".into()).parse()?;
    let text = std::env::var("WEBHOOK_SECRET").unwrap_or("quickstart-secret".into());
    let app = app(Secret::new(&text)?);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    println!(
        r#"accepted with 204; with another BODY after the signature was made, 401:
  WEBHOOK_SECRET='{text}' BODY='{{"action":"opened"}}'
  SIG=$(printf '%s' "$BODY" | openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" | sed 's/^.* //')
  curl -i http://localhost:{port}/webhooks/github/primary -H "Content-Type: application/json" -H "X-Hub-Signature-256: sha256=$SIG" --data "$BODY""#
    );
    axum::serve(listener, app).await?;
    Ok(())
}
