//! Clients on sessions of the protocol, with resources of their own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use envoy_types::pb::envoy::config::core::v3::Node as RawNode;
use prost::Message;
use serde_json::{Value, json};

use super::{ask, printed};
use crate::api::{Key, Kind};
use crate::base::Str;
use crate::debug::Client;
use crate::debug::json::from_json;
use crate::page::{compare, find, holdings, lines_between, proxies, proxy, shown};
use crate::wire::{Assembly, Cache, Encoded, Publication, ResourceType};
use crate::xds::protocol::{Labels, Rejection, Session};
use crate::xds::{Address, Face, Node, Request, TypeStatus};

/// A client that asks for clusters and secrets and is to hold these.
fn client(name: &str, resources: &[(ResourceType, Value)], cache: &Arc<Cache>) -> Client {
    let of = |kind: ResourceType| {
        let own = resources.iter().filter(|(k, _)| *k == kind);
        let encoded = own.map(|(_, resource)| {
            let name: Str = resource["name"].as_str().unwrap().into();
            let bytes = from_json(kind.type_url(), resource.clone()).unwrap();
            let id = cache.names().intern(&name);
            (name.clone(), Arc::new(Encoded::new(name, id, kind.type_url(), &bytes, Vec::new())))
        });
        Assembly::new([encoded.collect()])
    };
    let publication = Arc::new(Publication { revision: 1, assemblies: ResourceType::ALL.map(of) });
    let labels = Labels { nonce: "n".into(), version: "v".into() };
    let mut session = Session::new(Face::Delta, cache.clone(), labels, publication);
    for kind in [ResourceType::Cluster, ResourceType::Secret] {
        let type_url = kind.type_url().into();
        session.on_request(&Request { type_url, subscribe: vec!["*".into()], ..Request::default() }).unwrap();
    }
    let raw = RawNode { id: format!("sidecar~10.0.0.1~{name}.shop~d"), ..RawNode::default() };
    let node = Node::decode(Some(raw.encode_to_vec().into())).unwrap();
    let status = |kind| session.state(kind).map(|state| TypeStatus { state, sent_at: None });
    Client {
        id: format!("{name}.shop-1").into(),
        face: Face::Delta,
        node: node.id,
        metadata: node.metadata,
        locality: node.locality,
        version: Some((1, 36, 2)),
        address: Address::Local,
        connected: SystemTime::UNIX_EPOCH + Duration::from_secs(1),
        types: ResourceType::ALL.map(status),
    }
}

fn cluster(name: &str, timeout: &str) -> (ResourceType, Value) {
    (ResourceType::Cluster, json!({ "name": name, "connectTimeout": timeout }))
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(100)
}

/// A client whose clusters were sent and answered so.
fn answered(name: &str, sent: &str, acked: &str, refused: Option<&str>) -> Client {
    let mut client = client(name, &[], &Arc::default());
    for status in client.types.iter_mut().flatten() {
        status.state.nonce_sent = "1".into();
        status.state.nonce_acked = "1".into();
    }
    let status = client.types[ResourceType::Cluster as usize].as_mut().unwrap();
    status.state.nonce_sent = sent.into();
    status.state.nonce_acked = acked.into();
    status.sent_at = Some(now() - Duration::from_secs(3));
    let refusal = |m: &str| Rejection {
        nonce: sent.into(),
        code: 13,
        message: m.into(),
        names: vec!["a".into()],
        cause: Default::default(),
    };
    status.state.rejection = refused.map(|message| Arc::new(refusal(message)));
    client
}

#[test]
fn proxies_say_how_far_they_are_and_the_worst_counts() {
    let clients = [
        answered("synced", "2", "2", None),
        answered("waiting", "2", "1", None),
        answered("rejected", "2", "2", Some("no such filter")),
        answered("silent", "", "", None),
    ];
    let istio = BTreeSet::from([clients[0].node.str().clone()]);
    let all = printed(proxies(&clients, &istio, now(), &ask(&[("sort", "-state")])));
    assert_eq!(all["tally"], json!({"total": 4, "synced": 2, "waiting": 1, "rejected": 1}));
    let rows = all["rows"].as_array().unwrap();
    let states: Vec<_> = rows.iter().map(|r| (r["name"].as_str().unwrap(), r["state"].as_str().unwrap())).collect();
    // A type of which nothing was sent does not hide that another was accepted.
    let expected = [("rejected", "rejected"), ("waiting", "waiting"), ("synced", "synced"), ("silent", "synced")];
    assert_eq!(states, expected);
    assert_eq!((&rows[1]["lag"], &rows[2]["lag"], &rows[0]["lag"]), (&json!(3000), &json!(0), &json!(0)));
    assert_eq!((&rows[2]["kind"], &rows[0]["kind"]), (&json!("istio"), &json!("stock")));
    assert_eq!((&rows[0]["version"], &rows[0]["namespace"]), (&json!("Envoy 1.36.2"), &json!("shop")));
    assert_eq!(rows[0]["types"][0], json!({"type": "cds", "state": "rejected", "lag": 0}));
    let found = printed(proxies(&clients, &istio, now(), &ask(&[("q", "wait shop")])));
    assert_eq!((&found["matching"], &found["rows"][0]["id"]), (&json!(1), &json!("waiting.shop-1")));
    let refused = printed(proxy(&clients[2], &istio, now()));
    let refusal = json!({"message": "no such filter", "code": 13, "names": ["a"], "cause": null});
    assert_eq!(refused["holds"][0]["refusal"], refusal);
    assert_eq!(printed(proxy(&clients[1], &istio, now()))["holds"][0]["lag"], 3000);
}

#[test]
fn a_proxy_is_found_by_name_or_by_connection_and_never_by_a_part_of_its_name() {
    let mut again = answered("web", "", "", None);
    again.id = "web.shop-2".into();
    again.connected += Duration::from_secs(1);
    let clients = [answered("web", "", "", None), again];
    let found = |id: &str| find(&clients, id).map(|c| c.id.to_string());
    assert_eq!(found("web.shop"), Some("web.shop-2".to_owned()), "the newest");
    assert_eq!(found("web.shop-1"), Some("web.shop-1".to_owned()));
    assert_eq!((found("web"), found("")), (None, None));
}

#[test]
fn a_proxy_s_resources_are_listed_and_shown_without_private_keys() {
    let secret = json!({"name": "kubernetes://tls", "tlsCertificate": {
        "certificateChain": {"inlineString": "public"}, "privateKey": {"inlineString": "private"}}});
    let held = [cluster("b", "1s"), cluster("a", "1s"), (ResourceType::Secret, secret)];
    let client = client("web", &held, &Arc::default());
    let from = [Key::new(Kind::Service, "shop".into(), "web".into())];
    let clusters = printed(holdings(&client, ResourceType::Cluster, &ask(&[])));
    assert_eq!((&clusters["total"], &clusters["rows"][0]["name"]), (&json!(2), &json!("a")));
    assert!(clusters["rows"][0]["bytes"].as_u64().unwrap() > 5);
    let a = printed(shown(&client, ResourceType::Cluster, "a", &from).unwrap().unwrap());
    assert_eq!(a["origins"], json!([{"kind": "Service", "namespace": "shop", "name": "web"}]));
    assert_eq!((&a["json"]["connectTimeout"], &a["version"]), (&json!("1s"), &clusters["rows"][0]["version"]));
    assert!(shown(&client, ResourceType::Cluster, "c", &[]).unwrap().is_none());
    let tls = printed(shown(&client, ResourceType::Secret, "kubernetes://tls", &[]).unwrap().unwrap()).to_string();
    assert!(tls.contains("public") && !tls.contains("private\""), "{tls}");
}

#[test]
fn two_proxies_are_compared_by_what_they_hold() {
    let cache = Arc::default();
    let a = client("a", &[cluster("same", "1s"), cluster("other", "1s"), cluster("mine", "1s")], &cache);
    let b = client("b", &[cluster("same", "1s"), cluster("other", "2s"), cluster("yours", "1s")], &cache);
    let all = printed(compare(&a, &b, None, &ask(&[("sort", "name")])));
    assert_eq!(all["types"], json!([{"type": "cds", "same": 1, "different": 1, "onlyA": 1, "onlyB": 1}]));
    let rows = all["rows"].as_array().unwrap();
    let at: Vec<_> =
        rows.iter().map(|r| (r["name"].as_str().unwrap(), r["a"].is_string(), r["b"].is_string())).collect();
    assert_eq!(at, [("mine", true, false), ("other", true, true), ("yours", false, true)]);
    let none = printed(compare(&a, &b, Some(ResourceType::Secret), &ask(&[])));
    assert_eq!((&none["total"], &none["types"][0]["same"]), (&json!(0), &json!(1)));
    let hunks = lines_between(&a, &b, ResourceType::Cluster, "other").unwrap();
    let changed: Vec<_> = hunks[0].iter().filter(|l| l.a.is_none() || l.b.is_none()).map(|l| l.text.trim()).collect();
    assert_eq!(changed, ["\"connectTimeout\": \"1s\",", "\"connectTimeout\": \"2s\","]);
    assert!(lines_between(&a, &b, ResourceType::Cluster, "same").unwrap().is_empty());
    assert!(lines_between(&a, &b, ResourceType::Cluster, "mine").unwrap()[0].iter().all(|line| line.b.is_none()));
}
