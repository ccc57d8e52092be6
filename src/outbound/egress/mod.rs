//! Refuses to connect to addresses that are not public.
