//! By which names a host is reached.

use std::collections::BTreeSet;

use crate::base::{Host, Namespace, Str};
use crate::model::facts::Service;
use crate::plan::name::{Addresses, Reach, addresses};

use super::facets::{Base, Naming};

/// A name that a Host header may carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Domain {
    pub(super) text: Str,
    /// Whether it only follows from the host's name. Then it yields to the host of that very name.
    pub(super) derived: bool,
}

/// The names of a host, each once. Short ones depend on where the caller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// As seen from namespaces that do not matter to it.
    pub(super) elsewhere: Vec<Domain>,
    /// As seen from its own namespace, and from those of its aliases, in order.
    pub(super) within: Vec<(Namespace, Vec<Domain>)>,
}

impl Names {
    /// The names of a service (istio `pilot/pkg/networking/core/httproute.go`, `generateVirtualHostDomains`). Without
    /// ports: route configurations are told to ignore them.
    pub(super) fn of_service(service: &Service, base: &Base) -> Self {
        let hosts: Vec<&Host> =
            [&service.host].into_iter().chain(service.aliases.iter().map(|(_, host)| host)).collect();
        let addresses = addresses_of(service, &base.reach);
        let seen_from = |namespace: &str| domains(service, &hosts, &addresses, base, namespace);
        let homes: BTreeSet<&str> = match &base.naming {
            Naming::Kubernetes(suffix) => hosts.iter().filter_map(|host| home(host, suffix)).collect(),
            Naming::Domain(_) => BTreeSet::new(),
        };
        Self { elsewhere: seen_from(""), within: homes.into_iter().map(|ns| (ns.into(), seen_from(ns))).collect() }
    }

    /// The names of a host that is no service: itself.
    pub(super) fn of_host(host: &Host) -> Self {
        Self { elsewhere: vec![plain(&bracketed(host.str()))], within: Vec::new() }
    }

    /// The names as seen from a namespace.
    pub(super) fn seen_from(&self, namespace: &Namespace) -> &[Domain] {
        self.within.iter().find(|(ns, _)| ns == namespace).map_or(&self.elsewhere, |(_, domains)| domains)
    }

    /// All lists of names, whoever sees them.
    pub(super) fn lists(&self) -> impl Iterator<Item = (Option<&Namespace>, &[Domain])> {
        let within = self.within.iter().map(|(ns, domains)| (Some(ns), &domains[..]));
        [(None, &self.elsewhere[..])].into_iter().chain(within)
    }
}

fn domains(service: &Service, hosts: &[&Host], addresses: &[Str], base: &Base, namespace: &str) -> Vec<Domain> {
    let mut all = Vec::with_capacity(6 * hosts.len() + addresses.len());
    for host in hosts {
        all.push(plain(&bracketed(host.str())));
        if base.absolute && host.parse::<std::net::IpAddr>().is_err() {
            all.push(derived(format!("{host}.")));
        }
        match &base.naming {
            Naming::Kubernetes(suffix) => of_kubernetes(host, suffix, namespace, &mut all),
            Naming::Domain(domain) => of_domain(host, domain, &mut all),
        }
    }
    if service.is_headless() {
        // Each pod has a name of its own under the service's.
        let under: Vec<Domain> = all.iter().map(|d| Domain { text: format!("*.{}", d.text).into(), ..*d }).collect();
        all.extend(under.into_iter().map(|d| Domain { derived: false, ..d }));
    }
    all.extend(addresses.iter().map(plain));
    let mut seen = BTreeSet::new();
    all.retain(|d| seen.insert(d.text.clone()));
    all
}

fn plain(text: &Str) -> Domain {
    Domain { text: text.clone(), derived: false }
}

fn derived(text: impl Into<Str>) -> Domain {
    Domain { text: text.into(), derived: true }
}

/// An IPv6 address stands in brackets in a Host header.
fn bracketed(host: &Str) -> Str {
    if host.contains(':') { format!("[{host}]").into() } else { host.clone() }
}

/// The namespace in the name of a Kubernetes Service, `name.namespace.svc.…`.
fn home<'h>(host: &'h str, suffix: &str) -> Option<&'h str> {
    let (before, _) = host.split_once(".svc.").filter(|_| host.ends_with(suffix))?;
    before.split_once('.').map(|(_, namespace)| namespace)
}

/// From its own namespace `reviews`, `reviews.shop.svc` and `reviews.shop`, from elsewhere without the first (istio
/// `generateAltVirtualHostsForKubernetesService`).
fn of_kubernetes(host: &Host, suffix: &str, namespace: &str, out: &mut Vec<Domain>) {
    let Some(home) = home(host, suffix) else { return };
    let Some((before, _)) = host.split_once(".svc.") else { return };
    if home == namespace {
        let bare = &before[..before.len() - home.len() - 1];
        out.extend([derived(bare), derived(format!("{before}.svc")), derived(before)]);
    } else {
        out.extend([derived(before), derived(format!("{before}.svc"))]);
    }
}

/// What is left of a host without the end that it shares with the proxy's domain; where that is two labels, also with the
/// first label of that end (istio `GenerateAltVirtualHosts`).
fn of_domain(host: &Host, domain: &str, out: &mut Vec<Domain>) {
    let labels: Vec<&str> = host.split('.').collect();
    let shared = labels.iter().rev().zip(domain.rsplit('.')).take_while(|(a, b)| *a == b).count();
    if shared == 0 {
        return;
    }
    let (own, end) = labels.split_at(labels.len() - shared);
    let unique = own.join(".");
    out.push(derived(unique.clone()));
    if own.len() == 2 {
        out.push(derived(format!("{unique}.{}", end[0])));
    }
}

/// The addresses of a service. Of a ServiceEntry with several only the last: istiod takes each for a service of its own,
/// of which the last one stands for the host.
fn addresses_of(service: &Service, reach: &Reach) -> Vec<Str> {
    let Addresses::Known(mut all) = addresses(service, reach) else { return Vec::new() };
    if service.registry == crate::model::facts::Registry::External && service.addresses.len() > 1 {
        all.drain(..all.len() - 1);
    }
    all.iter().map(bracketed).collect()
}
