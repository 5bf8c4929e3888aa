//! Pages about connected proxies.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{printed, sample, tests};
use crate::app;
use crate::debug::json::from_json;
use crate::debug::{Client, DumpOptions, Watch, adsz, config_dump, connections, of_types, resource_types, syncz};
use crate::proxy::Proxy;
use crate::wire::{Encoded, Names, ResourceType};

const GATEWAY: &str = "istio-ingressgateway-7d9f.istio-system";

fn proxy(node: &str) -> Arc<Proxy> {
    let file = tests().join("corpus/users-mesh/nodes").join(node).with_extension("json");
    Arc::new(app::node::proxy(&app::render::node(&file).unwrap()).unwrap())
}

/// A moment of the minute in which the samples were recorded.
fn moment(text: &Value) -> SystemTime {
    let second = text.as_str().unwrap().strip_prefix("2026-11-22T14:32:").unwrap().strip_suffix("Z").unwrap();
    let (whole, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let nanos = format!("{fraction:0<9}").parse().unwrap();
    SystemTime::UNIX_EPOCH + Duration::new(1_795_357_920 + whole.parse::<u64>().unwrap(), nanos)
}

fn watch(kind: ResourceType) -> Watch {
    Watch {
        kind,
        names: Vec::new(),
        version: "2026-11-22T14:32:35Z/1".into(),
        nonce_sent: "".into(),
        nonce_acked: "".into(),
        sent: None,
        error: None,
        holds: Vec::new(),
    }
}

fn client(node: &str, watches: Vec<Watch>) -> Client {
    let proxy = proxy(node);
    let id = format!("{}-1", proxy.name).into();
    Client { id, connected: SystemTime::UNIX_EPOCH, peer: "127.0.0.1:1".into(), proxy, watches }
}

/// The clients that istiod had when it was asked.
fn clients() -> Vec<Client> {
    let (ads, status) = (sample("adsz"), sample("syncz"));
    let one = |(node, at): (&str, usize)| {
        let (ads, status) = (&ads["clients"][at], &status[at]);
        let watches = ResourceType::ALL.into_iter().map(|kind| {
            let nonces = &status["resources"][kind.type_url()];
            let names = ads["watches"][kind.type_url()].as_array().unwrap();
            Watch {
                names: names.iter().map(|n| n.as_str().unwrap().into()).collect(),
                nonce_sent: nonces["sent"].as_str().unwrap().into(),
                nonce_acked: nonces["acked"].as_str().unwrap().into(),
                sent: Some(moment(&nonces["sentTime"])),
                ..watch(kind)
            }
        });
        Client {
            id: ads["connectionId"].as_str().unwrap().into(),
            connected: moment(&ads["connectedAt"]),
            peer: ads["address"].as_str().unwrap().into(),
            ..client(node, watches.collect())
        }
    };
    [("greeter", 0), ("gateway", 1)].map(one).into()
}

/// Takes out of `ours` what istiod does not print of what nodes say: it knows only its own keys.
fn forget_unknown_keys(ours: &mut Value, istiod: &Value) {
    let (Value::Object(ours), Value::Object(istiod)) = (ours, istiod) else { return };
    ours.retain(|key, _| istiod.contains_key(key));
    ours.iter_mut().for_each(|(key, value)| forget_unknown_keys(value, &istiod[key]));
}

#[test]
fn syncz_is_istiods() {
    assert_eq!(printed(syncz(&clients(), None)), sample("syncz"));
}

#[test]
fn syncz_of_a_namespace_has_its_proxies_only() {
    let one = printed(syncz(&clients(), Some("shop")));
    assert_eq!(one, json!([sample("syncz")[0]]));
    assert_eq!(printed(syncz(&clients(), Some("elsewhere"))), json!([]));
}

#[test]
fn syncz_tells_a_refusal_and_leaves_out_what_was_not_sent() {
    let refused =
        Watch { nonce_sent: "n2".into(), error: Some("no such filter".into()), ..watch(ResourceType::Listener) };
    let status = printed(syncz(&[client("greeter", vec![refused])], None));
    let resource = &status[0]["resources"][ResourceType::Listener.type_url()];
    assert_eq!(resource, &json!({"sent": "n2", "sentTime": "0001-01-01T00:00:00Z", "lastError": "no such filter"}));
    assert_eq!(status[0]["listener_sent"], "n2");
    assert!(status[0].get("listener_acked").is_none() && status[0].get("cluster_sent").is_none());
}

#[test]
fn connections_are_istiods() {
    assert_eq!(printed(connections(&clients())), sample("connections"));
    assert_eq!(printed(connections(&[])), json!({"totalClients": 0}));
}

#[test]
fn adsz_has_all_that_istiods_has() {
    let (mut ours, istiods) = (printed(adsz(&clients())), sample("adsz"));
    for at in 0..2 {
        forget_unknown_keys(&mut ours["clients"][at]["metadata"], &istiods["clients"][at]["metadata"]);
    }
    assert_eq!(ours, istiods);
}

/// A gateway that holds what istiod's dump says.
fn gateway() -> Client {
    let names = Names::default();
    let dump = sample("config_dump");
    let holds = |kind: ResourceType, resources: Vec<&Value>| {
        let encode = |resource: &Value| {
            let mut resource = resource.clone();
            resource.as_object_mut().unwrap().remove("@type");
            let name = resource["name"].as_str().or(resource["clusterName"].as_str()).unwrap_or_default().into();
            let bytes = from_json(kind.type_url(), resource).unwrap();
            Arc::new(Encoded::new(name, names.intern(&"x".into()), kind.type_url(), &bytes, Vec::new()))
        };
        Watch { holds: resources.into_iter().map(encode).collect(), ..watch(kind) }
    };
    let of = |section: usize, list: &str, resource: fn(&Value) -> &Value| {
        dump["configs"][section][list].as_array().unwrap().iter().map(resource).collect()
    };
    let (endpoints, table) = (sample("edsz"), sample("ndsz"));
    let watches = vec![
        holds(ResourceType::Cluster, of(1, "dynamicActiveClusters", |c| &c["cluster"])),
        holds(ResourceType::Endpoint, endpoints["configs"].as_array().unwrap().iter().collect()),
        holds(ResourceType::Listener, of(2, "dynamicListeners", |l| &l["activeState"]["listener"])),
        holds(ResourceType::Route, of(4, "dynamicRouteConfigs", |r| &r["routeConfig"])),
        holds(ResourceType::NameTable, table["configs"].as_array().unwrap().iter().collect()),
    ];
    client("gateway", watches)
}

#[test]
fn a_config_dump_is_istiods() {
    assert_eq!(config_dump(&gateway(), DumpOptions::default()).unwrap(), sample("config_dump"));
}

#[test]
fn endpoints_come_after_clusters_when_asked_for() {
    let dump = config_dump(&gateway(), DumpOptions { endpoints: true }).unwrap();
    assert_eq!(dump["configs"].as_array().unwrap().len(), 8);
    let endpoints = &dump["configs"][2];
    assert_eq!(endpoints["@type"], "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump");
    assert_eq!(endpoints["dynamicEndpointConfigs"][0]["endpointConfig"], sample("edsz")["configs"][0]);
}

#[test]
fn a_dump_of_types_has_bare_resources() {
    let of = |types: &str| of_types(&gateway(), &resource_types(types)).unwrap();
    assert_eq!(of("eds"), sample("edsz"));
    assert_eq!(of("NDS"), sample("ndsz"));
    assert_eq!(of("ecds,nonsense,,"), json!({}));
    assert_eq!(of("rds,eds")["configs"].as_array().unwrap().len(), 7);
}

#[test]
fn a_proxy_that_asked_for_nothing_has_every_section_empty() {
    let dump = config_dump(&client("greeter", Vec::new()), DumpOptions::default()).unwrap();
    let sections: Vec<usize> =
        dump["configs"].as_array().unwrap().iter().map(|s| s.as_object().unwrap().len()).collect();
    assert_eq!(sections, [1; 7]);
}

#[test]
fn a_proxy_is_found_by_its_name_or_part_of_it() {
    let clients = clients();
    let found = |name: &str| Client::find(&clients, name).map(|c| c.proxy.name.to_string());
    assert_eq!(found(GATEWAY).as_deref(), Some(GATEWAY));
    assert_eq!(found("ingress").as_deref(), Some(GATEWAY));
    assert_eq!(found("nobody.shop"), None);
    assert_eq!(found(""), None);
}

#[test]
fn a_name_in_full_is_not_taken_for_part_of_another() {
    let longer = Client { id: "a-greeter-5b7c-aaaaa.shop-1".into(), ..client("gateway", Vec::new()) };
    let both = [longer, Client { id: "greeter-5b7c-aaaaa.shop-2".into(), ..client("greeter", Vec::new()) }];
    assert_eq!(Client::find(&both, "greeter-5b7c-aaaaa.shop").unwrap().id, "greeter-5b7c-aaaaa.shop-2");
}
