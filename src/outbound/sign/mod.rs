//! Signs what is sent.
