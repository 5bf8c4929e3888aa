//! Which of several control planes is the default one.

use http::Method;

use super::rights::Right;
use super::server::Server;

/// What istioctl and Istio's charts make to say so.
const TAG: &str = "istio-revision-tag-default";

/// The default revision; empty if there is none, or if that cannot be found out: then no lock is taken from anybody.
pub(super) async fn default(server: &Server) -> String {
    let (group, resource) = ("admissionregistration.k8s.io", "mutatingwebhookconfigurations");
    let path = format!("/apis/{group}/v1/{resource}/{TAG}");
    let hook = server.ask(Method::GET, &path, None, &Right::to("get", group, resource)).await;
    let revision = hook.ok().and_then(|hook| hook["metadata"]["labels"]["istio.io/rev"].as_str().map(str::to_owned));
    revision.unwrap_or_default()
}
