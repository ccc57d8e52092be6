//! The sending wing.

mod client;
mod egress;
mod sender;
mod sign;
