//! Pages about what the mesh is made of.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::{printed, sample, tests};
use crate::app::render::load;
use crate::base::{Finding, ObjectRef, Severity};
use crate::debug::{Cluster, clusters, configs, endpoint_shards, mesh, push_status, registry};
use crate::engine::Core;
use crate::model::index::{Allocations, Options};

pub(super) fn users_mesh() -> Core {
    let folder = tempfile::tempdir().unwrap();
    let corpus = tests().join("corpus");
    for file in ["base.yaml", "users-mesh/config.yaml"] {
        let to = folder.path().join(file.rsplit('/').next().unwrap());
        fs::copy(corpus.join(file), to).unwrap();
    }
    let mesh = corpus.join("users-mesh/mesh.yaml");
    load(folder.path(), Some(&mesh), Options::default(), Allocations::default()).unwrap()
}

/// By kind or namespace, and name; without what an API server adds to an object and what differs between two runs.
fn comparable(list: Value, key: impl Fn(&Value) -> String) -> BTreeMap<String, Value> {
    fn strip(value: &mut Value) {
        const FOREIGN: [&str; 7] =
            ["uid", "resourceVersion", "generation", "creationTimestamp", "status", "creationTime", "ResourceVersion"];
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| !FOREIGN.contains(&name.as_str()));
                fields.iter_mut().filter(|(k, _)| k.starts_with("autoAllocatedIP")).for_each(|(_, v)| *v = json!("*"));
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let strip_all = |mut v: Value| {
        strip(&mut v);
        v
    };
    list.as_array().unwrap().iter().map(|v| (key(v), strip_all(v.clone()))).collect()
}

#[test]
fn registryz_is_istiods() {
    let core = users_mesh();
    let objects: Vec<_> = core.index().objects().cloned().collect();
    let ours = printed(registry(core.index().snapshot(), &objects));
    let host = |v: &Value| v["hostname"].to_string();
    assert_eq!(comparable(ours, host), comparable(sample("registryz"), host));
}

#[test]
fn the_endpoints_are_istiods() {
    let core = users_mesh();
    assert_eq!(printed(endpoint_shards(core.index().snapshot())), sample("endpointShardz"));
}

#[test]
fn configz_is_istiods() {
    let core = users_mesh();
    let objects: Vec<_> = core.index().objects().cloned().collect();
    let name = |v: &Value| format!("{} {}", v["kind"], v["metadata"]["name"]);
    assert_eq!(comparable(printed(configs(&objects)), name), comparable(sample("configz"), name));
}

#[test]
fn the_mesh_is_istiods() {
    assert_eq!(mesh(users_mesh().index().snapshot()), sample("mesh"));
}

#[test]
fn clusterz_is_istiods() {
    let core = users_mesh();
    assert_eq!(printed(clusters(core.index().snapshot(), true, Vec::new())), sample("clusterz"));
    assert_eq!(printed(clusters(core.index().snapshot(), false, Vec::new()))[0]["syncStatus"], "syncing");
    let east = Cluster { id: "east".into(), secret_name: "istio-system/to-east".into(), sync_status: "timeout" };
    let told = printed(clusters(core.index().snapshot(), true, vec![east]));
    assert_eq!(told[1], json!({"id": "east", "secretName": "istio-system/to-east", "syncStatus": "timeout"}));
}

#[test]
fn a_resource_that_cannot_be_built_is_in_the_push_status() {
    let failure = Finding {
        object: ObjectRef { kind: "Resource".into(), name: "outbound|80||a.b".into(), ..ObjectRef::default() },
        field: "".into(),
        severity: Severity::Error,
        code: "not-built",
        text: "a port is 0".into(),
    };
    let printed = printed(push_status(&[failure]));
    assert_eq!(printed, json!({"not-built": {"outbound|80||a.b": {"message": "a port is 0"}}}));
    assert_eq!(super::printed(push_status(&[])), json!({}));
}

#[test]
fn services_of_every_sort_print_as_istiod_prints_them() {
    let folder = tempfile::tempdir().unwrap();
    let text = "
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: a, annotations: {networking.istio.io/exportTo: '.'}}
spec: {type: LoadBalancer, clusterIP: 10.0.0.1, trafficDistribution: PreferClose, ports: [{port: 53, protocol: UDP}]}
status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: a}
spec: {clusterIP: None, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: a}
spec: {type: ExternalName, externalName: headless.a.svc.cluster.local}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: two, namespace: a}
spec: {hosts: [two.example], addresses: [10.9.0.1, 10.9.0.2], exportTo: ['~'], resolution: STATIC, ports: [{name: t, number: 1, protocol: TCP}]}
";
    fs::write(folder.path().join("all.yaml"), text).unwrap();
    let core = load(folder.path(), None, Options::default(), Allocations::default()).unwrap();
    let objects: Vec<_> = core.index().objects().cloned().collect();
    let all = printed(registry(core.index().snapshot(), &objects));
    let of = |host: &str| all.as_array().unwrap().iter().filter(|s| s["hostname"] == host).cloned().collect::<Vec<_>>();

    let plain = &of("plain.a.svc.cluster.local")[0];
    assert_eq!(plain["Attributes"]["Type"], "LoadBalancer");
    assert_eq!(plain["Attributes"]["ExportTo"], json!({".": {}}));
    assert_eq!(plain["Attributes"]["TrafficDistribution"], 1);
    assert_eq!(plain["Attributes"]["ClusterExternalAddresses"]["Addresses"], json!({"Kubernetes": ["1.2.3.4"]}));
    assert_eq!(plain["ports"], json!([{"port": 53, "protocol": "UDP"}]));
    assert_eq!(plain["creationTime"], "0001-01-01T00:00:00Z");

    let headless = &of("headless.a.svc.cluster.local")[0];
    assert_eq!((&headless["Resolution"], &headless["defaultAddress"]), (&json!(2), &json!("0.0.0.0")));
    assert_eq!(headless["Attributes"]["Aliases"], json!([{"Hostname": "other.a.svc.cluster.local", "Namespace": "a"}]));

    let alias = &of("other.a.svc.cluster.local")[0];
    assert_eq!((&alias["Resolution"], &alias["MeshExternal"]), (&json!(4), &json!(true)));
    assert_eq!(alias["Attributes"]["ExternalName"], "headless.a.svc.cluster.local");

    let addresses: Vec<Value> = of("two.example").into_iter().map(|s| s["defaultAddress"].clone()).collect();
    assert_eq!(addresses, ["10.9.0.1", "10.9.0.2"]);
    assert_eq!(of("two.example")[0]["Attributes"]["ExportTo"], json!({"~": {}}));
}
