//! A model client.
