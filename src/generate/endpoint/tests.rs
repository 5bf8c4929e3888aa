//! Endpoints as facts, and what comes of them.
