use super::{BoxStore, ConnectError};
use crate::config::ConfigError;

/// Connects to the store of `url`, as a configuration file has it.
///
/// | URL | store | parameters of ours |
/// |---|---|---|
/// | `moka://` | `MokaStore` | `capacity`, in records |
/// | `redis://…`, `rediss://…` (feature `tls`) | `RedisStore` | `prefix`, `timeout_ms` |
/// | `postgres://…`, `postgresql://…` | `PostgresStore` | `schema`, `timeout_ms` |
///
/// Other parameters are those of the client.
///
/// # Errors
///
/// Returns a configuration error when the URL is none of these, when the feature of its store is not
/// compiled in, and as the `connect` of each store.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "moka")]
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use tower_webhook::store::connect;
///
/// let store = connect("moka://?capacity=100000").await?;
///
/// let misspelt = connect("rediis://127.0.0.1").await.unwrap_err();
/// assert_eq!(misspelt.config().unwrap().field(), "url");
/// # Ok::<(), tower_webhook::store::ConnectError>(())
/// # }).unwrap();
/// ```
pub async fn connect(url: &str) -> Result<BoxStore, ConnectError> {
    match url.split_once(':') {
        Some(("moka", rest)) => in_memory(rest),
        Some(("redis" | "rediss", _)) => on_redis(url).await,
        Some(("postgres" | "postgresql", _)) => on_postgres(url).await,
        _ => refuse("must begin with `moka:`, `redis:`, `rediss:` or `postgres:`"),
    }
}

fn refuse<T>(reason: &'static str) -> Result<T, ConnectError> {
    Err(ConfigError::new("url", reason).into())
}

#[cfg(feature = "moka")]
fn in_memory(rest: &str) -> Result<BoxStore, ConnectError> {
    use super::MokaStore;

    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !place.trim_matches('/').is_empty() {
        return refuse("names a place, and `moka:` has none");
    }
    let mut store = MokaStore::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "capacity" {
            return refuse("has a parameter that `moka:` does not know");
        }
        match value.parse() {
            Ok(capacity) if capacity > 0 => store = MokaStore::with_capacity(capacity),
            _ => {
                return Err(ConfigError::new(
                    "capacity",
                    "must be a number of records, at least 1",
                )
                .into());
            }
        }
    }
    Ok(BoxStore::new(store))
}

#[cfg(not(feature = "moka"))]
fn in_memory(_: &str) -> Result<BoxStore, ConnectError> {
    refuse("needs the feature `moka`")
}

#[cfg(feature = "redis")]
async fn on_redis(url: &str) -> Result<BoxStore, ConnectError> {
    let (url, prefix) = take(url, "prefix");
    let (url, millis) = take(&url, "timeout_ms");
    let mut builder = super::RedisStore::builder(&url);
    if let Some(prefix) = prefix {
        builder = builder.prefix(prefix);
    }
    if let Some(millis) = millis {
        builder = builder.timeout(time(&millis)?);
    }
    builder.connect().await.map(BoxStore::new)
}

#[cfg(not(feature = "redis"))]
async fn on_redis(_: &str) -> Result<BoxStore, ConnectError> {
    refuse("needs the feature `redis`")
}

#[cfg(feature = "postgres")]
async fn on_postgres(url: &str) -> Result<BoxStore, ConnectError> {
    let (url, schema) = take(url, "schema");
    let mut builder = super::PostgresStore::builder();
    if let Some(schema) = schema {
        builder = builder.schema(schema);
    }
    let (url, millis) = take(&url, "timeout_ms");
    if let Some(millis) = millis {
        builder = builder.timeout(time(&millis)?);
    }
    builder.connect(&url).await.map(BoxStore::new)
}

#[cfg(not(feature = "postgres"))]
async fn on_postgres(_: &str) -> Result<BoxStore, ConnectError> {
    refuse("needs the feature `postgres`")
}

/// Takes the parameter `name` out of a URL, and leaves the rest to the client as it was written.
#[cfg(any(feature = "redis", feature = "postgres"))]
pub(crate) fn take(url: &str, name: &str) -> (String, Option<String>) {
    let Some((place, query)) = url.split_once('?') else {
        return (url.to_owned(), None);
    };
    let ours = |pair: &&str| pair.split_once('=').is_some_and(|(key, _)| key == name);
    let (taken, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(ours);
    let value = taken
        .last()
        .and_then(|pair| form_urlencoded::parse(pair.as_bytes()).next());
    let url = match rest.join("&") {
        rest if rest.is_empty() => place.to_owned(),
        rest => format!("{place}?{rest}"),
    };
    (url, value.map(|(_, value)| value.into_owned()))
}

#[cfg(any(feature = "redis", feature = "postgres"))]
fn time(millis: &str) -> Result<std::time::Duration, ConfigError> {
    let time = millis.parse().map(std::time::Duration::from_millis);
    let time = time.ok().filter(|time| !time.is_zero());
    time.ok_or_else(|| {
        ConfigError::new("timeout_ms", "must be a number of milliseconds, at least 1")
    })
}
