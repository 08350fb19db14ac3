//! A server's life.
