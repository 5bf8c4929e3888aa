//! The labels of Istio's metrics, each as a text of Envoy's operators.

use std::borrow::Cow;

use super::Own;
use crate::generate::filter::peer::{self, CANONICAL, IDENTIFIED, NAMESPACE, WORKLOAD};

/// A label.
pub(super) struct Label {
    /// Its name.
    pub(super) name: &'static str,
    /// Where its value comes from.
    pub(super) format: Cow<'static, str>,
    /// What it is where there is no value; it may be empty if absent.
    pub(super) empty: Option<&'static str>,
}

const UNKNOWN: Option<&str> = Some("unknown");

fn label(name: &'static str, format: impl Into<Cow<'static, str>>, empty: Option<&'static str>) -> Label {
    Label { name, format: format.into(), empty }
}

/// The seven labels of a workload, for the side that calls and the side that is called.
const NAMES: [[&str; 7]; 2] = [
    [
        "source_workload",
        "source_workload_namespace",
        "source_canonical_service",
        "source_canonical_revision",
        "source_app",
        "source_version",
        "source_cluster",
    ],
    [
        "destination_workload",
        "destination_workload_namespace",
        "destination_canonical_service",
        "destination_canonical_revision",
        "destination_app",
        "destination_version",
        "destination_cluster",
    ],
];

/// The same, read from the proxy's own Node.
const OF_NODE: [&str; 7] = [
    "%CEL(xds.node.metadata.WORKLOAD_NAME)%",
    "%CEL(xds.node.metadata.NAMESPACE)%",
    "%CEL('service.istio.io/canonical-name' in xds.node.metadata.LABELS?\
     xds.node.metadata.LABELS['service.istio.io/canonical-name']:\
     has(xds.node.metadata.LABELS.app)?xds.node.metadata.LABELS.app:xds.node.metadata.WORKLOAD_NAME)%",
    "%CEL('service.istio.io/canonical-revision' in xds.node.metadata.LABELS?\
     xds.node.metadata.LABELS['service.istio.io/canonical-revision']:\
     has(xds.node.metadata.LABELS.version)?xds.node.metadata.LABELS.version:'latest')%",
    "%CEL(has(xds.node.metadata.LABELS.app)?xds.node.metadata.LABELS.app:'unknown')%",
    "%CEL(has(xds.node.metadata.LABELS.version)?xds.node.metadata.LABELS.version:'unknown')%",
    "%CEL(xds.node.metadata.CLUSTER_ID)%",
];

/// Which part of what an endpoint tells (`name;namespace;canonical name;revision;cluster`) is which label. It does not
/// tell the labels `app` and `version`.
const OF_ENDPOINT: [Option<usize>; 7] = [Some(0), Some(1), Some(2), Some(3), None, None, Some(4)];

fn part(text: &str, index: usize) -> String {
    format!("%CEL({})%", peer::part(text, index))
}

fn own(side: usize, own: Option<&Own>) -> Vec<Label> {
    let Some(own) = own else {
        return NAMES[side].iter().zip(OF_NODE).map(|(name, format)| label(name, format, None)).collect();
    };
    let Own { workload, namespace, canonical, revision, app, version, cluster } = own;
    let values = [workload, namespace, canonical, revision, app, version, cluster];
    let literal = |text: &str| text.replace('%', "%%");
    NAMES[side].iter().zip(values).map(|(name, value)| label(name, literal(value), None)).collect()
}

/// The workload that is called.
fn endpoint() -> Vec<Label> {
    const TEXT: &str = "xds.upstream_host_metadata.filter_metadata.istio.workload";
    let one = |(name, index): (&&'static str, Option<usize>)| match index {
        None => label(name, "unknown", None),
        Some(3) => label(name, part(TEXT, 3), Some("latest")),
        Some(index) => label(name, part(TEXT, index), UNKNOWN),
    };
    NAMES[1].iter().zip(OF_ENDPOINT).map(one).collect()
}

/// What the certificate of a caller says, or else this. Nothing else is believed of what a certificate says.
fn certified([there, value]: [&str; 2], otherwise: &str) -> Cow<'static, str> {
    format!("%CEL({IDENTIFIED}&&{there}?{value}:{otherwise})%").into()
}

/// The calling workload, as it told by a header (`HttpFilter::Recognise`). A caller with a certificate is who that says.
fn caller() -> Vec<Label> {
    const TEXT: &str = "metadata.filter_metadata['mesh.src'].peer";
    let mut labels: Vec<Label> =
        NAMES[0].iter().enumerate().map(|(index, name)| label(name, part(TEXT, index), None)).collect();
    labels[0].format = certified(WORKLOAD, &peer::part(TEXT, 0));
    labels[1].format = certified(["true", NAMESPACE], &peer::part(TEXT, 1));
    labels[2].format = certified(CANONICAL, &peer::part(TEXT, 2));
    labels
}

/// The calling workload of a connection: nothing but its certificate tells.
fn unnamed_caller() -> Vec<Label> {
    let nothing =
        |name: &&'static str| label(name, if name.ends_with("revision") { "latest" } else { "unknown" }, None);
    let mut labels: Vec<Label> = NAMES[0].iter().map(nothing).collect();
    let said = [WORKLOAD, ["true", NAMESPACE], CANONICAL];
    labels.iter_mut().zip(said).for_each(|(label, said)| label.format = certified(said, "'unknown'"));
    labels
}

/// What is the same for calls and connections, but for the workloads.
fn common(inbound: bool, calls: bool) -> Vec<Label> {
    const SERVICE: &str = "'istio' in xds.cluster_metadata.filter_metadata?\
                           xds.cluster_metadata.filter_metadata.istio.services[0]";
    // Calls to hosts that nobody knows are named by them, as in Istio; those that come in may name anything.
    let host = if calls && !inbound { "request.host" } else { "'unknown'" };
    let (source, destination, policy, reporter) = match inbound {
        true => (
            "%CEL(has(connection.uri_san_peer_certificate)?connection.uri_san_peer_certificate:'unknown')%",
            "%CEL(has(connection.uri_san_local_certificate)?connection.uri_san_local_certificate:'unknown')%",
            "%CEL(connection.mtls?'mutual_tls':'none')%",
            "destination",
        ),
        false => (
            "%CEL(has(upstream.uri_san_local_certificate)?upstream.uri_san_local_certificate:'unknown')%",
            "%CEL(has(upstream.uri_san_peer_certificate)?upstream.uri_san_peer_certificate:'unknown')%",
            "unknown",
            "source",
        ),
    };
    vec![
        label("reporter", reporter, None),
        label("source_principal", source, None),
        label("destination_principal", destination, None),
        label("destination_service", format!("%CEL({SERVICE}.host:{host})%"), UNKNOWN),
        label("destination_service_name", format!("%CEL({SERVICE}.name:xds.cluster_name)%"), UNKNOWN),
        label("destination_service_namespace", format!("%CEL({SERVICE}.namespace:'unknown')%"), UNKNOWN),
        label("connection_security_policy", policy, None),
    ]
}

/// Those of messages, which no answer is known of.
pub(super) fn of_messages(mut labels: Vec<Label>) -> Vec<Label> {
    labels.retain(|label| !["response_code", "response_flags", "grpc_response_status"].contains(&label.name));
    labels
}

pub(super) fn of_calls(inbound: bool, workload: Option<&Own>) -> Vec<Label> {
    let mut labels = common(inbound, true);
    labels.push(label("response_flags", "%RESPONSE_FLAGS%", None));
    labels.push(label(
        "request_protocol",
        "%CEL('content-type' in request.headers&&request.headers['content-type'].startsWith('application/grpc')?'grpc':'http')%",
        None,
    ));
    labels.push(label("response_code", "%RESPONSE_CODE%", None));
    labels.push(label("grpc_response_status", "%GRPC_STATUS_NUMBER%", None));
    labels.extend(own(usize::from(inbound), workload));
    labels.extend(if inbound { caller() } else { endpoint() });
    labels
}

pub(super) fn of_bytes(inbound: bool, workload: Option<&Own>) -> Vec<Label> {
    let mut labels = common(inbound, false);
    labels.push(label("response_flags", "%RESPONSE_FLAGS%", None));
    labels.push(label("request_protocol", "tcp", None));
    labels.extend(own(usize::from(inbound), workload));
    labels.extend(if inbound { unnamed_caller() } else { endpoint() });
    labels
}
