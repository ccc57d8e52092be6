//! The sending wing.

mod client;
mod egress;
mod sign;
