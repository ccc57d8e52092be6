use super::{BoxReceipts, MemoryReceipts};
use crate::config::ConfigError;
use crate::store::ConnectError;

/// Connects to the store of receipts that `url` names, as a configuration file has it.
///
/// | URL | store | parameters of ours |
/// |---|---|---|
/// | `memory`, `memory://` | [`MemoryReceipts`] | `capacity`, in receipts |
/// | `sqlite://…`, `sqlite::memory:` | `SqliteReceipts` | |
/// | `postgres://…`, `postgresql://…` | `PostgresReceipts` | `schema` |
///
/// Other parameters are those of the client.
///
/// # Errors
///
/// Returns a configuration error that names `receipts` when the URL is none of these and when the feature
/// of its store is not compiled in, and otherwise as the `connect` of each store.
///
/// # Example
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use tower_webhook::receipt::{ReceiptLayer, connect};
///
/// let receipts = ReceiptLayer::new(connect("memory://?capacity=100000").await?);
///
/// let misspelt = connect("sqlight://receipts.db").await.unwrap_err();
/// assert_eq!(misspelt.config().unwrap().field(), "receipts");
/// # Ok::<(), tower_webhook::store::ConnectError>(())
/// # }).unwrap();
/// ```
pub async fn connect(url: &str) -> Result<BoxReceipts, ConnectError> {
    match url.split_once(':').unwrap_or((url, "")) {
        ("memory", rest) => in_memory(rest),
        ("sqlite", rest) if !rest.is_empty() => on_sqlite(url).await,
        ("postgres" | "postgresql", rest) if !rest.is_empty() => on_postgres(url).await,
        _ => refuse("must be `memory`, or begin with `memory:`, `sqlite:` or `postgres:`"),
    }
}

fn refuse<T>(reason: &'static str) -> Result<T, ConnectError> {
    Err(ConfigError::new("receipts", reason).into())
}

fn in_memory(rest: &str) -> Result<BoxReceipts, ConnectError> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !place.trim_matches('/').is_empty() {
        return refuse("names a place, and `memory:` has none");
    }
    let mut store = MemoryReceipts::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "capacity" {
            return refuse("has a parameter that `memory:` does not know");
        }
        match value.parse() {
            Ok(capacity) if capacity > 0 => store = MemoryReceipts::with_capacity(capacity),
            _ => return refuse("has a `capacity` that is no number of receipts, at least 1"),
        }
    }
    Ok(BoxReceipts::new(store))
}

#[cfg(feature = "sqlite")]
async fn on_sqlite(url: &str) -> Result<BoxReceipts, ConnectError> {
    let store = super::SqliteReceipts::connect(url).await?;
    Ok(BoxReceipts::new(store))
}

#[cfg(not(feature = "sqlite"))]
async fn on_sqlite(_: &str) -> Result<BoxReceipts, ConnectError> {
    refuse("needs the feature `sqlite`")
}

#[cfg(feature = "postgres")]
async fn on_postgres(url: &str) -> Result<BoxReceipts, ConnectError> {
    let store = super::PostgresReceipts::connect(url).await?;
    Ok(BoxReceipts::new(store))
}

#[cfg(not(feature = "postgres"))]
async fn on_postgres(_: &str) -> Result<BoxReceipts, ConnectError> {
    refuse("needs the feature `postgres`")
}
