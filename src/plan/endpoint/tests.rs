//! Endpoints as they are planned.
