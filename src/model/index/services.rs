//! Definitions of hosts: Kubernetes Services and ServiceEntries as one sort of fact.

mod aliases;
mod ports;

use std::collections::{BTreeMap, BTreeSet};

use crate::api::service::Type;
use crate::api::service_entry::{Location, Resolution as EntryResolution};
use crate::api::{self, Kind, Meta, Object, Spec};
use crate::base::{Host, Namespace, Str};
use crate::model::facts::{Allocation, ExportTo, Handle, Port, Protocol, Registry, Resolution, Service, TargetPort};
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index, put};

pub(super) use aliases::Aliases;
use ports::kubernetes_port;

/// Hosts that came to a namespace (true) or went from it.
type Moved = BTreeMap<Namespace, Vec<(Host, bool)>>;

fn note_moved(moved: &mut Moved, host: &Host, old: &[Handle<Service>], new: &[Handle<Service>]) {
    let has = |list: &[Handle<Service>], namespace: &Namespace| list.iter().any(|s| s.namespace == *namespace);
    for (list, other, there) in [(old, new, false), (new, old, true)] {
        for service in list.iter().filter(|s| !has(other, &s.namespace)) {
            moved.entry(service.namespace.clone()).or_default().push((host.clone(), there));
        }
    }
}

/// The host of a Kubernetes Service.
pub(in crate::model) fn kubernetes_host(meta: &Meta, domain: &str) -> Host {
    host_of(&meta.name, &meta.namespace, domain)
}

/// The host of a Kubernetes Service by name.
pub(super) fn host_of(name: &str, namespace: &str, domain: &str) -> Host {
    Host::new(format!("{name}.{namespace}.svc.{domain}"))
}

/// Whether a Service is only another name for something else.
pub(super) fn is_alias(service: &api::service::Service) -> bool {
    service.r#type == Type::ExternalName && !service.external_name.is_empty()
}

/// The hosts of a ServiceEntry, each once.
pub(super) fn entry_hosts(entry: &api::service_entry::ServiceEntry) -> BTreeSet<Host> {
    entry.hosts.iter().map(|h| Host::new(h.clone())).collect()
}

impl Index {
    pub(super) fn derive_services(&mut self, dirty: &mut Dirty, changes: &mut Changes) {
        let mut moved = Moved::new();
        for host in std::mem::take(&mut dirty.services) {
            let mut definitions: Vec<Service> = Vec::new();
            for object in self.defining.get(&host).into_iter().flatten().filter_map(|key| self.objects.get(key)) {
                let Some(mut new) = self.define(&host, object) else { continue };
                let kubernetes = |s: &&mut Service| s.registry == Registry::Kubernetes && new.registry == s.registry;
                match definitions.iter_mut().find(kubernetes) {
                    // The same Service in another cluster; the own cluster's comes first and rules.
                    Some(first) => first.join(&object.meta.cluster, new),
                    None => {
                        new.note_cluster(&object.meta.cluster);
                        definitions.push(new);
                    }
                }
            }
            definitions.sort_by(|a, b| {
                (a.created, &a.name, &a.namespace, &a.object).cmp(&(b.created, &b.name, &b.namespace, &b.object))
            });
            let old = self.snapshot.services.get(&host).cloned();
            let handles: Vec<_> = definitions
                .into_iter()
                .map(|new| {
                    let before = old.iter().flat_map(|o| o.iter());
                    let same = before.clone().find(|s| s.namespace == new.namespace && s.object == new.object);
                    Handle::renew(same, new)
                })
                .collect();
            let present = (!handles.is_empty()).then_some(handles);
            if put(&mut self.snapshot.services, &host, present) {
                changes.keys.insert(FactKey::Service(host.clone()));
                let new = self.snapshot.services.get(&host).map(|l| l.as_slice()).unwrap_or_default();
                let old = old.as_deref().map(Vec::as_slice).unwrap_or_default();
                self.ports.replace(old, new);
                note_moved(&mut moved, &host, old, new);
                dirty.scopes.insert(host);
            }
        }
        self.derive_homes(moved, changes);
        self.derive_ports(changes);
    }

    /// Each namespace once per batch, however many of its hosts came or went.
    fn derive_homes(&mut self, moved: Moved, changes: &mut Changes) {
        for (namespace, moves) in moved {
            let mut hosts = self.snapshot.homes.get(&namespace).map(|h| (**h).clone()).unwrap_or_default();
            for (host, there) in moves {
                if there {
                    hosts.insert(host)
                } else {
                    hosts.remove(&host)
                };
            }
            if put(&mut self.snapshot.homes, &namespace, (!hosts.is_empty()).then_some(hosts)) {
                changes.keys.insert(FactKey::Home(namespace));
            }
        }
    }

    fn define(&self, host: &Host, object: &Object) -> Option<Service> {
        let mut service = match &object.spec {
            Spec::Service(spec) => self.kubernetes_service(host, &object.meta, spec),
            Spec::ServiceEntry(spec) => self.entry_service(host, &object.meta, spec),
            _ => return None,
        };
        if service.resolution != Resolution::Alias {
            service.aliases = self.aliases.of.get(host).cloned().unwrap_or_default();
        }
        Some(service)
    }

    /// Istio's `serviceregistry/kube/conversion.go`, `ConvertService`.
    fn kubernetes_service(&self, host: &Host, meta: &Meta, spec: &api::service::Service) -> Service {
        let alias = is_alias(spec);
        let headless = spec.is_headless();
        let resolution = match (headless, alias) {
            (true, _) => Resolution::Passthrough,
            (false, true) => Resolution::Alias,
            (false, false) => Resolution::Static,
        };
        let annotation = |name: &str| meta.annotations.get(name).map(Str::as_str).unwrap_or_default();
        let trust_domain = &self.snapshot.mesh.config.trust_domain;
        let mut accounts: BTreeSet<Str> = words(annotation("alpha.istio.io/canonical-serviceaccounts"));
        accounts.extend(
            words(annotation("alpha.istio.io/kubernetes-serviceaccounts"))
                .iter()
                .map(|sa| Str::from(format!("spiffe://{trust_domain}/ns/{}/sa/{sa}", meta.namespace))),
        );
        let export = words(annotation("networking.istio.io/exportTo"));
        Service {
            host: host.clone(),
            name: meta.name.clone(),
            object: meta.name.clone(),
            namespace: meta.namespace.clone(),
            registry: Registry::Kubernetes,
            resolution,
            external: alias,
            ports: spec.ports.iter().map(kubernetes_port).collect(),
            addresses: if headless { Vec::new() } else { spec.cluster_ips.clone() },
            allocated: None,
            target: alias.then(|| Host::new(spec.external_name.clone())),
            aliases: Vec::new(),
            export_to: self.export_to(&export, &self.snapshot.mesh.config.default_service_export_to, &meta.namespace),
            selector: spec.selector.clone(),
            labels: meta.labels.clone(),
            accounts,
            created: meta.created,
            node_local: spec.internal_traffic_policy == "Local",
            publish_not_ready: spec.publish_not_ready_addresses,
            traffic_distribution: self.traffic_distribution(&spec.traffic_distribution, meta),
            races: false,
            external_addresses: outside(spec),
            clusters: BTreeMap::new(),
        }
    }

    /// Istio's `serviceregistry/serviceentry/conversion.go`, `convertServices`.
    fn entry_service(&self, host: &Host, meta: &Meta, spec: &api::service_entry::ServiceEntry) -> Service {
        let resolution = match spec.resolution {
            EntryResolution::None => Resolution::Passthrough,
            EntryResolution::Static => Resolution::Static,
            EntryResolution::Dns => Resolution::Dns,
            EntryResolution::DnsRoundRobin => Resolution::DnsRoundRobin,
            EntryResolution::DynamicDns => Resolution::DynamicDns,
        };
        let ports = spec.ports.iter().map(|p| Port {
            number: p.number as u16,
            name: p.name.clone(),
            protocol: Protocol::parse(&p.protocol),
            target: TargetPort::Number(if p.target_port == 0 { p.number as u16 } else { p.target_port as u16 }),
        });
        let export: BTreeSet<Str> = spec.export_to.iter().cloned().collect();
        Service {
            host: host.clone(),
            name: host.str().clone(),
            object: meta.name.clone(),
            namespace: meta.namespace.clone(),
            registry: Registry::External,
            resolution,
            external: spec.location == Location::MeshExternal,
            ports: ports.collect(),
            addresses: spec.addresses.iter().filter_map(|a| address(a)).collect(),
            allocated: self.allocation(host, meta, spec),
            target: None,
            aliases: Vec::new(),
            export_to: self.capped(
                self.export_to(&export, &self.snapshot.mesh.config.default_service_export_to, &meta.namespace),
                &meta.namespace,
            ),
            selector: spec.workload_selector.as_ref().map(|s| s.labels.clone()).unwrap_or_default(),
            labels: meta.labels.clone(),
            accounts: spec.subject_alt_names.iter().cloned().collect(),
            created: meta.created,
            node_local: false,
            publish_not_ready: false,
            traffic_distribution: self.traffic_distribution("", meta),
            races: meta
                .annotations
                .get("istio.io/connect-strategy")
                .is_some_and(|s| s.eq_ignore_ascii_case("RACE_FIRST_TCP_CONNECT")),
            external_addresses: Vec::new(),
            clusters: BTreeMap::new(),
        }
    }

    fn allocation(&self, host: &Host, meta: &Meta, spec: &api::service_entry::ServiceEntry) -> Option<Allocation> {
        let given = || self.allocations.get(&meta.namespace, host, &meta.name);
        super::allocate::is_eligible(host, meta, spec).then(given).flatten().cloned()
    }

    /// Whom `exportTo` names: `*` all, `~` nobody, `.` the own namespace (istio `push_context.go`,
    /// `initServiceRegistry`). Where it is absent the mesh's default holds.
    pub(super) fn export_to(&self, said: &BTreeSet<Str>, default: &[Str], own: &Namespace) -> ExportTo {
        let mut said = said.iter().collect::<BTreeSet<_>>();
        if said.is_empty() {
            said = default.iter().collect();
        }
        let has = |word: &str| said.iter().any(|s| *s == word);
        if said.is_empty() || has("*") {
            return ExportTo::All;
        }
        if has("~") {
            return ExportTo::Only(BTreeSet::new());
        }
        ExportTo::Only(
            said.into_iter().map(|n| if n == "." { own.clone() } else { Namespace::new(n.clone()) }).collect(),
        )
    }

    /// What the Service says, else its annotation, else its namespace's.
    fn traffic_distribution(&self, spec: &str, meta: &Meta) -> Str {
        const ANNOTATION: &str = "networking.istio.io/traffic-distribution";
        let said = |meta: &Meta| meta.annotations.get(ANNOTATION).map(|s| s.to_ascii_lowercase());
        let namespace = || self.get_in(&meta.cluster, Kind::Namespace, &Namespace::default(), meta.namespace.str());
        let namespace = || namespace().and_then(|o| said(&o.meta));
        let known = |s: &String| matches!(s.as_str(), "preferclose" | "prefersamezone" | "prefersamenode");
        let chosen = Some(spec.to_ascii_lowercase()).filter(known);
        chosen.or_else(|| said(meta)).or_else(namespace).unwrap_or_default().into()
    }

    pub(super) fn derive_selectors(&mut self, dirty: &Dirty, changes: &mut Changes) {
        for namespace in &dirty.selectors {
            let services = self.of_kind_everywhere(Kind::Service, namespace).filter_map(|o| match &o.spec {
                Spec::Service(s) if !s.selector.is_empty() => Some(kubernetes_host(&o.meta, &self.options.domain)),
                _ => None,
            });
            let entries = self.of_kind(Kind::ServiceEntry, namespace).filter_map(|o| match &o.spec {
                Spec::ServiceEntry(e) if e.workload_selector.is_some() => Some(entry_hosts(e)),
                _ => None,
            });
            let hosts: BTreeSet<Host> = services.chain(entries.flatten()).collect();
            if put(&mut self.snapshot.selectors, namespace, (!hosts.is_empty()).then_some(hosts)) {
                changes.keys.insert(FactKey::Selectors(namespace.clone()));
            }
        }
    }
}

/// The addresses by which a Kubernetes Service is reached from outside the cluster.
pub(super) fn outside(spec: &api::service::Service) -> Vec<Str> {
    let balanced = spec.load_balancer.iter().filter(|_| spec.r#type == Type::LoadBalancer);
    let address = balanced.map(|i| if i.ip.is_empty() { &i.hostname } else { &i.ip }).filter(|a| !a.is_empty());
    address.chain(&spec.external_ips).cloned().collect()
}

/// The words of an annotation, separated by commas.
fn words(text: &str) -> BTreeSet<Str> {
    text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(Str::from).collect()
}

/// An address of a ServiceEntry: an IP, or a range; a range of one is that address.
fn address(text: &str) -> Option<Str> {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Some(text.into());
    }
    let range: ipnet::IpNet = text.parse().ok()?;
    Some(if range.prefix_len() == range.max_prefix_len() { range.addr().to_string().into() } else { text.into() })
}
