//! The official SDKs of providers against a running receiver: what they sign is accepted, and what we
//! sign gets the same verdict from them and from us.

mod cases;
mod differences;
mod judging;
mod providers;
mod receiver;
mod sending;
mod signing;
mod tools;
