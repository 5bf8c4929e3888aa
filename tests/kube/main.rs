//! With a real Kubernetes API server, without a cluster: etcd and kube-apiserver as child processes.
//!
//! Needs what `tests/setup.sh` installs and builds. A missing part fails a test, which says what to do. There are no
//! controllers: no EndpointSlice, status or deletion of a namespace but what a test writes itself.
#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

mod access;
mod addresses;
mod callers;
mod chart;
mod conditions;
mod corpus;
mod definitions;
mod discovery;
mod faults;
mod leaders;
mod multicluster;
mod reading;
mod rights;

#[expect(dead_code, reason = "scores are for the corpus's own runner")]
#[path = "../corpus_runner/compare.rs"]
mod compare;

mod support {
    pub(crate) mod api;
    #[expect(dead_code, reason = "`faults` needs more of it")]
    pub(crate) mod cluster;
    pub(crate) mod documents;
    pub(crate) mod ports;
    #[expect(dead_code, reason = "`faults` needs more of it")]
    pub(crate) mod relay;
    pub(crate) mod replica;
    pub(crate) mod source;
    #[expect(dead_code, reason = "`faults` needs more of it")]
    pub(crate) mod xds;
}
