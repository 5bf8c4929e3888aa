//! `mizzen demo`: a small mesh on this machine, with real traffic through stock Envoy.

pub mod dns;
pub mod greeter;
pub mod load;
pub mod mysql;
pub mod place;
