//! The Node by which the control plane knows the proxy, with metadata under the keys that pilot-agent sends
//! (istio `pkg/model/proxy.go`, `NodeMetadata`).

use serde_json::{Map, Value, json};

use super::Options;

/// Metadata key with the name servers to which a DNS listener forwards names it does not know: `IP:PORT`, several
/// separated by commas. Istio's agent reads `/etc/resolv.conf` itself; a stock Envoy gets its DNS listener from the
/// control plane, which has to be told.
pub const RESOLVERS_KEY: &str = "MIZZEN_DNS_RESOLVERS";

/// Labels that name one rollout of a workload, which Istio keeps out of a proxy's identity.
const ROLLOUT_LABEL: &str = "pod-template-hash";

pub(super) fn node(options: &Options) -> Value {
    let workload = &options.workload;
    let id = format!(
        "{}~{}~{}.{}~{}.svc.{}",
        if options.gateway { "router" } else { "sidecar" },
        workload.ips.first().map(ToString::to_string).unwrap_or_default(),
        workload.name,
        workload.namespace,
        workload.namespace,
        options.mesh.domain
    );
    json!({"id": id, "cluster": service_cluster(options), "metadata": metadata(options)})
}

/// `APP.NAMESPACE`: the name under which traces show the workload, as Istio's default tracing name.
fn service_cluster(options: &Options) -> String {
    let labels = &options.workload.labels;
    let app = labels.get("app").or_else(|| labels.get("service.istio.io/canonical-name"));
    format!("{}.{}", app.map_or_else(|| workload_name(options), String::as_str), options.workload.namespace)
}

/// The last part of the owner's path, or the pod's own name.
fn workload_name(options: &Options) -> &str {
    let owner = options.workload.owner.as_deref().unwrap_or(&options.workload.name);
    owner.rsplit('/').next().unwrap_or(owner)
}

fn metadata(options: &Options) -> Map<String, Value> {
    let workload = &options.workload;
    let mut keys = Map::new();
    let mut text = |key: &str, value: String| keys.insert(key.to_owned(), Value::String(value));

    text("NAME", workload.name.clone());
    text("NAMESPACE", workload.namespace.clone());
    text("INSTANCE_IPS", workload.ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    text("SERVICE_ACCOUNT", workload.service_account.clone());
    text("WORKLOAD_NAME", workload_name(options).to_owned());
    text("OWNER", workload.owner.clone().unwrap_or_else(|| own_pod(options)));
    text("CLUSTER_ID", options.mesh.cluster_id.clone());
    text("MESH_ID", options.mesh.mesh_id.clone());
    if !options.gateway {
        text("INTERCEPTION_MODE", "REDIRECT".to_owned());
    }
    if let Some(network) = &options.mesh.network {
        text("NETWORK", network.clone());
    }
    if let Some(node) = &workload.node_name {
        text("NODE_NAME", node.clone());
    }
    if !workload.containers.is_empty() {
        text("APP_CONTAINERS", workload.containers.join(","));
    }
    if !workload.ports.is_empty() {
        // An array inside a string, as the injector writes it.
        text("POD_PORTS", json!(workload.ports).to_string());
    }
    if let Some(resolvers) = &options.dns {
        text("DNS_CAPTURE", "true".to_owned());
        text("DNS_AUTO_ALLOCATE", "true".to_owned());
        text(RESOLVERS_KEY, resolvers.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    }
    add_structured(options, &mut keys);
    for (key, value) in &options.metadata {
        keys.insert(key.clone(), Value::String(value.clone()));
    }
    keys
}

/// The keys whose values are not strings.
fn add_structured(options: &Options, keys: &mut Map<String, Value>) {
    let labels: Map<String, Value> = (options.workload.labels.iter())
        .filter(|(key, _)| *key != ROLLOUT_LABEL)
        .map(|(key, value)| (key.clone(), Value::String(value.clone())))
        .collect();
    keys.insert("LABELS".to_owned(), Value::Object(labels));
    if let Some(port) = options.ports.health {
        keys.insert("ENVOY_STATUS_PORT".to_owned(), json!(port));
    }
    if let Some(port) = options.ports.prometheus {
        keys.insert("ENVOY_PROMETHEUS_PORT".to_owned(), json!(port));
    }
    if options.sds_socket.is_some() {
        keys.insert("PROXY_CONFIG".to_owned(), proxy_config(options));
    }
}

/// What Istio's agent says of itself; only its presence matters to the control plane.
fn proxy_config(options: &Options) -> Value {
    json!({
        "discoveryAddress": options.discovery.to_string(),
        "proxyAdminPort": options.admin.port(),
        "serviceCluster": service_cluster(options),
        "statusPort": options.ports.status,
    })
}

fn own_pod(options: &Options) -> String {
    format!("kubernetes://apis/v1/namespaces/{}/pods/{}", options.workload.namespace, options.workload.name)
}
