//! The sending wing.

mod admin;
mod catalogue;
mod client;
mod egress;
mod sender;
mod sign;
mod sqlite;
