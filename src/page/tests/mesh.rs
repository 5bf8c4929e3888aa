//! What is shown of objects.

use std::time::Instant;

use serde_json::{Value, json};

use super::{ask, core, printed};
use crate::base::{Finding, ObjectRef, Severity};
use crate::page::{About, Answer, Did, Mesh, configured, findings, measured, overview, service, services};

/// A client behind a Sidecar, two services, one of them routed and mirrored, a gateway, and a database outside.
const SHOP: &str = "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.0.0.1, selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: next, namespace: shop}
spec: {clusterIP: 10.0.0.2, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: shop, labels: {app: web}}
spec: {containers: [{name: app, image: app}]}
status: {phase: Running, podIP: 10.1.0.1, podIPs: [{ip: 10.1.0.1}], conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop, labels: {app: client}}
spec: {containers: [{name: app, image: app}]}
status: {phase: Running, podIP: 10.1.0.2, podIPs: [{ip: 10.1.0.2}], conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints:
- {addresses: [10.1.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: web-1, namespace: shop}}
- {addresses: [10.1.0.9], conditions: {ready: false}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: client, namespace: shop}
spec: {workloadSelector: {labels: {app: client}}, egress: [{hosts: [./web.shop.svc.cluster.local]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  gateways: [mesh, edge]
  http: [{route: [{destination: {host: web}, weight: 50}, {destination: {host: next}, weight: 50}], mirror: {host: nowhere}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {selector: {app: edge}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db, namespace: shop}
spec: {hosts: [db.example], location: MESH_EXTERNAL, resolution: DNS, exportTo: ['.'], ports: [{number: 3306, name: tcp, protocol: TCP}]}
";

fn mesh() -> Mesh {
    configured(core(SHOP).index().snapshot().clone())
}

/// Each line as `from > to: why`.
fn lines(talk: &Value) -> Vec<String> {
    let name = |party: &Value| {
        let name = party["host"].as_str().or_else(|| party["name"].as_str());
        name.map_or_else(|| format!("any of {}", party["namespace"].as_str().unwrap()), ToOwned::to_owned)
    };
    let line = |row: &Value| format!("{} > {}: {}", name(&row["from"]), name(&row["to"]), row["why"][0]);
    talk["rows"].as_array().unwrap().iter().map(|row| line(row).replace('"', "")).collect()
}

#[test]
fn an_overview_counts_everything() {
    let core = core(SHOP);
    let about = About { missing: vec!["the xDS port"], ..About::default() };
    let all = printed(overview(about, &core.index().survey(), &[], &core.findings()));
    assert_eq!((&all["ready"], &all["services"]), (&json!(false), &json!(3)));
    assert_eq!(all["objects"][0], json!(["Pod", 2]));
    assert_eq!(all["endpoints"], json!({"healthy": 2, "unhealthy": 1}), "a name outside is called too");
    let found = core.findings().len();
    let counts = &all["findings"];
    let sum = ["error", "warning", "info"].iter().map(|s| counts[s].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum, found as u64);
    assert!(sum > 0, "a mirror leads nowhere");
}

#[test]
fn services_are_listed_with_ports_addresses_and_health() {
    let core = core(SHOP);
    let all = printed(services(core.index().snapshot(), &ask(&[("q", "WEB shop"), ("sort", "-endpoints")])));
    let web = &all["rows"][0];
    assert_eq!((&web["host"], &web["kind"]), (&json!("web.shop.svc.cluster.local"), &json!("Service")));
    assert_eq!(web["ports"], json!([{"number": 80, "name": "http", "protocol": "HTTP"}]));
    assert_eq!((&web["addresses"], &web["endpoints"]), (&json!(["10.0.0.1"]), &json!({"healthy": 1, "unhealthy": 1})));
    let outside = printed(services(core.index().snapshot(), &ask(&[("q", "serviceentry")])));
    assert_eq!((&outside["rows"][0]["external"], &outside["rows"][0]["object"]), (&json!(true), &json!("db")));
}

#[test]
fn a_service_shows_what_applies_to_it_and_what_is_wrong_with_that() {
    let core = core(SHOP);
    let of = |host: &str| service(core.index().snapshot(), &host.into(), &"shop".into(), &core.findings(), &ask(&[]));
    let web = printed(of("web.shop.svc.cluster.local").unwrap());
    assert_eq!(web["routes"][0]["name"], "web");
    assert_eq!(web["routes"][0]["inForce"], true);
    assert_eq!(web["rules"][0]["objects"], json!([["shop", "web"]]));
    assert_eq!((&web["rules"][0]["inForce"], &web["rules"][0]["subsets"]), (&json!(true), &json!(["v1"])));
    assert_eq!(web["backends"]["total"], 2);
    assert_eq!(web["backends"]["rows"][0]["workload"], "web-1");
    assert!(web["findings"].as_array().unwrap().iter().any(|f| f["text"].as_str().unwrap().contains("nowhere")));
    assert_eq!(printed(of("db.example").unwrap())["seenBy"], json!(["shop"]));
    assert!(of("nobody").is_none());
}

#[test]
fn findings_are_counted_and_cut_by_namespace_and_severity_and_the_worst_are_first() {
    let finding = |namespace: &str, severity, text: &str| Finding {
        object: ObjectRef { kind: "Service".into(), namespace: namespace.into(), name: "a".into(), file: None },
        field: "spec".into(),
        severity,
        code: "odd",
        text: text.into(),
    };
    let all =
        [finding("a", Severity::Info, "x"), finding("b", Severity::Error, "y"), finding("a", Severity::Warning, "z")];
    let show = |namespace, severity, query: &[(&str, &str)]| printed(findings(&all, namespace, severity, &ask(query)));
    let whole = show(None, None, &[]);
    assert_eq!(whole["namespaces"], json!({"a": 2, "b": 1}));
    assert_eq!(whole["counts"], json!({"error": 1, "warning": 1, "info": 1}));
    let texts = |of: &Value| of["rows"].as_array().unwrap().iter().map(|f| f["text"].to_string()).collect::<String>();
    assert_eq!(texts(&whole), "\"y\"\"z\"\"x\"");
    assert_eq!(texts(&show(Some("a"), None, &[])), "\"z\"\"x\"");
    assert_eq!(show(Some("a"), None, &[])["counts"]["error"], 0);
    assert_eq!(texts(&show(None, Some("info"), &[])), "\"x\"");
    assert_eq!(texts(&show(None, None, &[("q", "Z service")])), "\"z\"");
}

#[test]
fn lines_are_what_somebody_wrote_down() {
    let may = printed(mesh().may(&ask(&[])));
    let mut found = lines(&may);
    found.sort();
    assert_eq!(
        found,
        [
            "any of shop > db.example: ServiceEntry shop/db names it",
            // What a route of a host that is let through leads to is let through too.
            "client > next.shop.svc.cluster.local: Sidecar shop/client lets it through",
            "client > web.shop.svc.cluster.local: Sidecar shop/client lets it through",
            "shop/edge > next.shop.svc.cluster.local: VirtualService shop/web routes calls to it",
            "shop/edge > nowhere.shop.svc.cluster.local: VirtualService shop/web mirrors calls to it",
            "shop/edge > web.shop.svc.cluster.local: VirtualService shop/web routes calls to it",
            "web.shop.svc.cluster.local > next.shop.svc.cluster.local: VirtualService shop/web routes calls to it",
            "web.shop.svc.cluster.local > nowhere.shop.svc.cluster.local: VirtualService shop/web mirrors calls to it",
        ]
    );
    assert_eq!((&may["restricted"], &may["unrestricted"], &may["leftOut"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(may["graph"]["nodes"].as_array().unwrap().len(), 7);
    let narrowed = printed(mesh().may(&ask(&[("q", "sidecar web")])));
    assert_eq!((&narrowed["parties"], &narrowed["graph"]["edges"][0]["from"]), (&json!(2), &json!(1)));
}

/// An answer of Prometheus with samples as `reporter source destination number`.
fn answer(samples: &[&str]) -> Answer {
    let sample = |text: &&str| {
        let [reporter, source, destination, number] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("{text}") };
        json!({"metric": {"reporter": reporter, "source_workload": source, "source_workload_namespace": "shop",
            "destination_service": destination, "destination_service_namespace": "shop"}, "value": [1.5, number]})
    };
    let result: Vec<Value> = samples.iter().map(sample).collect();
    serde_json::from_value(json!({"status": "success", "data": {"resultType": "vector", "result": result}})).unwrap()
}

#[test]
fn what_was_measured_is_counted_once_and_by_the_caller_where_it_can_be() {
    let calls = answer(&[
        "source web-1 next.shop.svc.cluster.local 3",
        "destination web-1 next.shop.svc.cluster.local 2",
        "destination unknown web.shop.svc.cluster.local 1",
        "source client web.shop.svc.cluster.local 0",
        "source client web.shop.svc.cluster.local NaN",
    ]);
    let errors = answer(&["source web-1 next.shop.svc.cluster.local 0.5"]);
    let bytes = answer(&["source client db.example 2048"]);
    let mesh = mesh();
    let edges = measured(&[calls, errors, bytes], &mesh);
    let did = printed(Did::of(&edges, &ask(&[("sort", "-calls")]), "http://p".to_owned(), None));
    let rows = did["rows"].as_array().unwrap();
    let of = |row: &Value| (row["from"].clone(), row["to"]["host"].clone());
    let web = json!({"kind": "service", "host": "web.shop.svc.cluster.local", "namespace": "shop"});
    assert_eq!(of(&rows[0]), (web, json!("next.shop.svc.cluster.local")), "a workload is the service before it");
    assert_eq!((&rows[0]["calls"], &rows[0]["errors"]), (&json!(3.0), &json!(0.5)));
    assert_eq!(of(&rows[1]), (json!({"kind": "unknown", "name": "unknown"}), json!("web.shop.svc.cluster.local")));
    assert_eq!((&rows[2]["to"]["kind"], &rows[2]["bytes"]), (&json!("external"), &json!(2048.0)));
    assert_eq!(rows.len(), 3, "what was never called is no line");
    assert_eq!(did["window"], "2m");
}

#[test]
fn lists_of_ten_thousand_services_take_milliseconds() {
    let one = |i: usize| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: s{i}, namespace: n{}}}\n\
             spec: {{clusterIP: 10.0.{}.{}, ports: [{{name: http, port: 80}}]}}\n",
            i % 50,
            i / 250,
            i % 250
        )
    };
    let core = core(&(0..10_000).map(one).collect::<Vec<_>>().join("---\n"));
    let began = Instant::now();
    let page = services(core.index().snapshot(), &ask(&[("q", "n7"), ("sort", "-host"), ("offset", "50")]));
    // A debug build on a busy machine; an optimised one takes a fiftieth of that.
    assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
    assert_eq!((page.total, page.rows.len()), (10_000, 50));
}
