//! The sending wing.

mod sign;
