//! What the end-to-end tests have already, and those with an API server.

#[path = "../kube/support/api.rs"]
pub(crate) mod api;
#[path = "../kube/support/cluster.rs"]
pub(crate) mod cluster;
#[path = "../kube/support/documents.rs"]
pub(crate) mod documents;
#[path = "../e2e/support/envoy.rs"]
pub(crate) mod envoy;
#[path = "../e2e/support/http.rs"]
pub(crate) mod http;
#[path = "../e2e/support/netns.rs"]
pub(crate) mod netns;
#[path = "../kube/support/ports.rs"]
pub(crate) mod ports;
#[path = "../e2e/support/process.rs"]
pub(crate) mod process;
#[path = "../e2e/support/require.rs"]
pub(crate) mod require;
