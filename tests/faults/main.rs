//! What becomes of calls when something fails: a real API server, replicas of mizzen, stock Envoys, live traffic.
//!
//! Every test calls a service through a client's sidecar without end and takes no failed call. Needs root on Linux and
//! what `tests/setup.sh` installs and builds. A missing part fails a test, which says what to do.
#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

mod api_server;
mod changes;
mod replicas;
mod shares;

#[expect(dead_code, reason = "more than is needed here")]
#[path = "../e2e/fixture.rs"]
mod fixture;

#[expect(dead_code, reason = "what other tests share with these is more than is needed here")]
mod support {
    #[path = "../../e2e/support/backend.rs"]
    pub(crate) mod backend;
    #[path = "../../e2e/support/capture.rs"]
    pub(crate) mod capture;
    #[path = "../../e2e/support/dns.rs"]
    pub(crate) mod dns;
    #[path = "../../e2e/support/envoy.rs"]
    pub(crate) mod envoy;
    #[path = "../../e2e/support/greeter.rs"]
    pub(crate) mod greeter;
    #[path = "../../e2e/support/http.rs"]
    pub(crate) mod http;
    #[path = "../../e2e/support/load.rs"]
    pub(crate) mod load;
    #[path = "../../e2e/support/netns.rs"]
    pub(crate) mod netns;
    #[path = "../../e2e/support/network.rs"]
    pub(crate) mod network;
    #[path = "../../e2e/support/process.rs"]
    pub(crate) mod process;
    #[path = "../../e2e/support/require.rs"]
    pub(crate) mod require;

    #[path = "../../kube/support/api.rs"]
    pub(crate) mod api;
    #[path = "../../kube/support/cluster.rs"]
    pub(crate) mod cluster;
    #[path = "../../kube/support/documents.rs"]
    pub(crate) mod documents;
    #[path = "../../kube/support/ports.rs"]
    pub(crate) mod ports;
    #[path = "../../kube/support/relay.rs"]
    pub(crate) mod relay;
    #[path = "../../kube/support/xds.rs"]
    pub(crate) mod xds;

    pub(crate) mod ground;
    pub(crate) mod replica;
    pub(crate) mod town;
}
