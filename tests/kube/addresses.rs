//! `status.addresses` of ServiceEntries.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, eventually};
use crate::support::replica::{EXPIRED, Replica, SOON, home};

const LOCK: &str = "istio-ip-autoallocate";
const LIST: &str = "/apis/networking.istio.io/v1/namespaces/shop/serviceentries";

fn entry(name: &str, extra: Value) -> Value {
    let mut spec = json!({"hosts": [format!("{name}.example.com")], "resolution": "DNS",
                          "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}]});
    extra.as_object().unwrap().iter().for_each(|(key, value)| spec[key] = value.clone());
    json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
           "metadata": {"name": name, "namespace": "shop"}, "spec": spec})
}

/// The same with addresses that istiod gave.
fn given(name: &str, addresses: &[&str]) -> Value {
    let mut document = entry(name, json!({}));
    let host = format!("{name}.example.com");
    document["status"]["addresses"] = addresses.iter().map(|a| json!({"value": a, "host": host})).collect();
    document
}

fn get(cluster: &Cluster, name: &str) -> Value {
    cluster.api().get(&format!("{LIST}/{name}"))
}

/// The addresses of each object that has some, in their order.
fn all(cluster: &Cluster) -> BTreeMap<String, Vec<String>> {
    let list = cluster.api().get(LIST);
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let of = |item: &Value| {
        let addresses = item["status"]["addresses"].as_array().cloned().unwrap_or_default();
        addresses.iter().map(|a| a["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let named = items.iter().map(|item| (item["metadata"]["name"].as_str().unwrap().to_owned(), of(item)));
    named.filter(|(_, addresses)| !addresses.is_empty()).collect()
}

fn versions(cluster: &Cluster) -> Vec<(String, String)> {
    let list = cluster.api().get(LIST);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pair = |item: &Value| (text(&item["metadata"]["name"]), text(&item["metadata"]["resourceVersion"]));
    list["items"].as_array().unwrap().iter().map(pair).collect()
}

fn assert_unique(all: &BTreeMap<String, Vec<String>>) {
    let mut seen = BTreeSet::new();
    for (name, addresses) in all {
        assert!(addresses.len() == 2 && addresses[1].contains(':'), "{name}: {addresses:?}");
        for address in addresses {
            assert!(seen.insert(address), "{address} of {name} is another's too");
        }
    }
}

#[test]
fn what_istiod_gave_is_kept_what_is_missing_is_added_and_nothing_is_written_again() {
    let cluster = Cluster::with_crds();
    // istiod's families go apart in time.
    let kept = given("kept", &["240.240.0.1", "2001:2::2"]);
    let mut wider = given("wider", &["240.240.0.3", "2001:2::3"]);
    wider["spec"]["hosts"] = json!(["new.example.com", "wider.example.com", "*.wild.example.com"]);
    wider["spec"]["resolution"] = "STATIC".into();
    wider["spec"]["endpoints"] = json!([{"address": "10.0.0.1"}]);
    let out = {
        let mut out = entry("out", json!({}));
        out["metadata"]["labels"] = json!({"networking.istio.io/enable-autoallocate-ip": "false"});
        out
    };
    let mut opened = given("opened", &["240.240.0.4", "2001:2::4"]);
    opened["spec"]["resolution"] = "NONE".into();
    let own = entry("own", json!({"addresses": ["240.240.0.9"]}));
    cluster.api().apply(vec![home(), kept, wider, out, opened, own, entry("fresh", json!({}))]);
    let before = get(&cluster, "kept");
    let replica = Replica::ready(&cluster.kubeconfig(), "mizzen-1");
    eventually("all addresses", SOON, || {
        let all = all(&cluster);
        all.contains_key("fresh") && all.get("wider").is_some_and(|w| w.len() == 4) && !all.contains_key("opened")
    });
    let after = all(&cluster);
    assert_eq!(get(&cluster, "kept"), before, "not even touched");
    let wider = get(&cluster, "wider")["status"]["addresses"].clone();
    assert_eq!(wider[0]["host"], "new.example.com", "in the order of the spec: {wider}");
    assert_eq!(wider[2], json!({"host": "wider.example.com", "value": "240.240.0.3"}));
    assert_eq!(wider[3], json!({"host": "wider.example.com", "value": "2001:2::3"}));
    assert_eq!(get(&cluster, "opened")["status"]["addresses"], json!([]), "as istiod takes addresses away");
    assert!(get(&cluster, "out")["status"].is_null() && get(&cluster, "own")["status"].is_null());
    let mut seen: Vec<&String> = after.values().flatten().collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 8, "{after:?}");
    // Once opened to calls by name again, it is given addresses: where istiod left an empty list.
    cluster.api().apply(vec![entry("opened", json!({}))]);
    eventually("addresses once more", SOON, || all(&cluster).contains_key("opened"));

    // Another life of the program writes nothing of what is there.
    replica.stop();
    let before = versions(&cluster);
    let replica = Replica::ready(&cluster.kubeconfig(), "mizzen-1");
    eventually("the lock", SOON, || replica.leads(LOCK));
    cluster.api().apply(vec![entry("last", json!({}))]);
    eventually("addresses of what came last", SOON, || all(&cluster).contains_key("last"));
    let after: Vec<_> = versions(&cluster).into_iter().filter(|(name, _)| name != "last").collect();
    assert_eq!(after, before);
    // A write is counted when the API server has answered.
    let writes = || replica.metric(r#"mizzen_status_writes{result="done",what="addresses"}"#);
    eventually("the write to be counted", SOON, || writes() >= 1.0);
    assert_eq!(writes(), 1.0);
}

#[test]
fn of_two_with_one_address_the_older_keeps_it_and_the_other_is_told_why_it_moved() {
    let cluster = Cluster::with_crds();
    cluster.api().apply(vec![home(), given("older", &["240.240.0.5", "2001:2::5"])]);
    // Ages are whole seconds.
    std::thread::sleep(Duration::from_millis(1100));
    cluster.api().apply(vec![given("an-younger", &["240.240.0.5", "2001:2::6"])]);
    let _replica = Replica::ready(&cluster.kubeconfig(), "mizzen-1");
    eventually("a new address", SOON, || all(&cluster)["an-younger"][0] != "240.240.0.5");
    assert_eq!(all(&cluster)["older"], ["240.240.0.5", "2001:2::5"]);
    assert_unique(&all(&cluster));
    let events = "/apis/events.k8s.io/v1/namespaces/shop/events";
    eventually("the event", SOON, || !cluster.api().get(events)["items"].as_array().unwrap().is_empty());
    let event = cluster.api().get(events)["items"][0].clone();
    assert_eq!((&event["reason"], &event["regarding"]["name"]), (&json!("AddressConflict"), &json!("an-younger")));
    let note = event["note"].as_str().unwrap();
    assert!(note.contains("240.240.0.5") && note.contains("ServiceEntry shop/older"), "{note}");
    // A user's own address comes before both.
    cluster.api().apply(vec![entry("user", json!({"addresses": ["240.240.0.5"]}))]);
    eventually("the other one to move too", SOON, || all(&cluster)["older"][0] != "240.240.0.5");
    assert_unique(&all(&cluster));
}

#[test]
fn addresses_are_given_out_of_the_range_that_is_named_and_a_range_that_is_none_is_told_at_the_start() {
    let cluster = Cluster::with_crds();
    cluster.api().apply(vec![home(), given("kept", &["240.240.0.1", "2001:2::2"]), entry("fresh", json!({}))]);
    let variables =
        [("PILOT_IP_AUTOALLOCATE_IPV4_PREFIX", "10.64.0.0/24"), ("PILOT_IP_AUTOALLOCATE_IPV6_PREFIX", "10.64.0.0/24")];
    let replica = Replica::with(&cluster.kubeconfig(), "mizzen-1", &variables);
    eventually("the addresses", SOON, || all(&cluster).contains_key("fresh"));
    let all = all(&cluster);
    assert!(all["fresh"][0].starts_with("10.64.0.") && all["fresh"][1].starts_with("2001:2::"), "{all:?}");
    assert_eq!(all["kept"], ["240.240.0.1", "2001:2::2"], "what stands there stays");
    let log = replica.log();
    assert!(log.contains("PILOT_IP_AUTOALLOCATE_IPV6_PREFIX=10.64.0.0/24 is not a range of IPv6"), "{log}");
}

#[test]
fn a_leader_that_is_killed_while_it_gives_addresses_leaves_none_twice_and_none_is_moved() {
    const ENTRIES: usize = 500;
    let cluster = Cluster::with_crds();
    cluster.api().apply(vec![home()]);
    let replicas = ["mizzen-1", "mizzen-2"].map(|pod| Replica::ready(&cluster.kubeconfig(), pod));
    eventually("a leader", SOON, || replicas.iter().any(|r| r.leads(LOCK)));
    let [one, two] = replicas;
    let (leader, other) = if one.leads(LOCK) { (one, two) } else { (two, one) };
    cluster.api().apply((0..ENTRIES).map(|n| entry(&format!("e{n:03}"), json!({}))).collect());
    eventually("a part of them to be done", SOON, || all(&cluster).len() >= 20);
    leader.kill();
    let done = all(&cluster);
    assert!(done.len() < ENTRIES, "it was killed too late to show anything");
    eventually("the other to take over", EXPIRED, || other.leads(LOCK));
    eventually("all addresses", SOON, || all(&cluster).len() == ENTRIES);
    let now = all(&cluster);
    assert_unique(&now);
    for (name, addresses) in &done {
        assert_eq!(&now[name], addresses, "{name} was moved");
    }
    eprintln!("killed after {} of {ENTRIES}", done.len());
}
