//! The store of a URL.

use std::time::Duration;

use tower_webhook::store::{
    Claim, Claimant, Fingerprint, IdemKey, IdempotencyStore as _, StoreErrorKind, connect,
};

use super::servers;

const LEASE: Duration = Duration::from_secs(300);

async fn refusal(url: &str) -> String {
    let err = connect(url).await.unwrap_err();
    let config = err.config().unwrap_or_else(|| panic!("{url}: {err:?}"));
    config.to_string()
}

#[tokio::test]
async fn what_names_no_store_is_refused_by_field_and_reason() {
    for (url, says) in [
        ("", "`url` must begin with"),
        ("nonsense", "`url` must begin with"),
        ("memcached://127.0.0.1", "`url` must begin with"),
        ("moka://127.0.0.1", "`url` names a place"),
        ("moka://?size=1", "`url` has a parameter"),
        ("moka://?capacity=0", "`capacity` must be"),
        ("moka:?capacity=many", "`capacity` must be"),
        ("redis://127.0.0.1?timeout_ms=0", "`timeout_ms` must be"),
        ("postgres://127.0.0.1?timeout_ms=1s", "`timeout_ms` must be"),
        ("redis://[", "`url` is not the address of a Redis server"),
        (
            "postgres://[",
            "`url` is not the address of a PostgreSQL server",
        ),
    ] {
        let refusal = refusal(url).await;
        assert!(refusal.starts_with(says), "{url}: {refusal}");
    }
}

#[tokio::test]
async fn the_capacity_of_the_memory_is_in_the_url() {
    let store = connect("moka://?capacity=1").await.unwrap();
    let payload = Fingerprint::of(b"{}");
    for (number, expected) in [("1", None), ("2", Some(StoreErrorKind::Full))] {
        let key = IdemKey::compose("github", None, number);
        let claim = store.claim(&key, Claimant::unique(), &payload, LEASE).await;
        assert_eq!(claim.err().map(|err| err.kind()), expected);
    }
}

/// Whether two stores share their deliveries.
async fn are_one(one: &str, two: &str) -> bool {
    let (one, two) = (connect(one).await.unwrap(), connect(two).await.unwrap());
    let key = IdemKey::compose("github", None, "1");
    let payload = Fingerprint::of(b"{}");
    let lease = Duration::from_secs(10);
    let first = one
        .claim(&key, Claimant::unique(), &payload, lease)
        .await
        .unwrap();
    let second = two
        .claim(&key, Claimant::unique(), &payload, lease)
        .await
        .unwrap();
    let Claim::Acquired { fence, .. } = first else {
        panic!("{first:?}");
    };
    one.release(&key, fence).await.unwrap();
    match second {
        Claim::InProgress { .. } => true,
        Claim::Acquired { fence, .. } => {
            two.release(&key, fence).await.unwrap();
            false
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_prefix_on_redis_is_in_the_url() {
    let Some(url) = servers::redis() else { return };
    let url = format!(
        "{url}?timeout_ms=30000&protocol=resp3&prefix={}",
        servers::unique("test")
    );
    assert!(are_one(&url, &url).await);
    assert!(!are_one(&url, &format!("{url}%3A")).await);
}

#[tokio::test]
async fn the_schema_on_postgres_is_in_the_url() {
    let Some(url) = servers::postgres() else {
        return;
    };
    let (one, two) = (servers::unique("test"), servers::unique("test"));
    let of = |schema: &str| format!("{url}?schema={schema}&timeout_ms=30000&application_name=test");
    assert!(are_one(&of(&one), &of(&one)).await);
    assert!(!are_one(&of(&one), &of(&two)).await);
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    for schema in [one, two] {
        let drop = format!("DROP SCHEMA {schema} CASCADE");
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop))
            .execute(&pool)
            .await
            .unwrap();
    }
}
