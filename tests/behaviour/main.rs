//! What generated configuration does with calls, as istiod documents it for VirtualServices and DestinationRules.
//!
//! Each test makes a mesh of YAML, lets it be rendered for a proxy, and asks a small evaluator of Envoy's rules where
//! calls go. How the configuration looks does not matter here; the corpus is for that.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod calls;
mod connections;
mod delegates;
mod evaluator;
mod gateways;
mod ownership;
mod places;
mod policies;
mod precedence;
mod security;
mod variables;
mod world;
