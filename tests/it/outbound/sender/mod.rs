//! The sender, on the store in memory, with a client that is a script.

mod health;
mod keeping;
mod operating;
mod policies;
mod rig;
mod schedules;
mod settling;
mod sockets;
