//! Proofs of the protocol: the suite is worth running, histories are right, each fault has its row.

mod broken;
mod faults;
mod history;
#[cfg(all(feature = "redis", feature = "postgres"))]
mod servers;
