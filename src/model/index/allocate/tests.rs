//! Who gets which address, and who keeps it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::mesh::MeshConfig;
use crate::base::{Features, Str};
use crate::model::facts::Allocation;
use crate::model::index::tests::{entry, index, object, put};
use crate::model::index::{Allocations, Index, Options};

fn named(name: &str) -> Value {
    entry(name, "one", &format!("{name}.example.com"), json!({}))
}

/// The same, created at a second, with a status.
fn stated(name: &str, second: u32, addresses: &[&str]) -> Value {
    let mut document = named(name);
    document["metadata"]["creationTimestamp"] = format!("2026-01-01T00:00:{second:02}Z").into();
    let host = format!("{name}.example.com");
    document["status"]["addresses"] = addresses.iter().map(|a| json!({"value": a, "host": host})).collect();
    document
}

fn given(index: &Index, name: &str) -> Option<Allocation> {
    let host = format!("{name}.example.com");
    index.allocations().get(&"one".into(), &host.as_str().into(), &name.into()).cloned()
}

/// What proxies are told.
fn served(index: &Index, name: &str) -> Option<Allocation> {
    let host = crate::base::Host::new(format!("{name}.example.com"));
    index.snapshot().services.get(&host)?.first()?.allocated.clone()
}

fn pair(v4: &str, v6: &str) -> Option<Allocation> {
    Some(Allocation { v4: v4.into(), v6: v6.into() })
}

fn delete(index: &mut Index, document: Value) {
    index.apply(&BTreeMap::from([(object(document).key(), None)]), None);
}

#[test]
fn an_address_once_given_stays_through_edits_and_restarts() {
    let mut index = index();
    put(&mut index, &[named("a"), named("b")]);
    let first = given(&index, "a").unwrap();
    assert_ne!(Some(&first), given(&index, "b").as_ref());
    put(&mut index, &[entry("a", "one", "a.example.com", json!({"location": "MESH_INTERNAL"}))]);
    assert_eq!(given(&index, "a"), Some(first.clone()));

    let kept = index.allocations().iter().map(|(n, h, o, a)| (n.clone(), h.clone(), o.clone(), a.clone()));
    let kept = Allocations::restore(kept.collect::<Vec<_>>());
    let mut restarted = Index::new(Options::default(), MeshConfig::default(), kept);
    put(&mut restarted, &[named("a")]);
    assert_eq!(given(&restarted, "a"), Some(first));
}

#[test]
fn a_host_keeps_its_address_when_its_object_gets_another_name() {
    let mut index = index();
    put(&mut index, &[named("a")]);
    let first = given(&index, "a").unwrap();
    delete(&mut index, named("a"));
    put(&mut index, &[entry("renamed", "one", "a.example.com", json!({}))]);
    let second = index.allocations().get(&"one".into(), &"a.example.com".into(), &"renamed".into());
    assert_eq!(second, Some(&first));
    assert_eq!(given(&index, "a"), None);
}

#[test]
fn an_address_in_the_status_comes_first_and_opting_out_gives_none() {
    let mut index = index();
    let mut out = named("b");
    out["metadata"]["labels"] = json!({"networking.istio.io/enable-autoallocate-ip": "False"});
    put(&mut index, &[stated("a", 1, &["240.240.0.77", "2001:2::78"]), out]);
    assert_eq!(given(&index, "a"), pair("240.240.0.77", "2001:2::78"), "the families may have gone apart");
    assert_eq!((given(&index, "b"), served(&index, "b")), (None, None));
}

#[test]
fn a_status_that_comes_later_is_adopted_and_whoever_had_its_address_only_here_gets_another() {
    let mut index = index();
    put(&mut index, &[named("a"), named("b")]);
    let (a, b) = (given(&index, "a").unwrap(), given(&index, "b").unwrap());
    put(&mut index, &[stated("b", 1, &[&a.v4, &a.v6])]);
    assert_eq!(given(&index, "b"), Some(a.clone()));
    let moved = given(&index, "a").unwrap();
    assert!(moved != a && moved.v4 != a.v4 && moved.v6 != a.v6, "{moved:?}");
    assert_eq!((served(&index, "a"), served(&index, "b")), (Some(moved), Some(a)), "proxies are told of both");
    // What it had is free again.
    assert_eq!(index.allocations().holder(&b.v4), None);
}

#[test]
fn of_two_statuses_with_one_address_the_older_object_keeps_it_whoever_comes_first() {
    let (old, young) =
        (stated("old", 1, &["240.240.0.9", "2001:2::9"]), stated("young", 2, &["240.240.0.9", "2001:2::a"]));
    for order in [[&old, &young], [&young, &old]] {
        let mut index = index();
        for document in order {
            put(&mut index, std::slice::from_ref(document));
        }
        assert_eq!(given(&index, "old"), pair("240.240.0.9", "2001:2::9"));
        let other = given(&index, "young").unwrap();
        assert_ne!(other.v4, "240.240.0.9");
        // Once the new one is written down, nothing moves any more.
        put(&mut index, &[stated("young", 2, &[&other.v4, &other.v6])]);
        assert_eq!(given(&index, "young"), Some(other));
        assert_eq!(given(&index, "old"), pair("240.240.0.9", "2001:2::9"));
    }
}

#[test]
fn an_address_that_a_user_wrote_is_taken_from_whoever_was_given_it() {
    let own = |address: &str| entry("own", "two", "own.example.com", json!({"addresses": [address]}));
    let mut index = index();
    put(&mut index, &[stated("a", 1, &["240.240.0.9", "2001:2::9"])]);
    put(&mut index, &[own("240.240.0.9")]);
    let moved = given(&index, "a").unwrap();
    assert!(moved.v4 != "240.240.0.9" && served(&index, "a") == Some(moved.clone()), "{moved:?}");
    // The old status is still there, and is not believed when it is read again.
    put(&mut index, &[named("a")]);
    put(&mut index, &[stated("a", 1, &["240.240.0.9", "2001:2::9"])]);
    assert_ne!(given(&index, "a").unwrap().v4, "240.240.0.9");
    // Nor is such an address given to anybody.
    let mut empty = crate::model::index::tests::index();
    put(&mut empty, &[named("a")]);
    let free = given(&empty, "a").unwrap();
    let mut used = crate::model::index::tests::index();
    put(&mut used, &[own(&free.v4), named("a")]);
    assert_ne!(given(&used, "a").unwrap().v4, free.v4);
}

#[test]
fn addresses_from_elsewhere_and_of_one_family_are_taken_as_they_are() {
    let mut index = index();
    put(&mut index, &[stated("a", 1, &["10.9.8.7"]), stated("b", 2, &["10.9.8.7"]), stated("c", 3, &["nonsense"])]);
    assert_eq!(given(&index, "a"), pair("10.9.8.7", ""));
    let other = given(&index, "b").unwrap();
    assert!(other.v4.starts_with("240.240.") && other.v6.starts_with("2001:2::"), "{other:?}");
    assert!(given(&index, "c").unwrap().v4.starts_with("240.240."));
}

#[test]
fn two_objects_of_a_namespace_with_one_host_have_addresses_of_their_own() {
    let mut index = index();
    let twins = ["a", "b"].map(|name| entry(name, "one", "twin.example.com", json!({})));
    put(&mut index, &twins);
    let of = |name: &str| index.allocations().get(&"one".into(), &"twin.example.com".into(), &name.into());
    assert!(of("a").is_some() && of("b").is_some());
    assert_ne!(of("a"), of("b"));
}

#[test]
fn a_status_that_is_lost_takes_no_address_with_it() {
    let mut index = index();
    put(&mut index, &[stated("a", 1, &["240.240.0.9", "2001:2::9"])]);
    put(&mut index, &[named("a")]);
    assert_eq!(given(&index, "a"), pair("240.240.0.9", "2001:2::9"));
}

#[test]
fn what_is_kept_for_a_host_that_is_gone_yields_to_a_status() {
    let mut index = index();
    put(&mut index, &[named("a")]);
    let first = given(&index, "a").unwrap();
    delete(&mut index, named("a"));
    put(&mut index, &[stated("b", 1, &[&first.v4, &first.v6])]);
    assert_eq!((given(&index, "b"), given(&index, "a")), (Some(first.clone()), None));
    put(&mut index, &[named("a")]);
    assert_ne!(given(&index, "a"), Some(first));
}

#[test]
fn when_all_addresses_are_given_hosts_that_are_gone_lose_theirs() {
    let gone = |slot: u16| {
        let host = format!("h{slot}.example.com");
        ("old".into(), host.as_str().into(), Str::from("x"), Allocation::of_slot(slot))
    };
    let full = Allocations::restore((1..=65534).map(gone));
    let mut index = Index::new(Options::default(), MeshConfig::default(), full);
    put(&mut index, &[named("a")]);
    assert!(given(&index, "a").is_some());
    assert_eq!(index.allocations().iter().count(), 1);
}

#[test]
fn another_range_is_for_whoever_has_no_status_and_statuses_stay() {
    let mut before = index();
    put(&mut before, &[named("a"), stated("b", 1, &["240.240.0.77", "2001:2::77"])]);
    let kept = before.allocations().iter().map(|(n, h, o, a)| (n.clone(), h.clone(), o.clone(), a.clone()));
    let kept = Allocations::restore(kept.collect::<Vec<_>>());
    let (v4, v6) = ("10.64.0.0/24".parse().unwrap(), "fd00:7::/64".parse().unwrap());
    let features = Features { allocate_v4: v4, allocate_v6: v6, ..Features::default() };
    let options = Options { features, ..Options::default() };
    let mut index = Index::new(options, MeshConfig::default(), kept);
    put(&mut index, &[named("a"), stated("b", 1, &["240.240.0.77", "2001:2::77"])]);
    let a = served(&index, "a").unwrap();
    assert!(a.v4.starts_with("10.64.0.") && a.v6.starts_with("fd00:7::"), "{a:?}");
    assert_eq!(served(&index, "b"), pair("240.240.0.77", "2001:2::77"));
}

#[test]
fn what_changes_nothing_is_known_to_be_the_same() {
    let mut index = index();
    put(&mut index, &[stated("a", 1, &["240.240.0.9", "2001:2::9"])]);
    let before = index.allocations().clone();
    put(&mut index, &[stated("a", 1, &["240.240.0.9", "2001:2::9"])]);
    assert!(index.allocations().is_same(&before));
    put(&mut index, &[named("b")]);
    assert!(!index.allocations().is_same(&before));
}
