//! Several clusters as one mesh.

use super::*;
use crate::base::Labels;
use crate::model::facts::topology::CLUSTER;
use crate::model::facts::{Beside, Endpoint};

const HOST: &str = "a.shop.svc.cluster.local";

/// Objects of the cluster `east`.
fn far(documents: &[Value]) -> BTreeMap<Key, Option<Arc<Object>>> {
    let east = |document: &Value| {
        let mut object = (*object(document.clone())).clone();
        object.meta.cluster = "east".into();
        (object.key(), Some(Arc::new(object)))
    };
    documents.iter().map(east).collect()
}

fn node(region: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"topology.kubernetes.io/region": region}}})
}

fn system(network: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "istio-system", "labels": {"topology.istio.io/network": network}}})
}

fn of_a(index: &Index) -> Vec<Endpoint> {
    let all = index.snapshot().endpoints().find(|((host, _), _)| host.as_str() == HOST);
    all.map(|(_, endpoints)| endpoints.list.clone()).unwrap_or_default()
}

fn two_clusters() -> Index {
    let mut index = index();
    put(&mut index, &[service("a", "shop", "10.96.0.1"), pod("p", "10.1.0.1"), slice("p", "10.1.0.1"), node("here")]);
    // Names and addresses may be the same.
    let mut other = pod("p", "10.1.0.1");
    other["metadata"]["labels"] = json!({"app": "a", "version": "east"});
    let there = [service("a", "shop", "10.97.0.1"), other, slice("p", "10.1.0.1"), node("there"), system("far")];
    index.apply(&far(&there), None);
    index
}

#[test]
fn endpoints_of_all_clusters_are_under_one_host_and_each_is_of_its_own_cluster() {
    let index = two_clusters();
    let endpoints = of_a(&index);
    let told = endpoints.iter().map(|e| {
        let workload = &e.workload;
        assert_eq!(workload.labels.get(CLUSTER), Some(&workload.cluster));
        let version = workload.labels.get("version").map(Str::as_str).unwrap_or_default();
        format!(
            "{} {}:{} {} {} {version}",
            workload.cluster,
            e.address(),
            e.port,
            workload.locality.region,
            workload.network
        )
    });
    assert_eq!(told.collect::<Vec<_>>(), ["Kubernetes 10.1.0.1:8080 here  ", "east 10.1.0.1:8080 there far east"]);
}

#[test]
fn a_service_is_reached_in_each_cluster_by_the_address_it_has_there() {
    let index = two_clusters();
    let view = View::new(index.snapshot(), &Scope::Public);
    let service = view.service(&HOST.into()).unwrap();
    let ips = |cluster: &str| service.cluster_ips(cluster).map(|ips| ips.join(","));
    assert_eq!(service.addresses, ["10.96.0.1"], "the own cluster's come first");
    assert_eq!([ips(""), ips("east"), ips("west")], [Some("10.96.0.1".into()), Some("10.97.0.1".into()), None]);
    assert_eq!(view.definitions(&HOST.into()).len(), 1);
}

#[test]
fn ports_have_the_numbers_of_the_own_cluster_by_their_names() {
    let mut index = two_clusters();
    let mut other = service("a", "shop", "10.97.0.1");
    other["spec"]["ports"] = json!([{"name": "http", "port": 8000}, {"name": "more", "port": 9}]);
    index.apply(&far(&[other]), None);
    assert_eq!(of_a(&index).iter().map(|e| e.service_port).collect::<Vec<_>>(), [80, 80]);
}

#[test]
fn a_service_of_a_remote_cluster_alone_is_there_for_everybody() {
    let mut index = index();
    index.apply(&far(&[service("a", "shop", "10.97.0.1"), pod("p", "10.1.0.1"), slice("p", "10.1.0.1")]), None);
    let view = View::new(index.snapshot(), &Scope::Public);
    let service = view.service(&HOST.into()).unwrap();
    assert_eq!((service.is_in(""), service.is_in("east")), (false, true));
    assert_eq!((service.addresses[0].as_str(), of_a(&index).len()), ("10.97.0.1", 1));
}

#[test]
fn a_workload_answers_for_services_of_its_own_cluster() {
    let mut index = two_clusters();
    put(&mut index, &[service("own", "shop", "10.96.0.2")]);
    let mut only_here = service("own", "shop", "10.96.0.2");
    only_here["spec"]["selector"] = json!({"app": "a"});
    put(&mut index, &[only_here]);
    let mut only_there = service("far", "shop", "10.97.0.3");
    only_there["spec"]["selector"] = json!({"version": "east"});
    index.apply(&far(&[only_there]), None);
    let names = |cluster: &str| {
        let view = View::new(index.snapshot(), &Scope::Public);
        let (addresses, labels) = (["10.1.0.1".into()], Labels::new());
        let namespace = "shop".into();
        let beside =
            Beside { addresses: &addresses, namespace: &namespace, cluster, labels: &labels, ports: Vec::new() };
        view.targets(&beside).iter().map(|t| t.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("Kubernetes"), ["a", "own"]);
    assert_eq!(names("east"), ["a", "far"]);
    assert_eq!(names("west"), [""; 0], "a cluster that nobody knows has none");
}

#[test]
fn a_service_entry_selects_pods_of_all_clusters() {
    let mut index = two_clusters();
    let entry = entry("db", "shop", "db.example", json!({"workloadSelector": {"labels": {"app": "a"}}}));
    put(&mut index, &[entry]);
    let (_, endpoints) = index.snapshot().endpoints().find(|((host, _), _)| host.as_str() == "db.example").unwrap();
    let clusters: Vec<_> = endpoints.list.iter().map(|e| e.workload.cluster.as_str()).collect();
    assert_eq!(clusters, ["Kubernetes", "east"]);
}

fn vm(address: &str) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry", "metadata": {"name": "vm", "namespace": "shop"},
        "spec": {"address": address, "labels": {"app": "a"}, "ports": {"http": 9000}}})
}

fn told(endpoints: &[Endpoint]) -> Vec<String> {
    let line = |e: &Endpoint| format!("{} {}:{} for {}", e.workload.cluster, e.address(), e.port, e.service_port);
    endpoints.iter().map(line).collect()
}

#[test]
fn workload_entries_are_selected_by_services_of_their_own_cluster_and_by_service_entries() {
    let mut index = two_clusters();
    // The number of the port is that of the own cluster, its target the one of the other.
    let mut there = service("a", "shop", "10.97.0.1");
    there["spec"]["ports"] = json!([{"name": "http", "port": 8000, "targetPort": 7000}, {"name": "more", "port": 9}]);
    index.apply(&far(&[vm("10.5.0.2"), there]), None);
    put(&mut index, &[vm("10.5.0.1")]);
    let expected = [
        "Kubernetes 10.1.0.1:8080 for 80",
        "Kubernetes 10.5.0.1:9000 for 80",
        "east 10.1.0.1:8080 for 80",
        "east 10.5.0.2:9000 for 80",
    ];
    assert_eq!(told(&of_a(&index)), expected);
    let far_vm = &of_a(&index)[3].workload;
    assert_eq!(far_vm.labels.get("topology.istio.io/network").map(Str::as_str), Some("far"), "as all of its cluster");

    put(&mut index, &[entry("db", "shop", "db.example", json!({"workloadSelector": {"labels": {"app": "a"}}}))]);
    let (_, endpoints) = index.snapshot().endpoints().find(|((host, _), _)| host.as_str() == "db.example").unwrap();
    let all: Vec<_> = endpoints.list.iter().map(|e| format!("{} {}", e.workload.cluster, e.address())).collect();
    assert_eq!(all, ["Kubernetes 10.1.0.1", "east 10.1.0.1", "Kubernetes 10.5.0.1", "east 10.5.0.2"]);

    index.apply(&BTreeMap::from([(far(&[vm("10.5.0.2")]).into_keys().next().unwrap(), None)]), None);
    assert_eq!(told(&of_a(&index)), expected[..3]);
}

#[test]
fn a_machine_with_a_workload_entry_answers_for_services_of_its_own_cluster() {
    let mut index = two_clusters();
    let mut only_there = service("far", "shop", "10.97.0.3");
    only_there["spec"]["selector"] = json!({"app": "a"});
    index.apply(&far(&[vm("10.5.0.2"), only_there]), None);
    let view = View::new(index.snapshot(), &Scope::Public);
    let (addresses, labels, namespace) = (["10.5.0.2".into()], Labels::new(), "shop".into());
    let beside =
        Beside { addresses: &addresses, namespace: &namespace, cluster: "east", labels: &labels, ports: Vec::new() };
    let targets = view.targets(&beside);
    assert_eq!(targets.iter().map(|t| format!("{} {}", t.name, t.number)).collect::<Vec<_>>(), ["a 9000", "far 9000"]);
}

#[test]
fn a_cluster_that_goes_leaves_nothing() {
    let mut index = two_clusters();
    index.apply(&far(&[vm("10.5.0.2")]), None);
    let keys: Vec<Key> = index.objects().filter(|o| !o.meta.cluster.is_empty()).map(|o| o.key()).collect();
    let gone: BTreeMap<_, _> = keys.into_iter().map(|key| (key, None)).collect();
    assert_eq!(gone.len(), 6);
    index.apply(&gone, None);
    let mut alone = super::index();
    put(&mut alone, &[service("a", "shop", "10.96.0.1"), pod("p", "10.1.0.1"), slice("p", "10.1.0.1"), node("here")]);
    let facts = |index: &Index| {
        let snapshot = index.snapshot();
        let parts = (snapshot.services.clone(), snapshot.endpoints.clone(), snapshot.addresses.clone());
        (parts, snapshot.distinctions.clone(), snapshot.networks.clone(), snapshot.selectors.clone())
    };
    assert!(facts(&index) == facts(&alone), "something of the cluster is left");
}

#[test]
fn the_networks_say_by_which_gateways_a_remote_cluster_is_entered() {
    let mut index = index();
    let mut gate = service("gate", "istio-system", "10.97.0.9");
    gate["metadata"]["labels"] = json!({"topology.istio.io/network": "far"});
    gate["spec"]["type"] = "LoadBalancer".into();
    gate["spec"]["ports"] = json!([{"name": "tls", "port": 15443}]);
    gate["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}});
    index.apply(&far(&[gate]), None);
    let all = index.snapshot().networks.all.all().iter();
    let told: Vec<_> = all.map(|g| format!("{} {} {}", g.network, g.cluster, g.address)).collect();
    assert_eq!(told, ["far east 192.0.2.7"]);
}
