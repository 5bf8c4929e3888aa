//! The labels of Istio's metrics, each as a text of Envoy's operators.

use std::borrow::Cow;

use super::{Called, Own, Standard};
use crate::generate::filter::peer::{self, CANONICAL, IDENTIFIED, NAMESPACE, WORKLOAD};

/// A label.
pub(super) struct Label {
    /// Its name.
    pub(super) name: &'static str,
    /// Where its value comes from.
    pub(super) format: Cow<'static, str>,
    /// The same in more words, and never empty; absent where the other is not.
    pub(super) sure: Option<String>,
}

fn label(name: &'static str, format: impl Into<Cow<'static, str>>) -> Label {
    Label { name, format: format.into(), sure: None }
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

/// Which part of what an endpoint tells (`name;namespace;canonical name;revision;cluster`) is which label. It does not
/// tell the labels `app` and `version`.
const OF_ENDPOINT: [Option<usize>; 7] = [Some(0), Some(1), Some(2), Some(3), None, None, Some(4)];

fn part(text: &str, index: usize) -> String {
    format!("%CEL({})%", peer::part(text, index))
}

fn own(side: usize, own: &Own) -> Vec<Label> {
    NAMES[side].iter().zip(&own.0).map(|(name, fact)| label(name, fact.format())).collect()
}

/// The workload that is called.
fn endpoint() -> Vec<Label> {
    const HOST: &str = "xds.upstream_host_metadata";
    let text = format!("{HOST}.filter_metadata.istio.workload");
    let one = |(name, index): (&&'static str, Option<usize>)| {
        let Some(index) = index else { return label(name, "unknown") };
        let nothing = if index == 3 { "latest" } else { "unknown" };
        let value = peer::part(&text, index);
        // There is a host, it has metadata, they have the text, and there is something in that part of it.
        let has_part = peer::has_part(&text, index);
        let there = format!("has({HOST})&&{HOST}!=null&&'istio' in {HOST}.filter_metadata&&{has_part}");
        Label { sure: Some(format!("%CEL({there}?{value}:'{nothing}')%")), ..label(name, format!("%CEL({value})%")) }
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
        NAMES[0].iter().enumerate().map(|(index, name)| label(name, part(TEXT, index))).collect();
    labels[0].format = certified(WORKLOAD, &peer::part(TEXT, 0));
    labels[1].format = certified(["true", NAMESPACE], &peer::part(TEXT, 1));
    labels[2].format = certified(CANONICAL, &peer::part(TEXT, 2));
    labels
}

/// The calling workload of a connection: nothing but its certificate tells.
fn unnamed_caller() -> Vec<Label> {
    let nothing = |name: &&'static str| label(name, if name.ends_with("revision") { "latest" } else { "unknown" });
    let mut labels: Vec<Label> = NAMES[0].iter().map(nothing).collect();
    let said = [WORKLOAD, ["true", NAMESPACE], CANONICAL];
    labels.iter_mut().zip(said).for_each(|(label, said)| label.format = certified(said, "'unknown'"));
    labels
}

/// The service that is called: what its cluster says, or this expression.
fn service(otherwise: &str) -> Vec<Label> {
    const CLUSTER: &str = "xds.cluster_metadata";
    let one = |name, key: &str, otherwise: &str| {
        let known = format!("'istio' in {CLUSTER}.filter_metadata");
        let value = format!("{CLUSTER}.filter_metadata.istio.services[0].{key}");
        // There is no cluster where nothing is routed.
        let sure = format!("%CEL(has({CLUSTER})&&{known}?{value}:{otherwise})%");
        Label { sure: Some(sure), ..label(name, format!("%CEL({known}?{value}:{otherwise})%")) }
    };
    vec![
        one("destination_service", "host", otherwise),
        one("destination_service_name", "name", "has(xds.cluster_name)?xds.cluster_name:'unknown'"),
        one("destination_service_namespace", "namespace", "'unknown'"),
    ]
}

impl Called {
    fn labels(&self) -> Vec<Label> {
        vec![
            label("destination_service", self.host.replace('%', "%%")),
            label("destination_service_name", self.name.replace('%', "%%")),
            label("destination_service_namespace", self.namespace.replace('%', "%%")),
        ]
    }
}

/// What is the same for calls and connections, but for the workloads and services.
fn common(metrics: &Standard) -> Vec<Label> {
    let principal = |side: &str| format!("%CEL(has({side}_certificate)?{side}_certificate:'unknown')%");
    let (source, destination, policy, reporter) = match metrics.inbound {
        true => (
            principal("connection.uri_san_peer"),
            principal("connection.uri_san_local"),
            "%CEL(connection.mtls?'mutual_tls':'none')%",
            "destination",
        ),
        false => (principal("upstream.uri_san_local"), principal("upstream.uri_san_peer"), "unknown", "source"),
    };
    let nobody = || "unknown".to_owned();
    let (source, destination) = if metrics.identity { (source, destination) } else { (nobody(), nobody()) };
    vec![
        label("reporter", reporter),
        label("source_principal", source),
        label("destination_principal", destination),
        label("connection_security_policy", policy),
        label("response_flags", "%RESPONSE_FLAGS%"),
    ]
}

/// Those of messages, which no answer is known of.
pub(super) fn of_messages(mut labels: Vec<Label>) -> Vec<Label> {
    labels.retain(|label| !["response_code", "response_flags", "grpc_response_status"].contains(&label.name));
    labels
}

pub(super) fn of_calls(metrics: &Standard) -> Vec<Label> {
    let mut labels = common(metrics);
    // Calls to hosts that nobody knows are named by them, as in Istio; those that come in may name anything.
    let host = if metrics.inbound { "'unknown'" } else { "has(request.host)?request.host:'unknown'" };
    labels.extend(service(host));
    labels.push(label(
        "request_protocol",
        "%CEL('content-type' in request.headers&&request.headers['content-type'].startsWith('application/grpc')?'grpc':'http')%",
    ));
    labels.push(label("response_code", "%RESPONSE_CODE%"));
    labels.push(label("grpc_response_status", "%GRPC_STATUS_NUMBER%"));
    labels.extend(own(usize::from(metrics.inbound), &metrics.own));
    labels.extend(if metrics.inbound { caller() } else { endpoint() });
    labels
}

/// Those of connections, which may all lead to one service.
pub(super) fn of_bytes(metrics: &Standard, to: Option<&Called>) -> Vec<Label> {
    let mut labels = common(metrics);
    labels.extend(to.map_or_else(|| service("'unknown'"), Called::labels));
    labels.push(label("request_protocol", "tcp"));
    labels.extend(own(usize::from(metrics.inbound), &metrics.own));
    labels.extend(if metrics.inbound { unnamed_caller() } else { endpoint() });
    labels
}
