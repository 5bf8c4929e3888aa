//! `mizzen demo`: a small mesh on this machine, with real traffic through stock Envoy.

pub mod greeter;
