//! Look-up of keys, and what the vectors do not ask.
