use std::net::IpAddr;

use clap::Parser;
use serde_json::{Value, json};

use super::flags::name_servers;
use super::*;

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: BootstrapArgs,
}

fn options(flags: &[&str]) -> Result<Options, Error> {
    Cli::try_parse_from(["mizzen"].iter().chain(flags)).unwrap().args.options()
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

const POD: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: greeter}
---
apiVersion: v1
kind: Pod
metadata:
  name: greeter-5d4f-x
  namespace: shop
  labels: {app: greeter, version: v1, pod-template-hash: 5d4f}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: greeter-5d4f, controller: true}]
spec:
  nodeName: node-1
  serviceAccountName: greeter
  containers: [{name: app, image: app, ports: [{name: grpc, containerPort: 50051}, {containerPort: 53, protocol: UDP}]}]
status: {podIP: 10.1.1.1, podIPs: [{ip: 10.1.1.1}, {ip: "fd00::1"}]}
"#;

fn greeter() -> Options {
    let file = written(POD);
    options(&["--pod", file.path().to_str().unwrap(), "--discovery-address", "10.0.0.1:15010"]).unwrap()
}

#[test]
fn a_pod_document_tells_the_whole_identity() {
    let node = &bootstrap(&greeter())["node"];
    assert_eq!(node["id"], "sidecar~10.1.1.1~greeter-5d4f-x.shop~shop.svc.cluster.local");
    assert_eq!(node["cluster"], "greeter.shop");
    assert_eq!(
        node["metadata"],
        json!({
            "NAME": "greeter-5d4f-x", "NAMESPACE": "shop", "INSTANCE_IPS": "10.1.1.1,fd00::1",
            "SERVICE_ACCOUNT": "greeter", "WORKLOAD_NAME": "greeter", "NODE_NAME": "node-1",
            "OWNER": "kubernetes://apis/apps/v1/namespaces/shop/deployments/greeter",
            "LABELS": {"app": "greeter", "version": "v1"}, "APP_CONTAINERS": "app",
            "POD_PORTS": r#"[{"containerPort":50051,"name":"grpc","protocol":"TCP"},{"containerPort":53,"protocol":"UDP"}]"#,
            "CLUSTER_ID": "Kubernetes", "MESH_ID": "cluster.local", "INTERCEPTION_MODE": "REDIRECT",
            "ENVOY_STATUS_PORT": 15021, "ENVOY_PROMETHEUS_PORT": 15090,
        })
    );
}

#[test]
fn flags_win_over_the_pod_document() {
    let file = written(POD);
    let path = file.path().to_str().unwrap();
    let options =
        options(&["--pod", path, "--namespace", "other", "--ip", "10.9.9.9", "--label", "version=v2"]).unwrap();
    let node = &bootstrap(&options)["node"];
    assert_eq!(node["id"], "sidecar~10.9.9.9~greeter-5d4f-x.other~other.svc.cluster.local");
    assert_eq!(node["metadata"]["LABELS"], json!({"app": "greeter", "version": "v2"}));
}

#[test]
fn a_gateway_says_that_it_is_one_and_has_nothing_captured() {
    let file = written(POD);
    let node = &bootstrap(&options(&["--pod", file.path().to_str().unwrap(), "--gateway"]).unwrap())["node"];
    assert_eq!(node["id"], "router~10.1.1.1~greeter-5d4f-x.shop~shop.svc.cluster.local");
    assert_eq!(node["metadata"].get("INTERCEPTION_MODE"), None);
}

#[test]
fn a_proxy_without_an_agent_carries_no_proxy_config() {
    let mut options = greeter();
    assert_eq!(bootstrap(&options)["node"]["metadata"].get("PROXY_CONFIG"), None);
    options.sds_socket = Some("/run/sds".into());
    let with_agent = bootstrap(&options);
    assert_eq!(with_agent["node"]["metadata"]["PROXY_CONFIG"]["discoveryAddress"], "10.0.0.1:15010");
    let clusters = with_agent["static_resources"]["clusters"].as_array().unwrap();
    assert!(clusters.iter().any(|cluster| cluster["name"] == "sds-grpc"));
}

#[test]
fn dns_capture_carries_the_resolvers() {
    let flags = ["--name", "a", "--ip", "10.0.0.2", "--dns-capture", "--dns-resolver", "10.0.0.10"];
    let node = bootstrap(&options(&flags).unwrap())["node"].clone();
    assert_eq!(node["metadata"]["DNS_CAPTURE"], "true");
    assert_eq!(node["metadata"][RESOLVERS_KEY], "10.0.0.10:53");
}

#[test]
fn resolver_configuration_is_read_as_a_resolver_reads_it() {
    let text = "# nameserver 9.9.9.9\nsearch a b\nnameserver 10.0.0.10\n nameserver\tfd00::a \nnameserver what\n";
    let expected: Vec<IpAddr> = vec!["10.0.0.10".parse().unwrap(), "fd00::a".parse().unwrap()];
    assert_eq!(name_servers(text).iter().map(|server| server.ip()).collect::<Vec<_>>(), expected);
}

#[test]
fn a_host_name_is_resolved_and_an_address_is_not() {
    let kind = |host: &str| {
        let mut options = greeter();
        options.discovery = Discovery::Port { host: host.to_owned(), port: 15010 };
        let clusters = bootstrap(&options)["static_resources"]["clusters"].clone();
        clusters[0]["type"].as_str().unwrap().to_owned()
    };
    assert_eq!(kind("istiod.istio-system.svc"), "STRICT_DNS");
    assert_eq!(kind("10.0.0.1"), "STATIC");
    assert_eq!(kind("fd00::1"), "STATIC");
}

#[test]
fn a_control_plane_of_this_machine_is_found_by_its_socket() {
    let flags = ["--name", "a", "--ip", "10.0.0.2", "--discovery-address", "unix:/run/mizzen/xds"];
    let cluster = bootstrap(&options(&flags).unwrap())["static_resources"]["clusters"][0].clone();
    let endpoint = &cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
    assert_eq!(
        (cluster["type"].clone(), endpoint["address"].clone()),
        (json!("STATIC"), json!({"pipe": {"path": "/run/mizzen/xds"}}))
    );
}

#[test]
fn a_port_of_zero_stays_closed() {
    let flags = ["--name", "a", "--ip", "10.0.0.2", "--prometheus-port", "0", "--status-port", "0"];
    let whole = bootstrap(&options(&flags).unwrap());
    let listeners = whole["static_resources"]["listeners"].as_array().unwrap();
    assert_eq!(listeners.iter().map(|l| l["name"].as_str().unwrap()).collect::<Vec<_>>(), ["0.0.0.0_15021"]);
    assert_eq!(whole["node"]["metadata"].get("ENVOY_PROMETHEUS_PORT"), None::<&Value>);
}

#[test]
fn what_is_missing_is_said_in_one_sentence() {
    let said = |flags: &[&str]| options(flags).unwrap_err().to_string();
    assert_eq!(said(&[]), "whose proxy is it? Give --pod FILE, or --name with --ip");
    assert!(said(&["--name", "a"]).starts_with("the workload has no address"));
    assert!(said(&["--pod", "/nowhere"]).starts_with("cannot read /nowhere"));
    let services = written("kind: Service\n");
    assert!(said(&["--pod", services.path().to_str().unwrap()]).ends_with("no Pod in it"));
    let two = written("kind: Pod\nmetadata: {name: a}\n---\nkind: Pod\nmetadata: {name: b}\n");
    assert!(said(&["--pod", two.path().to_str().unwrap()]).ends_with("2 Pods in it: say which with --name"));
}
