//! What is written, and what is left alone.

use serde_json::{Value, json};

use super::*;
use crate::api::{Object, Spec};

fn entry(spec: Value, addresses: &[(&str, &str)]) -> Object {
    let addresses: Vec<Value> = addresses.iter().map(|(host, value)| json!({"host": host, "value": value})).collect();
    let document = json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
        "metadata": {"name": "x", "namespace": "shop"}, "spec": spec, "status": {"addresses": addresses}});
    let decoded = crate::api::decode(document, None);
    decoded.object.unwrap_or_else(|| panic!("{:?}", decoded.findings))
}

fn given(all: &[(&str, u16)]) -> Allocations {
    let owner = |(host, slot): &(&str, u16)| ("shop".into(), Host::from(*host), "x".into(), Allocation::of_slot(*slot));
    Allocations::restore(all.iter().map(owner))
}

fn of(object: &Object, allocations: &Allocations) -> Option<Vec<(String, String)>> {
    let Spec::ServiceEntry(entry) = &object.spec else { panic!() };
    let out = wanted(&object.meta, entry, allocations)?;
    Some(out.iter().map(|a| (a.host.to_string(), a.value.to_string())).collect())
}

fn pairs(all: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
    Some(all.iter().map(|(host, value)| ((*host).to_owned(), (*value).to_owned())).collect())
}

const PORTS: &str = r#"[{"number": 80, "name": "http", "protocol": "HTTP"}]"#;

fn spec(hosts: &[&str], resolution: &str) -> Value {
    json!({"hosts": hosts, "resolution": resolution, "ports": serde_json::from_str::<Value>(PORTS).unwrap()})
}

#[test]
fn each_host_that_can_have_addresses_gets_one_of_each_family_in_the_order_of_the_spec() {
    let hosts = ["b.com", "a.com", "b.com", "*.wild.com"];
    let mut wild = spec(&hosts, "STATIC");
    wild["endpoints"] = json!([{"address": "10.0.0.1"}]);
    let object = entry(wild, &[]);
    let expected = [("b.com", "240.240.0.2"), ("b.com", "2001:2::2"), ("a.com", "240.240.0.1"), ("a.com", "2001:2::1")];
    assert_eq!(of(&object, &given(&[("a.com", 1), ("b.com", 2), ("*.wild.com", 3)])), pairs(&expected));
    let dynamic = entry(spec(&["*.wild.com"], "DYNAMIC_DNS"), &[]);
    let expected = [("*.wild.com", "240.240.0.3"), ("*.wild.com", "2001:2::3")];
    assert_eq!(of(&dynamic, &given(&[("*.wild.com", 3)])), pairs(&expected));
}

#[test]
fn what_the_model_took_up_stays_as_it_stands_there() {
    let stands = [("a.com", "240.240.0.1"), ("a.com", "2001:2::1"), ("b.com", "240.240.0.2"), ("b.com", "2001:2::2")];
    let allocations = given(&[("a.com", 1), ("b.com", 2), ("c.com", 3)]);
    let same = entry(spec(&["b.com", "a.com"], "DNS"), &stands);
    assert_eq!(of(&same, &allocations), None, "the order is no reason to write");
    let more = entry(spec(&["c.com", "b.com", "a.com"], "DNS"), &stands);
    let added = [("c.com", "240.240.0.3"), ("c.com", "2001:2::3"), stands[2], stands[3], stands[0], stands[1]];
    assert_eq!(of(&more, &allocations), pairs(&added));
    let fewer = entry(spec(&["b.com"], "DNS"), &stands);
    assert_eq!(of(&fewer, &allocations), pairs(&stands[2..]));
    let moved = entry(spec(&["a.com"], "DNS"), &[("a.com", "240.240.9.9"), ("a.com", "2001:2::1")]);
    assert_eq!(of(&moved, &allocations), pairs(&stands[..2]));
}

#[test]
fn addresses_go_when_an_object_may_no_longer_have_any() {
    let stands = [("a.com", "240.240.0.1"), ("a.com", "2001:2::1")];
    let allocations = given(&[("a.com", 1)]);
    assert_eq!(of(&entry(spec(&["a.com"], "NONE"), &stands), &allocations), pairs(&[]));
    let mut own = spec(&["a.com"], "DNS");
    own["addresses"] = json!(["10.0.0.1"]);
    assert_eq!(of(&entry(own.clone(), &stands), &allocations), pairs(&[]));
    assert_eq!(of(&entry(own, &[]), &allocations), None);
}

#[test]
fn where_nothing_could_be_given_nothing_is_written() {
    assert_eq!(of(&entry(spec(&["a.com"], "DNS"), &[]), &Allocations::default()), None);
}

#[test]
fn what_moved_is_told_once_for_each_host() {
    let list = |all: &[(&str, &str)]| -> Vec<Allocated> {
        all.iter().map(|(host, value)| Allocated { host: (*host).into(), value: (*value).into() }).collect()
    };
    let from = list(&[("a", "1"), ("a", "2"), ("b", "3"), ("gone", "4")]);
    let to = list(&[("a", "8"), ("a", "9"), ("b", "3")]);
    assert_eq!(moved(&from, &to), [(&Str::from("a"), &Str::from("1"))]);
}
