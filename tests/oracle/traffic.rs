//! Istio's objects about where calls go.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::edits::{document, export, host, name, namespace, port_name};

pub(crate) fn service_entry() -> impl Strategy<Value = Value> {
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

pub(crate) fn workload_entry() -> impl Strategy<Value = Value> {
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

pub(crate) fn destination_rule() -> impl Strategy<Value = Value> {
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

pub(crate) fn virtual_service() -> impl Strategy<Value = Value> {
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

pub(crate) fn sidecar() -> impl Strategy<Value = Value> {
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

pub(crate) fn gateway() -> impl Strategy<Value = Value> {
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
