//! Edits of a small mesh in which names, hosts and ports collide all the time.

use std::sync::Arc;

use mizzen::api::mesh::{MeshConfig, MeshNetworks};
use mizzen::api::{self, Object};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// One object written or taken away.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    document: Value,
    delete: bool,
}

impl Edit {
    /// The object as decoded.
    pub(crate) fn object(&self) -> Arc<Object> {
        let decoded = api::decode(self.document.clone(), None);
        Arc::new(decoded.object.unwrap_or_else(|| panic!("{:?}\n{}", decoded.findings, self.document)))
    }

    /// Whether the edit takes the object away.
    pub(crate) fn deletes(&self) -> bool {
        self.delete
    }
}

fn namespace() -> impl Strategy<Value = &'static str> {
    select(vec!["one", "two", "istio-system"])
}

fn name() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "c"])
}

fn host() -> impl Strategy<Value = &'static str> {
    select(vec![
        "a.one.svc.cluster.local",
        "b.two.svc.cluster.local",
        "a",
        "x.example.com",
        "y.example.com",
        "*.example.com",
    ])
}

fn export() -> impl Strategy<Value = Vec<&'static str>> {
    select(vec![vec![], vec![], vec!["*"], vec!["."], vec!["two"], vec!["~"]])
}

fn port_name() -> impl Strategy<Value = &'static str> {
    select(vec!["http", "tcp-x", "grpc", "plain", "tls-y", "udp-z"])
}

fn document(api: &str, kind: &str, namespace: &str, name: &str, created: i64, body: Value) -> Value {
    let mut out = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace,
        "creationTimestamp": format!("2026-01-01T00:00:0{created}Z")}});
    for (key, value) in body.as_object().into_iter().flatten() {
        match key.as_str() {
            "metadata" => value.as_object().into_iter().flatten().for_each(|(k, v)| out["metadata"][k] = v.clone()),
            _ => out[key] = value.clone(),
        }
    }
    out
}

fn service() -> impl Strategy<Value = Value> {
    let ip = select(vec!["10.96.0.1", "10.96.0.2", "None", ""]);
    (namespace(), name(), ip, port_name(), select(vec![80, 3306]), export(), 0..2_i64).prop_map(|(ns, n, ip, port, number, export, created)| {
        let protocol = if port.starts_with("udp") { "UDP" } else { "TCP" };
        let mut metadata = json!({"labels": {"app": n}});
        if !export.is_empty() {
            metadata["annotations"] = json!({"networking.istio.io/exportTo": export.join(",")});
        }
        let mut spec = json!({"selector": {"app": n}, "ports": [{"name": port, "port": number, "targetPort": 8080, "protocol": protocol}]});
        match ip {
            "" => spec = json!({"type": "ExternalName", "externalName": "x.example.com", "ports": spec["ports"]}),
            ip => spec["clusterIP"] = json!(ip),
        }
        document("v1", "Service", ns, n, created, json!({"metadata": metadata, "spec": spec}))
    })
}

fn slice() -> impl Strategy<Value = Value> {
    (namespace(), name(), port_name(), any::<bool>(), any::<bool>()).prop_map(|(ns, n, port, ready, with_pod)| {
        let mut endpoint = json!({"addresses": ["10.0.0.1"], "conditions": {"ready": ready, "terminating": false}});
        if with_pod {
            endpoint["targetRef"] = json!({"kind": "Pod", "name": n, "namespace": ns});
        }
        document("discovery.k8s.io/v1", "EndpointSlice", ns, &format!("{n}-1"), 0, json!({
            "metadata": {"labels": {"kubernetes.io/service-name": n}}, "addressType": "IPv4",
            "endpoints": [endpoint, {"addresses": ["10.0.0.9"]}], "ports": [{"name": port, "port": 8080, "protocol": "TCP"}]}))
    })
}

fn pod() -> impl Strategy<Value = Value> {
    let ip = select(vec!["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    (namespace(), name(), ip, select(vec!["node-1", "node-2"]), any::<bool>(), any::<bool>(), network()).prop_map(|(ns, n, ip, node, mesh, ready, network)| {
        let mut labels = json!({"app": n, "version": if mesh { "v1" } else { "v2" }});
        if mesh {
            labels["security.istio.io/tlsMode"] = json!("istio");
        }
        if !network.is_empty() {
            labels["topology.istio.io/network"] = json!(network);
        }
        document("v1", "Pod", ns, n, 0, json!({"metadata": {"labels": labels},
            "spec": {"nodeName": node, "serviceAccountName": n, "containers": [{"name": "app", "ports": [{"name": "http", "containerPort": 8080}]}]},
            "status": {"phase": "Running", "podIP": ip, "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]}}))
    })
}

fn network() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "near", "far"])
}

/// A namespace that may belong to the mesh, or, of the system, name the network.
fn described() -> impl Strategy<Value = Value> {
    (namespace(), any::<bool>(), network()).prop_map(|(n, member, network)| {
        let labels = json!({"mesh": if member { "yes" } else { "no" }, "topology.istio.io/network": network});
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n, "labels": labels}})
    })
}

/// A Service that leads into a network.
fn gateway_service() -> impl Strategy<Value = Value> {
    (name(), network(), select(vec!["192.0.2.1", "192.0.2.2"])).prop_map(|(n, network, ip)| {
        document(
            "v1",
            "Service",
            "istio-system",
            n,
            0,
            json!({
            "metadata": {"labels": {"topology.istio.io/network": network}},
            "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.9", "ports": [{"name": "tls", "port": 15443}]},
            "status": {"loadBalancer": {"ingress": [{"ip": ip}]}}}),
        )
    })
}

/// Settings of the mesh that decide which objects count and where endpoints are.
pub(crate) fn settings() -> impl Strategy<Value = MeshConfig> {
    (any::<bool>(), any::<bool>()).prop_map(|(selects, networks)| {
        let selectors = json!([{"matchLabels": {"mesh": "yes"}}]);
        let mut settings = json!({"extensionProviders": [
            {"name": "ask-a", "envoyExtAuthzGrpc": {"service": "a.one.svc.cluster.local", "port": 80}},
            {"name": "ask-x", "envoyExtAuthzHttp": {"service": "x.example.com", "port": 80}},
            {"name": "als", "envoyHttpAls": {"service": "a.one.svc.cluster.local", "port": 80}},
            {"name": "zipkin", "zipkin": {"service": "two/x.example.com", "port": 80}},
            {"name": "otel", "opentelemetry": {"service": "b.two.svc.cluster.local", "port": 3306}}]});
        if selects {
            settings["discoverySelectors"] = selectors;
        }
        if networks {
            settings["defaultProviders"] =
                json!({"metrics": ["prometheus"], "accessLogging": ["als"], "tracing": ["zipkin"]});
        }
        let described = json!({"networks": {
            "near": {"endpoints": [{"fromCidr": "10.0.0.0/30"}]},
            "far": {"endpoints": [{"fromRegistry": "Kubernetes"}], "gateways": [
                {"address": "192.0.2.9", "port": 443},
                {"registryServiceName": "a.istio-system.svc.cluster.local", "port": 443}]}}});
        let networks = if networks { MeshNetworks::parse(described).0 } else { MeshNetworks::default() };
        MeshConfig { networks, ..MeshConfig::parse(settings).0 }
    })
}

/// Policies of every action, for some workloads or all.
fn authorization_policy() -> impl Strategy<Value = Value> {
    let action = select(vec!["ALLOW", "ALLOW", "DENY", "AUDIT", "CUSTOM"]);
    let rule = select(vec![
        json!({}),
        json!({"from": [{"source": {"namespaces": ["one"]}}], "to": [{"operation": {"paths": ["/a/{*}"]}}]}),
        json!({"from": [{"source": {"ipBlocks": ["10.0.0.0/30"]}}], "when": [{"key": "request.headers[a]", "values": ["b*"]}]}),
    ]);
    (namespace(), name(), action, rule, select(vec!["", "a", "c"]), any::<bool>(), 0..2_i64).prop_map(
        |(ns, n, action, rule, app, other, created)| {
            let custom = action == "CUSTOM";
            let rule = if custom { json!({"to": [{"operation": {"ports": ["80"]}}]}) } else { rule };
            let mut spec = json!({"action": action, "rules": [rule]});
            if !app.is_empty() {
                spec["selector"] = json!({"matchLabels": {"app": app}});
            }
            let mut metadata = json!({});
            match custom {
                true => spec["provider"] = json!({"name": if other { "ask-a" } else { "ask-x" }}),
                false if action != "AUDIT" && other => metadata["annotations"] = json!({"istio.io/dry-run": "true"}),
                false => {}
            }
            let body = json!({"metadata": metadata, "spec": spec});
            document("security.istio.io/v1", "AuthorizationPolicy", ns, n, created, body)
        },
    )
}

/// Tokens of two issuers.
fn request_authentication() -> impl Strategy<Value = Value> {
    (namespace(), name(), select(vec!["", "a", "c"]), select(vec!["https://a", "https://b"]), 0..2_i64).prop_map(
        |(ns, n, app, issuer, created)| {
            let keys = json!({"keys": [{"kty": "RSA", "e": "AQAB", "n": "AQAB"}]}).to_string();
            let mut spec = json!({"jwtRules": [{"issuer": issuer, "jwks": keys}]});
            if !app.is_empty() {
                spec["selector"] = json!({"matchLabels": {"app": app}});
            }
            document("security.istio.io/v1", "RequestAuthentication", ns, n, created, json!({"spec": spec}))
        },
    )
}

/// Roots and what is no roots, in a Secret and in a ConfigMap.
fn credential() -> impl Strategy<Value = Value> {
    let name = select(vec!["a", "a-cacert", "b"]);
    (namespace(), name, select(vec!["", "1", "2"]), any::<bool>()).prop_map(|(ns, n, crl, map)| {
        let roots = include_str!("../../src/api/validate/secret/ec.crt");
        let data = if crl.is_empty() { json!({"other": "x"}) } else { json!({"cacert": roots, "crl": crl}) };
        match map {
            true => document("v1", "ConfigMap", ns, n, 0, json!({"data": data})),
            false => document("v1", "Secret", ns, n, 0, json!({"stringData": data})),
        }
    })
}

/// A Secret with a private key.
fn pair() -> impl Strategy<Value = Value> {
    (namespace(), name(), select(vec!["good", "better"])).prop_map(|(ns, n, staple)| {
        let certificate = include_str!("../../src/api/validate/secret/ec.crt");
        let key = include_str!("../../src/api/validate/secret/ec.key");
        let data = json!({"tls.crt": certificate, "tls.key": key, "tls.ocsp-staple": staple});
        document("v1", "Secret", ns, n, 0, json!({"type": "kubernetes.io/tls", "stringData": data}))
    })
}

fn node() -> impl Strategy<Value = Value> {
    (select(vec!["node-1", "node-2"]), select(vec!["r1", "r2"])).prop_map(|(n, region)| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": n, "labels": {"topology.kubernetes.io/region": region}}})
    })
}

fn service_entry() -> impl Strategy<Value = Value> {
    let host = select(vec!["x.example.com", "y.example.com", "*.example.com", "a.one.svc.cluster.local"]);
    let resolution = select(vec!["STATIC", "DNS", "NONE", "SELECT"]);
    (namespace(), name(), host, resolution, port_name(), select(vec![80_u32, 3306]), export(), any::<bool>(), 0..2_i64).prop_map(
        |(ns, n, host, resolution, port, number, export, address, created)| {
            let protocol = match port {
                "http" => "HTTP",
                "grpc" => "GRPC",
                "tls-y" => "TLS",
                _ => "TCP",
            };
            let wild = host.starts_with('*');
            let resolution = if wild { "NONE" } else { resolution };
            let mut spec = json!({"hosts": [host], "exportTo": export, "ports": [{"number": number, "name": port, "protocol": protocol}],
                "resolution": if resolution == "SELECT" { "STATIC" } else { resolution }});
            match resolution {
                "STATIC" => spec["endpoints"] = json!([{"address": "10.0.0.2", "labels": {"version": "v1"}}]),
                "SELECT" => spec["workloadSelector"] = json!({"labels": {"app": n}}),
                _ => {}
            }
            if address {
                spec["addresses"] = json!(["10.97.0.1"]);
            }
            document("networking.istio.io/v1", "ServiceEntry", ns, n, created, json!({"spec": spec}))
        },
    )
}

fn workload_entry() -> impl Strategy<Value = Value> {
    (namespace(), name(), select(vec!["10.0.0.2", "10.0.0.7"])).prop_map(|(ns, n, ip)| {
        document(
            "networking.istio.io/v1",
            "WorkloadEntry",
            ns,
            n,
            0,
            json!({"spec": {"address": ip, "labels": {"app": n}, "serviceAccount": n}}),
        )
    })
}

fn destination_rule() -> impl Strategy<Value = Value> {
    (namespace(), name(), host(), 1..4_u32, select(vec!["DISABLE", "SIMPLE", "ISTIO_MUTUAL", ""]), export(), 0..2_i64).prop_map(
        |(ns, n, host, connections, tls, export, created)| {
            let export: Vec<_> = export.into_iter().filter(|e| *e != "~").collect();
            let mut policy = json!({"connectionPool": {"tcp": {"maxConnections": connections}}, "outlierDetection": {"consecutive5xxErrors": connections}});
            if !tls.is_empty() {
                policy["tls"] = json!({"mode": tls});
            }
            document("networking.istio.io/v1", "DestinationRule", ns, n, created, json!({"spec": {"host": host, "exportTo": export,
                "trafficPolicy": policy, "subsets": [{"name": "v1", "labels": {"version": "v1"}}]}}))
        },
    )
}

fn virtual_service() -> impl Strategy<Value = Value> {
    (namespace(), name(), host(), host(), select(vec!["http", "tcp", "tls"]), export(), gateways(), 0..2_i64).prop_map(|(ns, n, host, to, kind, export, gateways, created)| {
        let to = if to.starts_with('*') { "b.two.svc.cluster.local" } else { to };
        let route = json!([{"destination": {"host": to, "subset": "v1", "port": {"number": 80}}}]);
        let routes = match kind {
            "http" => json!({"http": [{"match": [{"uri": {"prefix": "/x"}, "sourceNamespace": "one"}], "route": route}, {"route": route, "timeout": "3s"}]}),
            "tcp" => json!({"tcp": [{"match": [{"port": 3306}], "route": route}]}),
            _ => json!({"tls": [{"match": [{"port": 3306, "sniHosts": [host]}], "route": route}]}),
        };
        let export: Vec<_> = export.into_iter().filter(|e| *e != "~").collect();
        let mut spec = json!({"hosts": [host], "exportTo": export, "gateways": gateways});
        routes.as_object().into_iter().flatten().for_each(|(k, v)| spec[k] = v.clone());
        document("networking.istio.io/v1", "VirtualService", ns, n, created, json!({"spec": spec}))
    })
}

fn egress_hosts() -> impl Strategy<Value = Vec<&'static str>> {
    let host = select(vec![
        "./*",
        "one/*",
        "two/b.two.svc.cluster.local",
        "*/a.one.svc.cluster.local",
        "*/*.example.com",
        "*/*",
        "~two/*",
        "~/x.example.com",
    ]);
    prop::collection::vec(host, 1..3)
}

/// Listeners of a port, of a forward proxy or of a socket, and perhaps one for what is left.
fn egress() -> impl Strategy<Value = Value> {
    let place = select(vec![("HTTP", 80), ("TCP", 3306), ("TLS", 3306), ("HTTP_PROXY", 3128), ("HTTP", 0)]);
    let capture = select(vec!["DEFAULT", "NONE"]);
    let first = (place, capture, egress_hosts()).prop_map(|((protocol, number), capture, hosts)| {
        let mut listener = json!({"port": {"number": number, "protocol": protocol, "name": "own"}, "hosts": hosts});
        match number {
            0 => listener["bind"] = json!("unix:///tmp/own.sock"),
            _ => listener["captureMode"] = json!(capture),
        }
        listener
    });
    let rest = egress_hosts().prop_map(|hosts| json!({"hosts": hosts}));
    (prop::option::of(first), prop::option::of(rest)).prop_map(|(first, rest)| first.into_iter().chain(rest).collect())
}

fn sidecar() -> impl Strategy<Value = Value> {
    let ingress = select(vec!["", "127.0.0.1:8081", "0.0.0.0:8081", "unix:///tmp/app.sock", "none"]);
    let policy = select(vec!["REGISTRY_ONLY", "ALLOW_ANY", "PROXY"]);
    (namespace(), name(), select(vec!["", "a", "b"]), egress(), ingress, policy, 0..2_i64).prop_map(
        |(ns, n, app, egress, ingress, policy, created)| {
            let mut spec = json!({"egress": egress});
            if !app.is_empty() {
                spec["workloadSelector"] = json!({"labels": {"app": app}});
            }
            if ingress != "none" {
                let capture = if ingress.is_empty() { "NONE" } else { "DEFAULT" };
                spec["ingress"] = json!([{"port": {"number": 8080, "protocol": "HTTP", "name": "in"},
                    "defaultEndpoint": ingress, "captureMode": capture}]);
                spec["inboundConnectionPool"] = json!({"tcp": {"maxConnections": 3}});
            }
            match policy {
                "PROXY" => {
                    let proxy = json!({"host": "b.two.svc.cluster.local", "port": {"number": 80}});
                    spec["outboundTrafficPolicy"] = json!({"mode": "ALLOW_ANY", "egressProxy": proxy});
                }
                mode => spec["outboundTrafficPolicy"] = json!({"mode": mode}),
            }
            document("networking.istio.io/v1", "Sidecar", ns, n, created, json!({"spec": spec}))
        },
    )
}

fn gateways() -> impl Strategy<Value = Vec<&'static str>> {
    select(vec![vec![], vec![], vec!["a"], vec!["one/a", "mesh"], vec!["two/b"]])
}

fn gateway() -> impl Strategy<Value = Value> {
    let host = select(vec![
        "*",
        "*.example.com",
        "./x.example.com",
        "one/y.example.com",
        "*.local",
        "a.one.svc.cluster.local",
    ]);
    let kind =
        select(vec!["HTTP", "GRPC", "REDIRECT", "SIMPLE", "ISTIO_MUTUAL", "PASSTHROUGH", "AUTO_PASSTHROUGH", "TCP"]);
    let server = (host, kind, select(vec![80_u32, 443, 3306]), select(vec!["", "", "10.0.0.8"]));
    let app = select(vec![json!({}), json!({"istio": "gate"}), json!({"app": "c"}), json!({"app": "other"})]);
    (namespace(), name(), prop::collection::vec(server, 1..3), app, 0..2_i64).prop_map(
        |(ns, n, servers, selector, created)| {
            let server = |(i, (host, kind, number, bind)): (usize, (&str, &str, u32, &str))| {
                let (protocol, tls) = match kind {
                    "HTTP" | "GRPC" | "TCP" => (kind, None),
                    "REDIRECT" => ("HTTP", Some(json!({"httpsRedirect": true}))),
                    "SIMPLE" => ("HTTPS", Some(json!({"mode": kind, "credentialName": "c"}))),
                    "ISTIO_MUTUAL" => ("TLS", Some(json!({"mode": kind}))),
                    _ => ("TLS", Some(json!({"mode": kind}))),
                };
                let mut server =
                    json!({"port": {"number": number, "name": format!("p{i}"), "protocol": protocol}, "hosts": [host]});
                if let Some(tls) = tls {
                    server["tls"] = tls;
                }
                if !bind.is_empty() {
                    server["bind"] = json!(bind);
                }
                server
            };
            let servers: Vec<_> = servers.into_iter().enumerate().map(server).collect();
            document(
                "networking.istio.io/v1",
                "Gateway",
                ns,
                n,
                created,
                json!({"spec": {"selector": selector, "servers": servers}}),
            )
        },
    )
}

fn ingress_class() -> impl Strategy<Value = Value> {
    select(vec!["istio.io/ingress-controller", "example.com/other"]).prop_map(|controller| {
        document("networking.k8s.io/v1", "IngressClass", "", "c", 0, json!({"spec": {"controller": controller}}))
    })
}

fn ingress() -> impl Strategy<Value = Value> {
    let port = select(vec![json!({"number": 80}), json!({"name": "http"})]);
    let host = select(vec!["", "x.example.com", "*.example.com"]);
    let secret = select(vec!["", "c"]);
    let rule = (host, select(vec!["Prefix", "Exact", ""]), name(), port);
    (namespace(), name(), any::<bool>(), prop::collection::vec(rule, 1..3), secret, 0..2_i64).prop_map(
        |(ns, n, by_class, rules, secret, created)| {
            let rule = |(host, kind, service, port): (&str, &str, &str, Value)| {
                let backend = json!({"service": {"name": service, "port": port}});
                let mut path = json!({"path": "/x", "backend": backend});
                if !kind.is_empty() {
                    path["pathType"] = json!(kind);
                }
                json!({"host": host, "http": {"paths": [path]}})
            };
            let rules: Vec<_> = rules.into_iter().map(rule).collect();
            let mut spec = json!({"rules": rules, "tls": [{"hosts": ["x.example.com"], "secretName": secret}]});
            if by_class {
                spec["ingressClassName"] = json!("c");
            }
            let mut out = document("networking.k8s.io/v1", "Ingress", ns, n, created, json!({"spec": spec}));
            if !by_class {
                out["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": "istio"});
            }
            out
        },
    )
}

fn peer_authentication() -> impl Strategy<Value = Value> {
    (namespace(), select(vec!["STRICT", "PERMISSIVE", "DISABLE"]), any::<bool>()).prop_map(|(ns, mode, selects)| {
        let mut spec = json!({"mtls": {"mode": mode}});
        if selects {
            spec["selector"] = json!({"matchLabels": {"app": "a"}});
        }
        document(
            "security.istio.io/v1",
            "PeerAuthentication",
            ns,
            if selects { "a" } else { "default" },
            0,
            json!({"spec": spec}),
        )
    })
}

/// Patches of every sort, in the root namespace too; some add what is there already, some fit nowhere.
fn envoy_filter() -> impl Strategy<Value = Value> {
    const TCP: &str = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
    const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    let context = select(vec!["ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY"]);
    (namespace(), name(), context, 0..12_usize, any::<bool>(), -1..2_i32).prop_map(
        |(ns, n, context, which, selects, priority)| {
            let http = json!({"filterChain": {"filter": {"name": "envoy.filters.network.http_connection_manager",
            "subFilter": {"name": "envoy.filters.http.router"}}}});
            let tcp = json!({"filterChain": {"filter": {"name": "envoy.filters.network.tcp_proxy"}}});
            let (apply_to, matches, operation, value) = match which {
                0 => ("CLUSTER", json!({}), "MERGE", json!({"connectTimeout": "7s"})),
                1 => ("CLUSTER", json!({"cluster": {"service": "a.one.svc.cluster.local"}}), "REMOVE", Value::Null),
                2 => ("CLUSTER", json!({}), "ADD", json!({"name": if selects { "added" } else { "BlackHoleCluster" }})),
                3 => ("LISTENER", json!({}), "MERGE", json!({"perConnectionBufferLimitBytes": 9})),
                4 => ("LISTENER", json!({}), "ADD", json!({"name": "added", "address": {"pipe": {"path": "/x"}}})),
                5 => (
                    "NETWORK_FILTER",
                    json!({"listener": tcp}),
                    "MERGE",
                    json!({"typedConfig": {"@type": TCP, "idleTimeout": "9s"}}),
                ),
                6 => (
                    "HTTP_FILTER",
                    json!({"listener": http}),
                    "MERGE",
                    json!({"typedConfig": {"@type": if selects { ROUTER } else { TCP }, "suppressEnvoyHeaders": true}}),
                ),
                7 => (
                    "VIRTUAL_HOST",
                    json!({"routeConfiguration": {"portNumber": 80}}),
                    "MERGE",
                    json!({"requestHeadersToRemove": ["x"]}),
                ),
                8 => (
                    "HTTP_ROUTE",
                    json!({"routeConfiguration": {"vhost": {"route": {"action": "ROUTE"}}}}),
                    "MERGE",
                    json!({"route": {"timeout": "9s"}}),
                ),
                10 => ("EXTENSION_CONFIG", json!({}), "ADD", json!({"name": "e", "typedConfig": {"@type": ROUTER}})),
                9 => ("ROUTE_CONFIGURATION", json!({}), "MERGE", json!({"mostSpecificHeaderMutationsWins": true})),
                _ => ("VIRTUAL_HOST", json!({}), "REMOVE", Value::Null),
            };
            let mut matches = matches;
            matches["context"] = json!(context);
            let mut spec = json!({"priority": priority, "configPatches": [
            {"applyTo": apply_to, "match": matches, "patch": {"operation": operation, "value": value}}]});
            if selects {
                spec["workloadSelector"] = json!({"labels": {"app": "a"}});
            }
            document("networking.istio.io/v1alpha3", "EnvoyFilter", ns, n, 0, json!({"spec": spec}))
        },
    )
}

/// Logs, metrics and traces of every level, with providers whose service may be missing.
fn telemetry() -> impl Strategy<Value = Value> {
    let mode = select(vec!["CLIENT_AND_SERVER", "CLIENT", "SERVER"]);
    let provider = select(vec!["als", "envoy", "zipkin", "otel", "prometheus", "nobody"]);
    (namespace(), name(), mode, provider, 0..6_usize, select(vec!["", "a", "b"]), 0..2_i64).prop_map(
        |(ns, n, mode, provider, which, app, created)| {
            let providers = json!([{"name": provider}]);
            let matches = json!({"mode": mode});
            let mut spec = match which {
                0 => json!({"accessLogging": [{"match": matches, "providers": providers, "filter": {"expression": "response.code >= 400"}}]}),
                1 => json!({"accessLogging": [{"match": matches, "disabled": true}]}),
                2 => json!({"tracing": [{"match": matches, "providers": providers, "randomSamplingPercentage": 7}]}),
                3 => json!({"tracing": [{"match": matches, "disableSpanReporting": true, "customTags": {"x": {"literal": {"value": "y"}}}}]}),
                4 => json!({"metrics": [{"providers": providers, "overrides": [{"match": matches, "disabled": true}]}]}),
                _ => json!({"metrics": [{"overrides": [{"match": {"metric": "REQUEST_COUNT", "mode": mode},
                    "tagOverrides": {"source_app": {"operation": "REMOVE"}, "x": {"value": "request.host"}}}]}]}),
            };
            if !app.is_empty() {
                spec["selector"] = json!({"matchLabels": {"app": app}});
            }
            document("telemetry.istio.io/v1", "Telemetry", ns, n, created, json!({"spec": spec}))
        },
    )
}

/// Any edit of the small mesh.
pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let document = prop_oneof![
        3 => service(), 2 => slice(), 2 => pod(), 1 => node(), 3 => service_entry(), 1 => workload_entry(),
        2 => destination_rule(), 2 => virtual_service(), 1 => peer_authentication(), 2 => sidecar(),
        2 => authorization_policy(), 1 => request_authentication(),
        1 => described(), 1 => gateway_service(), 1 => credential(), 1 => pair(),
        3 => envoy_filter(), 2 => telemetry(),
        2 => gateway(), 1 => ingress(), 1 => ingress_class(),
    ];
    (document, prop::bool::weighted(0.25)).prop_map(|(document, delete)| Edit { document, delete })
}
