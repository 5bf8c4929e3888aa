//! After any sequence of edits a class holds what planning anew gives, and that is what a planner would give who knows
//! no groups, no sharing and no overlays.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::*;
use crate::api::Kind;
use crate::base::Host;
use crate::plan::route::common::defaults;
use crate::plan::route::contest::holder;
use crate::plan::route::everywhere;
use crate::plan::route::host::{Candidate, HostPlan, Seat, plan};
use crate::plan::route::port::virtual_host;
use crate::plan::tests::world::sidecar;
use crate::wire::Fragment;

/// A document, or the place of one that is taken out.
#[derive(Clone, Debug)]
enum Edit {
    Apply(String),
    Remove(Kind, &'static str, &'static str),
    Settings(Value),
}

fn namespace() -> impl Strategy<Value = &'static str> {
    select(vec!["one", "two"])
}

fn name() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "c"])
}

fn host() -> impl Strategy<Value = &'static str> {
    select(vec![
        "a",
        "a.one",
        "a.one.svc.cluster.local",
        "b.two.svc.cluster.local",
        "x.example",
        "y.example",
        "'*.example'",
        "'*.one.svc.cluster.local'",
    ])
}

fn export() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", "exportTo: ['.'],", "exportTo: [two],"])
}

fn kubernetes() -> impl Strategy<Value = Edit> {
    let ports = select(vec![&["http:80"][..], &["http:80", "any:81"], &["tcp-x:80", "http:81"], &["any:80"]]);
    (namespace(), name(), select(vec!["10.96.0.1", "10.96.0.2", "None"]), ports)
        .prop_map(|(ns, name, ip, ports)| Edit::Apply(service(ns, name, ip, ports)))
}

fn alias() -> impl Strategy<Value = Edit> {
    let target = select(vec!["a.one.svc.cluster.local", "x.example", "b.two.svc.cluster.local"]);
    (namespace(), name(), target).prop_map(|(ns, name, target)| {
        Edit::Apply(format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {ns}}},
              spec: {{type: ExternalName, externalName: {target}, ports: [{{name: http, port: 80}}]}}}}"
        ))
    })
}

fn external() -> impl Strategy<Value = Edit> {
    let host = select(vec!["x.example", "y.example", "'*.example'", "a.one", "a.one.svc.cluster.local"]);
    let address = select(vec!["", "addresses: [10.96.0.1],"]);
    (namespace(), name(), host, select(vec![80, 81]), export(), address).prop_map(
        |(ns, name, host, port, export, address)| {
            Edit::Apply(entry(ns, name, host, port, &format!("{export} {address}")))
        },
    )
}

fn routing() -> impl Strategy<Value = Edit> {
    let condition = select(vec![
        "",
        "",
        "match: [{port: 80}],",
        "match: [{sourceLabels: {app: web}}],",
        "match: [{sourceNamespace: one}, {uri: {prefix: /x}}],",
    ]);
    let to = select(vec!["a.one.svc.cluster.local", "x.example", "b"]);
    let hosts = select(vec![
        &["a"][..],
        &["a.one.svc.cluster.local", "x.example"],
        &["'*.example'", "b.two.svc.cluster.local"],
        &["y.example", "'*.one.svc.cluster.local'"],
        &["'*.example'"],
        &["x.example"],
        &["a.one", "b"],
    ]);
    (namespace(), name(), hosts, condition, to, export()).prop_map(|(ns, name, hosts, condition, to, export)| {
        let http = format!("{{name: {name}, {condition} route: [{{destination: {{host: {to}}}}}]}}");
        Edit::Apply(rule(ns, name, &hosts.join(", "), &http, export))
    })
}

fn hashing() -> impl Strategy<Value = Edit> {
    let selector = select(vec!["", "workloadSelector: {matchLabels: {app: web}},"]);
    (namespace(), name(), host(), selector, export()).prop_map(|(ns, name, host, selector, export)| {
        let export = if selector.is_empty() { export.to_owned() } else { String::new() };
        Edit::Apply(format!(
            "{{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {{name: {name}, namespace: {ns}}},
              spec: {{host: {host}, {selector} {export}
                     trafficPolicy: {{loadBalancer: {{consistentHash: {{httpHeaderName: x-{name}}}}}}}}}}}"
        ))
    })
}

fn removal() -> impl Strategy<Value = Edit> {
    let kind = select(vec![Kind::Service, Kind::ServiceEntry, Kind::VirtualService, Kind::DestinationRule]);
    (kind, namespace(), name()).prop_map(|(kind, ns, name)| Edit::Remove(kind, ns, name))
}

fn settings() -> impl Strategy<Value = Edit> {
    let modes = select(vec!["ALLOW_ANY", "REGISTRY_ONLY"]);
    (modes, 0..2).prop_map(|(mode, attempts)| {
        Edit::Settings(
            json!({"outboundTrafficPolicy": {"mode": mode}, "defaultHttpRetryPolicy": {"attempts": attempts}}),
        )
    })
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![4 => kubernetes(), 2 => alias(), 4 => external(), 5 => routing(), 2 => hashing(), 4 => removal(), 1 => settings()]
}

fn proxies() -> Vec<Proxy> {
    let web = json!({"LABELS": {"app": "web"}, "DNS_CAPTURE": "true"});
    let proxied = json!({"HTTP_PROXY_PORT": "3128"});
    vec![
        sidecar("one", json!({})),
        sidecar("one", web),
        sidecar("two", json!({})),
        sidecar("two", proxied),
        sidecar("three", json!({})),
    ]
}

/// The virtual hosts of each port by name, their own names sorted.
type Hosts = BTreeMap<String, BTreeMap<String, VirtualHost>>;

/// What a class should hold, worked out without groups, sharing and overlays.
fn reference(world: &World, outbound: &Outbound) -> Hosts {
    let view = View::new(world.snapshot(), &outbound.scope);
    let defaults = defaults(&outbound.base, view.mesh());
    let seat = Seat {
        view: &view,
        base: &outbound.base,
        caller: &outbound.caller,
        defaults: &defaults,
        proxied: outbound.proxied,
    };
    let hosts: BTreeSet<&Host> = view.hosts().chain(view.routed_hosts()).chain(view.wild_hosts()).collect();
    let plans: Vec<(&Host, HostPlan)> = hosts.iter().map(|host| (*host, plan(&seat, host))).collect();
    let mut ports: BTreeMap<u16, BTreeMap<&Host, Candidate>> = BTreeMap::new();
    for (host, plan) in &plans {
        for (port, candidate) in &plan.ports {
            ports.entry(*port).or_default().insert(host, candidate.clone());
        }
    }
    let mut out = Hosts::new();
    if outbound.proxied {
        let all = everywhere::hosts(plans.iter().map(|(host, plan)| (*host, &plan.ports)), &outbound.namespace);
        let built = all.iter().map(|host| (host.name.to_string(), sorted(host.build().unwrap())));
        out.insert("http_proxy".to_owned(), built.collect());
    }
    for (port, candidates) in &ports {
        let on_port = out.entry(port.to_string()).or_default();
        for (host, candidate) in candidates {
            let holds = |text: &crate::base::Str| {
                let all = candidates.iter().map(|(host, candidate)| (*host, candidate));
                holder(text, Some(&outbound.namespace), all).0 == Some(host)
            };
            let names = candidate.names.seen_from(&outbound.namespace).iter().map(|d| d.text.clone()).filter(holds);
            if let Some(host) = virtual_host(host, *port, candidate, names.collect()) {
                on_port.insert(host.name.to_string(), sorted(host.build().unwrap()));
            }
        }
    }
    for (port, candidates) in ports {
        for (host, candidate) in candidates.into_iter().filter(|(_, c)| c.detected) {
            let alone = virtual_host(host, port, &candidate, vec!["*".into()]).unwrap();
            let name = alone.name.to_string();
            out.insert(name.clone(), BTreeMap::from([(name, alone.build().unwrap())]));
        }
    }
    out
}

fn sorted(mut host: VirtualHost) -> VirtualHost {
    host.domains.sort();
    host
}

/// What a class holds; no name may be there twice.
fn held(class: &RouteClass) -> Hosts {
    let hosts = |(name, configuration): (String, RouteConfiguration)| {
        let mut hosts = configuration.virtual_hosts;
        let mut seen = BTreeSet::new();
        let twice = hosts.iter().flat_map(|h| &h.domains).find(|d| !seen.insert((*d).clone()));
        assert_eq!(twice, None, "{name}");
        if !name.contains(':') {
            assert_eq!(hosts.pop().unwrap().domains, ["*"]);
        }
        (name, hosts.into_iter().map(|host| (host.name.clone(), sorted(host))).collect())
    };
    decode(class).into_iter().map(hosts).collect()
}

fn compare(held: &Hosts, wanted: &Hosts) {
    assert_eq!(held.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (name, wanted) in wanted {
        let held = &held[name];
        assert_eq!(held.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{name}");
        for (host, wanted) in wanted {
            assert_eq!(held[host].domains, wanted.domains, "{host}");
            assert!(held[host] == *wanted, "{host} has other routes");
        }
    }
}

fn versions(class: &RouteClass) -> Vec<(String, String)> {
    class.layer().iter().map(|(name, encoded)| (name.to_string(), encoded.version().to_string())).collect()
}

fn run(edits: Vec<Edit>) {
    let mut world = World::new("");
    let (mut shared, cache) = (Shared::default(), Cache::default());
    let mut classes: BTreeMap<RouteFacets, RouteClass> = BTreeMap::new();
    for edit in edits {
        let changed = match &edit {
            Edit::Apply(document) => world.apply(document),
            Edit::Remove(kind, namespace, name) => world.remove(*kind, namespace, name),
            Edit::Settings(mesh) => world.settings(mesh.clone()),
        };
        RouteClass::update_shared(&mut shared, world.snapshot(), &changed, &cache);
        for class in classes.values_mut() {
            let before = versions(class);
            let moved = class.update(world.snapshot(), &changed, &mut shared, &cache);
            assert_eq!(moved, versions(class) != before, "{edit:?}");
        }
        for proxy in proxies() {
            let facets = facets_of(world.snapshot(), &proxy);
            let class = classes
                .entry(facets.clone())
                .or_insert_with(|| RouteClass::new(world.snapshot(), facets.clone(), &mut shared, &cache));
            let fresh = RouteClass::new(world.snapshot(), facets.clone(), &mut Shared::default(), &Cache::default());
            assert_eq!(versions(class), versions(&fresh), "{edit:?}");
            compare(&held(class), &reference(&world, facets.as_ref().unwrap()));
        }
    }
}

#[test]
fn edits_lead_where_planning_anew_leads() {
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    runner
        .run(&proptest::collection::vec(edit(), 1..24), |edits| {
            run(edits);
            Ok(())
        })
        .unwrap();
}
