#![doc = include_str!("docs/architecture.md")]
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `moka` (default) | `MokaStore`, the memory of deliveries inside the process |
//! | `redis` | `RedisStore`, claims on Redis 7.0 or later |
//! | `postgres` | `PostgresStore` and `PostgresReceipts`, claims and receipts on PostgreSQL 14 or later |
//! | `sqlite` | `SqliteReceipts`, receipts in a file |
//! | `tls` | TLS to the servers of stores |
//! | `axum` | the extractors `Webhook<T>` and `RawWebhook` |
//! | `ed25519` | `PublicKeyScheme` for Discord and Standard Webhooks `v1a` |
//! | `ecdsa` | `PublicKeyScheme` for SendGrid |
//! | `x509` | `SnsScheme`, `PayPalScheme`: RSA under X.509 certificates |
//! | `jwt` | `PlaidScheme`: JSON Web Tokens signed with ES256 |
//! | `rfc9421` | `Rfc9421Scheme`: HTTP Message Signatures |
//! | `outbound` | the sending wing: `SignLayer`, the egress guard, `Sender` and its administration |
//! | `handoff-nats` | `JetStreamQueue`, hand-off to NATS JetStream |
//! | `handoff-apalis` | `ApalisQueue`, hand-off to PostgreSQL, SQLite or Redis through apalis |
//! | `settings` | `Settings`, the limits of a receiver from a file |
//! | `metrics` | `MetricsObserver`, the counts of the contract for the `metrics` facade |
//! | `tracing` | a span a request, by OpenTelemetry's conventions, and an event an outcome |
//! | `test-util` | `testing` (signed deliveries, and spoiled ones), `ManualClock`, `TestClock`, the conformance suites of stores and of receipts |

// Inbound, in stack order. The blank lines keep rustfmt from sorting the list.

pub mod observe;

pub mod source;

pub mod limit;

pub mod verify;

pub mod detach;

pub mod receipt;

pub mod replay;

pub mod envelope;

pub mod idempotency;

// Below the rooms.

pub mod dispatch;

pub mod handoff;

// The sending wing.

#[cfg(feature = "outbound")]
pub mod outbound;

// Beside the rooms: which connection a request belongs to.

pub mod connection;

// What tests of users need.

#[cfg(feature = "test-util")]
pub mod testing;

// The porch: only `stack` knows every room.

pub mod stack;

#[cfg(feature = "settings")]
pub mod settings;

// The cellar: what every room stands on.

mod background;
pub mod body;
pub mod config;
pub mod danger;
pub mod delivery;
pub mod event;
pub mod outcome;
pub mod rejection;
mod report;
mod scan;
pub mod scheme;
pub mod secret;
mod span;
pub mod store;
mod sync;
pub mod time;

pub use self::stack::Inbound;

/// Alias for a type-erased error type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
