//! Who answers for a cluster, and how they are spoken to.

use serde_json::Value;

use super::Held;
use super::text::{list, string};

/// An endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) address: String,
    pub(crate) priority: u64,
    /// `region/zone/subzone`.
    pub(crate) locality: String,
    /// The weight of its group.
    pub(crate) weight: u64,
    pub(crate) transport: Transport,
}

/// How something is spoken to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Transport {
    /// In clear text.
    Clear,
    /// In TLS.
    Tls(Tls),
}

/// TLS as the caller sets it up.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tls {
    /// The name in the ClientHello; empty where it follows from the call, or there is none.
    pub(crate) sni: String,
    /// Whether the name in the ClientHello is the one that was called.
    pub(crate) sni_of_call: bool,
    /// The secrets with the caller's own certificate.
    pub(crate) own: Vec<String>,
    /// The secret with the roots; empty where the server is not checked.
    pub(crate) roots: String,
    /// One of these names must be the server's.
    pub(crate) names: Vec<String>,
    pub(crate) alpn: Vec<String>,
}

impl Transport {
    /// Whether it is TLS between workloads of the mesh.
    pub(crate) fn is_mesh(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.own == ["default"] && tls.roots == "ROOTCA")
    }

    /// The settings of TLS.
    pub(crate) fn tls(&self) -> &Tls {
        match self {
            Self::Tls(tls) => tls,
            Self::Clear => panic!("this is clear text"),
        }
    }
}

impl Held {
    /// A cluster as Envoy gets it.
    pub(crate) fn settings(&self, cluster: &str) -> &Value {
        self.0["clusters"].get(cluster).unwrap_or_else(|| panic!("there is no cluster {cluster}"))
    }

    /// The endpoints of a cluster, the preferred ones first.
    pub(crate) fn endpoints(&self, cluster: &str) -> Vec<Endpoint> {
        let settings = self.settings(cluster);
        let assignment = match settings["type"].as_str() {
            Some("EDS") => &self.0["endpoints"][cluster],
            _ => &settings["loadAssignment"],
        };
        let mut all = Vec::new();
        for group in list(&assignment["endpoints"]) {
            let part = |name: &str| string(&group["locality"][name]);
            let locality = format!("{}/{}/{}", part("region"), part("zone"), part("subZone"));
            for endpoint in list(&group["lbEndpoints"]) {
                all.push(Endpoint {
                    address: string(&endpoint["endpoint"]["address"]["socketAddress"]["address"]),
                    priority: group["priority"].as_u64().unwrap_or(0),
                    locality: locality.trim_end_matches('/').to_owned(),
                    weight: group["loadBalancingWeight"].as_u64().unwrap_or(0),
                    transport: transport(settings, endpoint),
                });
            }
        }
        all.sort_by(|a, b| (a.priority, &a.address).cmp(&(b.priority, &b.address)));
        all
    }

    /// The addresses of its endpoints, the preferred ones first.
    pub(crate) fn addresses(&self, cluster: &str) -> Vec<String> {
        self.endpoints(cluster).into_iter().map(|e| e.address).collect()
    }

    /// How all endpoints are spoken to, where the cluster alone says so.
    pub(crate) fn transport(&self, cluster: &str) -> Transport {
        transport(self.settings(cluster), &Value::Null)
    }

    /// HTTP options of a cluster.
    pub(crate) fn http(&self, cluster: &str) -> &Value {
        http(self.settings(cluster))
    }
}

fn http(settings: &Value) -> &Value {
    &settings["typedExtensionProtocolOptions"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
}

/// The socket that an endpoint's metadata choose, else the cluster's own.
fn transport(settings: &Value, endpoint: &Value) -> Transport {
    let told = &endpoint["metadata"]["filterMetadata"]["envoy.transport_socket_match"];
    let fits = |choice: &&Value| {
        let wanted = choice["match"].as_object();
        wanted.into_iter().flatten().all(|(key, value)| told[key] == *value)
    };
    let chosen = list(&settings["transportSocketMatches"]).iter().find(fits).map(|choice| &choice["transportSocket"]);
    let socket = chosen.unwrap_or_else(|| &settings["transportSocket"]);
    let config = &socket["typedConfig"];
    match config["@type"].as_str().unwrap_or_default().rsplit('.').next() {
        Some("UpstreamTlsContext") => Transport::Tls(tls(config, http(settings))),
        _ => Transport::Clear,
    }
}

fn tls(config: &Value, http: &Value) -> Tls {
    let common = &config["commonTlsContext"];
    let combined = &common["combinedValidationContext"];
    let strings = |value: &Value| list(value).iter().map(string).collect();
    Tls {
        sni: string(&config["sni"]),
        sni_of_call: http["upstreamHttpProtocolOptions"]["autoSni"].as_bool().unwrap_or(false),
        own: list(&common["tlsCertificateSdsSecretConfigs"]).iter().map(|s| string(&s["name"])).collect(),
        roots: string(&combined["validationContextSdsSecretConfig"]["name"]),
        names: list(&combined["defaultValidationContext"]["matchSubjectAltNames"])
            .iter()
            .map(|name| string(&name["exact"]))
            .collect(),
        alpn: strings(&common["alpnProtocols"]),
    }
}
