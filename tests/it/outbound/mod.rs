//! The sending wing.

mod admin;
mod catalogue;
mod client;
mod egress;
mod model;
mod postgres;
mod sender;
mod sign;
mod sqlite;
mod stores;
