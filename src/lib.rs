#![doc = include_str!("docs/architecture.md")]

pub mod scheme;

// The cellar: what every room stands on.

pub mod delivery;
pub mod secret;
