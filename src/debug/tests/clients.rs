//! Pages about connected proxies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use envoy_types::pb::envoy::config::core::v3::Node as RawNode;
use prost::Name;
use serde_json::{Value, json};

use super::{printed, sample, tests};
use crate::debug::json::from_json;
use crate::debug::{Client, DumpOptions, adsz, config_dump, connections, of_types, resource_types, syncz};
use crate::wire::{Assembly, Cache, Encoded, Publication, ResourceType};
use crate::xds::protocol::{Labels, Rejection, Session};
use crate::xds::{Face, Node, Request, TypeStatus};

const GATEWAY: &str = "istio-ingressgateway-7d9f.istio-system";

/// What a stream is about, by type: resources in proto-JSON that the client should hold, and names that it asks for.
type Script = BTreeMap<ResourceType, (Vec<Value>, Vec<String>)>;

pub(super) fn node(name: &str) -> Node {
    let file = tests().join("corpus/users-mesh/nodes").join(name).with_extension("json");
    let value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    Node::decode(Some(from_json(&RawNode::type_url(), value).unwrap().into())).unwrap()
}

/// A client after its requests, before anything was sent.
fn client(name: &str, face: Face, cache: &Arc<Cache>, script: &Script) -> Client {
    let assemblies = ResourceType::ALL.map(|kind| {
        let resources = script.get(&kind).into_iter().flat_map(|(resources, _)| resources);
        let encoded = resources.map(|r| encode(kind, r, cache)).map(|e| (e.name().clone(), e));
        Assembly::new([encoded.collect()])
    });
    let publication = Arc::new(Publication { revision: 1, assemblies });
    let labels = Labels { nonce: "n".into(), version: "v".into() };
    let mut session = Session::new(face, cache.clone(), labels, publication);
    for (kind, (_, names)) in script {
        let subscribe = names.iter().map(|n| n.as_str().into()).collect();
        session.on_request(&Request { type_url: kind.type_url().into(), subscribe, ..Request::default() }).unwrap();
    }
    let node = node(name);
    let status = |kind| session.state(kind).map(|state| TypeStatus { state, sent_at: None });
    Client {
        id: format!("{}-1", node.id.proxy()).into(),
        face,
        node: node.id,
        metadata: node.metadata,
        locality: node.locality,
        version: node.version,
        address: crate::xds::Address::Internet("127.0.0.1:1".parse().unwrap()),
        connected: SystemTime::UNIX_EPOCH,
        types: ResourceType::ALL.map(status),
    }
}

fn encode(kind: ResourceType, resource: &Value, cache: &Cache) -> Arc<Encoded> {
    let mut resource = resource.clone();
    resource.as_object_mut().unwrap().remove("@type");
    let name = resource["name"].as_str().or_else(|| resource["clusterName"].as_str()).unwrap_or_default().into();
    let id = cache.names().intern(&name);
    let bytes = from_json(kind.type_url(), resource).unwrap();
    Arc::new(Encoded::new(name, id, kind.type_url(), &bytes, Vec::new()))
}

fn plain(name: &str) -> Client {
    client(name, Face::Delta, &Arc::default(), &Script::new())
}

/// A moment of the minute in which the samples were recorded.
fn moment(text: &Value) -> SystemTime {
    let second = text.as_str().unwrap().strip_prefix("2026-11-22T14:32:").unwrap().strip_suffix("Z").unwrap();
    let (whole, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let nanos = format!("{fraction:0<9}").parse().unwrap();
    SystemTime::UNIX_EPOCH + Duration::new(1_795_357_920 + whole.parse::<u64>().unwrap(), nanos)
}

/// The clients that istiod had when it was asked; of their resources only the names.
fn clients(cache: &Arc<Cache>) -> Vec<Client> {
    let (ads, status) = (sample("adsz"), sample("syncz"));
    let one = |(name, face, at): (&str, Face, usize)| {
        let (ads, status) = (&ads["clients"][at], &status[at]);
        let script = ResourceType::ALL.into_iter().filter_map(|kind| {
            let names = ads["watches"][kind.type_url()].as_array()?;
            if !kind.is_wildcard() {
                return Some((kind, (Vec::new(), names.iter().map(|n| n.as_str().unwrap().to_owned()).collect())));
            }
            let named = |name: &Value| if *name == "" { json!({}) } else { json!({ "name": name }) };
            Some((kind, (names.iter().map(named).collect(), Vec::new())))
        });
        let mut client = client(name, face, cache, &script.collect());
        for (kind, of_type) in ResourceType::ALL.into_iter().zip(&mut client.types) {
            let Some(of_type) = of_type else { continue };
            let nonces = &status["resources"][kind.type_url()];
            of_type.state.nonce_sent = nonces["sent"].as_str().unwrap().into();
            of_type.state.nonce_acked = nonces["acked"].as_str().unwrap().into();
            of_type.sent_at = Some(moment(&nonces["sentTime"]));
        }
        client.id = ads["connectionId"].as_str().unwrap().into();
        client.connected = moment(&ads["connectedAt"]);
        client.address = crate::xds::Address::Internet(ads["address"].as_str().unwrap().parse().unwrap());
        client
    };
    [("greeter", Face::Delta, 0), ("gateway", Face::Sotw, 1)].map(one).into()
}

/// Takes out of `ours` what istiod does not print of what nodes say: it knows only its own keys.
fn forget_unknown_keys(ours: &mut Value, istiod: &Value) {
    let (Value::Object(ours), Value::Object(istiod)) = (ours, istiod) else { return };
    ours.retain(|key, _| istiod.contains_key(key));
    ours.iter_mut().for_each(|(key, value)| forget_unknown_keys(value, &istiod[key]));
}

/// Sorts the names that are watched, which Go prints in any order.
fn sort_names(ads: &mut Value) {
    for client in ads["clients"].as_array_mut().unwrap() {
        let watches = client["watches"].as_object_mut().unwrap();
        watches.values_mut().for_each(|names| names.as_array_mut().unwrap().sort_by_key(Value::to_string));
    }
}

#[test]
fn syncz_is_istiods() {
    assert_eq!(printed(syncz(&clients(&Arc::default()), None)), sample("syncz"));
}

#[test]
fn syncz_of_a_namespace_has_its_proxies_only() {
    let clients = clients(&Arc::default());
    assert_eq!(printed(syncz(&clients, Some("shop"))), json!([sample("syncz")[0]]));
    assert_eq!(printed(syncz(&clients, Some("elsewhere"))), json!([]));
}

#[test]
fn syncz_tells_a_refusal_and_leaves_out_what_was_not_sent() {
    let script = Script::from([(ResourceType::Listener, Default::default())]);
    let mut client = client("greeter", Face::Delta, &Arc::default(), &script);
    let status = client.types[ResourceType::Listener as usize].as_mut().unwrap();
    let rejection = Rejection {
        nonce: "n2".into(),
        code: 13,
        message: "no such filter".into(),
        names: Vec::new(),
        cause: Default::default(),
    };
    status.state.nonce_sent = "n2".into();
    status.state.rejection = Some(Arc::new(rejection));
    let status = printed(syncz(&[client], None));
    let resource = &status[0]["resources"][ResourceType::Listener.type_url()];
    assert_eq!(resource, &json!({"sent": "n2", "sentTime": "0001-01-01T00:00:00Z", "lastError": "no such filter"}));
    assert_eq!(status[0]["listener_sent"], "n2");
    assert!(status[0].get("listener_acked").is_none() && status[0].get("cluster_sent").is_none());
}

#[test]
fn connections_are_istiods() {
    assert_eq!(printed(connections(&clients(&Arc::default()))), sample("connections"));
    assert_eq!(printed(connections(&[])), json!({"totalClients": 0}));
}

#[test]
fn adsz_has_all_that_istiods_has() {
    let cache = Arc::default();
    let mut istiods = sample("adsz");
    let mut ours = printed(adsz(&clients(&cache), cache.names()));
    for at in 0..2 {
        forget_unknown_keys(&mut ours["clients"][at]["metadata"], &istiods["clients"][at]["metadata"]);
    }
    sort_names(&mut istiods);
    sort_names(&mut ours);
    assert_eq!(ours, istiods);
}

/// A gateway that holds what istiod's dump says, and that does not ask for another one's routes and endpoints.
fn gateway() -> Client {
    let dump = sample("config_dump");
    let of = |section: usize, list: &str, resource: fn(&Value) -> &Value| -> Vec<Value> {
        dump["configs"][section][list].as_array().unwrap().iter().map(resource).cloned().collect()
    };
    let configs = |page| sample(page)["configs"].as_array().unwrap().clone();
    let named = |mut resources: Vec<Value>, key: &str| {
        let names = resources.iter().map(|r| r[key].as_str().unwrap().to_owned()).collect();
        resources.push(json!({ key: "of-another" }));
        (resources, names)
    };
    let script = Script::from([
        (ResourceType::Cluster, (of(1, "dynamicActiveClusters", |c| &c["cluster"]), Vec::new())),
        (ResourceType::Endpoint, named(configs("edsz"), "clusterName")),
        (ResourceType::Listener, (of(2, "dynamicListeners", |l| &l["activeState"]["listener"]), Vec::new())),
        (ResourceType::Route, named(of(4, "dynamicRouteConfigs", |r| &r["routeConfig"]), "name")),
        (ResourceType::NameTable, (configs("ndsz"), Vec::new())),
    ]);
    let mut client = client("gateway", Face::Sotw, &Arc::default(), &script);
    client.types.iter_mut().flatten().for_each(|t| t.state.version = "2026-11-22T14:32:35Z/1".into());
    client
}

/// Sorts lists of resources by their names.
fn sort_resources(dump: &mut Value) {
    let lists =
        dump["configs"].as_array_mut().unwrap().iter_mut().flat_map(|s| s.as_object_mut().unwrap().values_mut());
    lists.filter_map(Value::as_array_mut).for_each(|list| list.sort_by_key(Value::to_string));
}

#[test]
fn a_config_dump_is_istiods() {
    let (mut ours, mut istiods) = (config_dump(&gateway(), DumpOptions::default()).unwrap(), sample("config_dump"));
    sort_resources(&mut ours);
    sort_resources(&mut istiods);
    assert_eq!(ours, istiods);
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
    let dump = config_dump(&plain("greeter"), DumpOptions::default()).unwrap();
    let sections: Vec<usize> =
        dump["configs"].as_array().unwrap().iter().map(|s| s.as_object().unwrap().len()).collect();
    assert_eq!(sections, [1; 7]);
}

#[test]
fn a_proxy_is_found_by_its_name_or_part_of_it() {
    let clients = clients(&Arc::default());
    let found = |name: &str| Client::find(&clients, name).map(|c| c.node.proxy().to_owned());
    assert_eq!(found(GATEWAY).as_deref(), Some(GATEWAY));
    assert_eq!(found("ingress").as_deref(), Some(GATEWAY));
    assert_eq!(found("nobody.shop"), None);
    assert_eq!(found(""), None);
}

#[test]
fn a_name_in_full_is_not_taken_for_part_of_another() {
    let longer = Client { id: "a-greeter-5b7c-aaaaa.shop-1".into(), ..plain("gateway") };
    let both = [longer, Client { id: "greeter-5b7c-aaaaa.shop-2".into(), ..plain("greeter") }];
    assert_eq!(Client::find(&both, "greeter-5b7c-aaaaa.shop").unwrap().id, "greeter-5b7c-aaaaa.shop-2");
}

#[test]
fn no_dump_shows_a_private_key() {
    let own = json!({"name": "kubernetes://shop", "tlsCertificate": {
        "certificateChain": {"inlineBytes": "Y2VydA=="}, "privateKey": {"inlineBytes": "c2VjcmV0"},
        "privateKeyProvider": {"providerName": "cryptomb"}, "password": {"inlineString": "secret"}}});
    let other = json!({"name": "sealed", "genericSecret": {"secret": {"inlineString": "secret"}}});
    let names = vec!["kubernetes://shop".to_owned(), "sealed".to_owned()];
    let script = Script::from([(ResourceType::Secret, (vec![own, other], names))]);
    let client = client("gateway", Face::Delta, &Arc::default(), &script);
    let dump = config_dump(&client, DumpOptions::default()).unwrap();
    let shown = &dump["configs"][5]["dynamicActiveSecrets"];
    assert_eq!(
        shown[0]["secret"],
        json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", "name": "kubernetes://shop",
        "tlsCertificate": {
            "certificateChain": {"inlineBytes": "Y2VydA=="}, "privateKey": {"inlineBytes": "W3JlZGFjdGVkXQ=="}}})
    );
    assert_eq!(shown[1]["secret"].as_object().unwrap().len(), 2, "a name and a type: {}", shown[1]);
    let bare = of_types(&client, &resource_types("sds")).unwrap();
    assert_eq!(bare["configs"][0], shown[0]["secret"]);
}
