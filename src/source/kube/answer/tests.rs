use serde_json::json;

use super::*;
use crate::api::{Kind, Spec};
use crate::source::kube::cut;

fn reading<'a>(resource: &'a Resource, api_version: &'a str) -> Reading<'a> {
    Reading { resource, api_version, revision: "blue" }
}

fn line(name: &str, object: Value) -> Vec<u8> {
    format!(r#"{{"type":"{name}","object":{object}}}"#).into_bytes()
}

fn good(event: Event) -> Arc<Object> {
    match event {
        Event::There(Item { state: State::Good(object), findings, .. }) if findings.is_empty() => object,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pod_is_cut_to_what_is_used() {
    let pods = Resource::all(Kind::Pod);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "a", "namespace": "shop", "resourceVersion": "7", "managedFields": [{"manager": "kubectl"}],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "k": "v"},
        },
        "spec": {
            "nodeName": "n", "serviceAccountName": "cart", "volumes": [{"name": "v"}],
            "containers": [{"name": "c", "image": "i", "env": [{"name": "E"}], "ports": [{"containerPort": 80}]}],
        },
        "status": {"podIP": "10.0.0.1", "phase": "Running", "containerStatuses": [{}],
                   "conditions": [{"type": "Ready", "status": "True", "lastProbeTime": null}]},
    });
    let (event, version) = reading(&pods, "v1").event(&line("ADDED", pod.clone())).unwrap();
    assert_eq!(version, "7");
    let object = good(event);
    assert_eq!(object.spec, api::decode(pod.clone(), None).object.unwrap().spec, "nothing that is used is lost");
    let cut = cut::of(Kind::Pod).deserialize(&pod).unwrap();
    let text = cut.to_string();
    for lost in ["managedFields", "last-applied", "image", "env", "volumes", "containerStatuses", "lastProbeTime"] {
        assert!(!text.contains(lost), "{lost} is still there");
    }
}

#[test]
fn of_a_secret_only_what_gateways_use_is_read() {
    let secrets = Resource::all(Kind::Secret);
    let secret = json!({"metadata": {"name": "s", "namespace": "n"}, "type": "Opaque", "data": {"password": "cGFzcw==", "cert": "YQ=="}});
    let Spec::Secret(secret) = &good(reading(&secrets, "v1").event(&line("ADDED", secret)).unwrap().0).spec else {
        panic!("a Secret is one");
    };
    assert_eq!(secret.data.keys().map(Str::as_str).collect::<Vec<_>>(), ["cert"]);
}

#[test]
fn a_page_is_read_whatever_the_order_of_its_parts() {
    let services = Resource::all(Kind::Service);
    let item =
        json!({"metadata": {"name": "a", "namespace": "n", "resourceVersion": "3"}, "spec": {"ports": [{"port": 80}]}});
    let page =
        json!({"kind": "ServiceList", "items": [item], "metadata": {"resourceVersion": "9", "continue": "more"}});
    let page = reading(&services, "v1").page(page.to_string().as_bytes()).unwrap();
    assert_eq!((page.version.as_str(), page.next.as_str(), page.items.len()), ("9", "more", 1));
    assert!(matches!(page.items[0].state, State::Good(_)));
    let empty = reading(&services, "v1").page(br#"{"items": null, "metadata": {"resourceVersion": "9"}}"#).unwrap();
    assert_eq!((empty.items.len(), empty.next.as_str()), (0, ""));
}

#[test]
fn the_end_of_the_first_list_and_the_end_of_a_watch_are_told() {
    let services = Resource::all(Kind::Service);
    let reading = reading(&services, "v1");
    let mark = json!({"metadata": {"resourceVersion": "5", "annotations": {"k8s.io/initial-events-end": "true"}}});
    let (event, _) = reading.event(&line("BOOKMARK", mark)).unwrap();
    assert!(matches!(event, Event::Bookmark { version, listed: true } if version == "5"));
    let status = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
    let (event, _) = reading.event(&line("ERROR", status)).unwrap();
    assert!(matches!(event, Event::Error(Status { code: 410, .. })));
    let gone = json!({"metadata": {"name": "a", "namespace": "n"}});
    let (event, _) = reading.event(&line("DELETED", gone)).unwrap();
    assert!(matches!(event, Event::Gone(key) if key.to_string() == "Service n/a"));
}

#[test]
fn what_is_wrong_is_no_object_and_its_finding_names_it() {
    let services = Resource::all(Kind::VirtualService);
    let broken = json!({"metadata": {"name": "a", "namespace": "n"}, "spec": {"hosts": 7}});
    let (event, _) = reading(&services, "networking.istio.io/v1").event(&line("ADDED", broken)).unwrap();
    let Event::There(Item { state: State::Broken, findings, .. }) = event else { panic!("{event:?}") };
    assert_eq!((findings[0].object.name.as_str(), findings[0].field.as_str()), ("a", "spec.hosts"));
}

#[test]
fn objects_labelled_for_another_revision_are_not_read() {
    let rules = Resource::all(Kind::DestinationRule);
    for (label, ours) in
        [(json!({}), true), (json!({"istio.io/rev": "blue"}), true), (json!({"istio.io/rev": "red"}), false)]
    {
        let rule = json!({"metadata": {"name": "a", "namespace": "n", "labels": label}, "spec": {"host": "h"}});
        let (event, _) = reading(&rules, "networking.istio.io/v1").event(&line("ADDED", rule)).unwrap();
        let Event::There(item) = event else { panic!("{event:?}") };
        assert_eq!(item.state != State::Foreign, ours);
    }
}
