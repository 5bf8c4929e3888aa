//! What there is in the mesh, to look names up in.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crate::api::{Kind, Object, Spec, nearest};
use crate::base::{Host, Labels, Namespace, Str};
use crate::model::facts::{EdgeGateway, Handle, Registry, Service};
use crate::model::index::resolve;

use super::Survey;

/// How many misspelt names are compared with all others; each costs a look at every host.
const GUESSES: u32 = 100;

/// Look-ups, made once for a survey.
pub(super) struct Known<'s> {
    pub(super) survey: &'s Survey,
    /// Hosts with a wildcard that services have.
    wild: Vec<&'s Host>,
    /// The hosts of Kubernetes Services, by their first label.
    by_name: BTreeMap<&'s str, Vec<&'s Host>>,
    /// Namespaces in which there is anything, and those that are declared.
    namespaces: BTreeSet<&'s str>,
    /// Labels of pods that run, and of WorkloadEntries, by namespace.
    workloads: BTreeMap<&'s Namespace, Vec<&'s Labels>>,
    /// Names of subsets by the host that a DestinationRule is for.
    subsets: BTreeMap<&'s Host, BTreeSet<&'s str>>,
    /// Gateways, those that Ingresses make among them, by `namespace/name`.
    gateways: BTreeMap<String, &'s EdgeGateway>,
    guesses: Cell<u32>,
}

impl<'s> Known<'s> {
    pub(super) fn new(survey: &'s Survey) -> Self {
        let mut by_name: BTreeMap<&str, Vec<&Host>> = BTreeMap::new();
        for service in survey.snapshot.services().filter(|s| s.registry == Registry::Kubernetes) {
            by_name.entry(&service.name).or_default().push(&service.host);
        }
        let mut namespaces: BTreeSet<&str> = ["default", "kube-system", "kube-public", "kube-node-lease"].into();
        namespaces.insert(survey.snapshot.mesh.root.as_str());
        let mut workloads: BTreeMap<&Namespace, Vec<&Labels>> = BTreeMap::new();
        for object in survey.objects.values() {
            let meta = &object.meta;
            match &object.spec {
                Spec::Namespace(_) => drop(namespaces.insert(&meta.name)),
                Spec::Pod(pod) if !pod.terminating => workloads.entry(&meta.namespace).or_default().push(&meta.labels),
                Spec::WorkloadEntry(entry) => {
                    workloads.entry(&meta.namespace).or_default().push(&entry.workload.labels);
                }
                _ => {}
            }
            namespaces.insert(meta.namespace.as_str());
        }
        namespaces.extend(survey.hidden.keys().map(|key| key.namespace.as_str()));
        let from = Host::from("*");
        let wild = survey.snapshot.services.range(from..).map(|(h, _)| h).take_while(|h| h.is_wildcard()).collect();
        let gateways = survey.snapshot.gateways.iter().map(|g| (format!("{}/{}", g.namespace, g.name), &**g)).collect();
        let guesses = Cell::new(GUESSES);
        Self { survey, wild, by_name, namespaces, workloads, subsets: subsets(survey), gateways, guesses }
    }

    /// A host as a rule of a namespace writes it, in full.
    pub(super) fn resolve(&self, host: &str, namespace: &Namespace) -> Host {
        resolve(host, namespace, &self.survey.snapshot.mesh.domain)
    }

    /// An object by its name.
    pub(super) fn object(&self, kind: Kind, namespace: &Namespace, name: &Str) -> Option<&'s Object> {
        let key = crate::api::Key::new(kind, namespace.clone(), name.clone());
        self.survey.objects.get(&key).map(AsRef::as_ref)
    }

    /// All objects of a kind, by namespace and name.
    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &'s Object> + use<'s> {
        let from = crate::api::Key::new(kind, Namespace::default(), Str::default());
        self.survey.objects.range(from..).take_while(move |(k, _)| k.kind == kind).map(|(_, o)| &**o)
    }

    /// A Gateway by `namespace/name`, whether it was written or follows from an Ingress.
    pub(super) fn gateway(&self, full: &str) -> Option<&'s EdgeGateway> {
        self.gateways.get(full).copied()
    }

    /// Every definition of the host, or of a wildcard that covers it; of a wildcard, those of all hosts that it
    /// overlaps.
    pub(super) fn definitions(&self, host: &Host) -> Vec<&'s Handle<Service>> {
        let services = &self.survey.snapshot.services;
        let exact: Vec<_> = services.get(host).into_iter().flat_map(|all| all.iter()).collect();
        if !exact.is_empty() {
            return exact;
        }
        if host.is_wildcard() {
            let overlapping = services.iter().filter(|(known, _)| known.matches(host));
            return overlapping.flat_map(|(_, all)| all.iter()).collect();
        }
        let covering = self.wild.iter().filter(|w| w.covers(host)).max_by_key(|w| w.len());
        covering.and_then(|w| services.get(*w)).into_iter().flat_map(|all| all.iter()).collect()
    }

    /// Whether some service has the host, or one that it overlaps.
    pub(super) fn is_known(&self, host: &Host) -> bool {
        let services = &self.survey.snapshot.services;
        services.contains_key(host)
            || (host.is_wildcard() && services.keys().any(|known| known.matches(host)))
            || self.wild.iter().any(|w| w.covers(host))
    }

    /// Whether some DestinationRule for the host, or for a wildcard that covers it, defines the subset.
    pub(super) fn has_subset(&self, host: &Host, subset: &str) -> bool {
        self.subsets.get(host).is_some_and(|all| all.contains(subset))
            || self.wild_subsets().any(|(w, all)| w.covers(host) && all.contains(subset))
    }

    /// `" (perhaps X is meant)"` for a subset that nobody defines, or nothing.
    pub(super) fn subset_hint(&self, host: &Host, subset: &str) -> String {
        let wild = self.wild_subsets().filter(|(w, _)| w.covers(host)).map(|(_, all)| all);
        let all: BTreeSet<&str> = self.subsets.get(host).into_iter().chain(wild).flatten().copied().collect();
        match nearest(subset, all.iter().copied()) {
            Some(guess) => format!(" (perhaps {guess} is meant)"),
            None if all.is_empty() => String::new(),
            None => format!(" (there are {})", all.into_iter().collect::<Vec<_>>().join(", ")),
        }
    }

    fn wild_subsets(&self) -> impl Iterator<Item = (&&'s Host, &BTreeSet<&'s str>)> {
        // An asterisk comes before all letters.
        self.subsets.iter().take_while(|(host, _)| host.is_wildcard())
    }

    /// `" (perhaps X is meant)"` for a host that nothing has, or nothing.
    pub(super) fn hint(&self, host: &Host) -> String {
        let kubernetes = host.ends_with(&format!(".svc.{}", self.survey.snapshot.mesh.domain));
        let name = host.split('.').next().filter(|_| kubernetes).unwrap_or_default();
        let elsewhere = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        if let [one] = elsewhere {
            return format!(" (perhaps {one} is meant)");
        }
        let left = self.guesses.get();
        self.guesses.set(left.saturating_sub(1));
        let hosts = self.survey.snapshot.services.keys().map(Host::as_str);
        let guess = (left > 0).then(|| nearest(host, hosts)).flatten();
        guess.map(|guess| format!(" (perhaps {guess} is meant)")).unwrap_or_default()
    }

    /// Whether there is anything in the namespace, or it is declared.
    pub(super) fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contains(namespace)
    }

    /// Whether pods or WorkloadEntries are known at all: where none are, nothing can be said of selectors.
    pub(super) fn has_workloads(&self) -> bool {
        !self.workloads.is_empty()
    }

    /// Whether some workload of the namespace has these labels.
    pub(super) fn selects(&self, namespace: &Namespace, labels: &Labels) -> bool {
        let all = self.workloads.get(namespace).into_iter().flatten();
        all.into_iter().any(|workload| has(workload, labels))
    }

    /// The labels of all workloads, with their namespace.
    pub(super) fn workloads(&self) -> impl Iterator<Item = (&'s Namespace, &'s Labels)> {
        self.workloads.iter().flat_map(|(namespace, all)| all.iter().map(|labels| (*namespace, *labels)))
    }

    /// Whether some workload of the mesh has these labels.
    pub(super) fn selects_anywhere(&self, labels: &Labels) -> bool {
        self.workloads().any(|(_, workload)| has(workload, labels))
    }
}

fn has(workload: &Labels, wanted: &Labels) -> bool {
    wanted.iter().all(|(key, value)| workload.get(key) == Some(value))
}

fn subsets(survey: &Survey) -> BTreeMap<&Host, BTreeSet<&str>> {
    let exact = survey.snapshot.rules.iter().map(|((_, host), rules)| (host, &**rules));
    let wild = survey.snapshot.wild_rules.values().flat_map(|w| w.iter());
    let mut out: BTreeMap<&Host, BTreeSet<&str>> = BTreeMap::new();
    for (host, rules) in exact.chain(wild) {
        let all = rules.local.iter().chain(&rules.exported).flat_map(|rule| &rule.subsets);
        out.entry(host).or_default().extend(all.map(|subset| subset.name.as_str()));
    }
    out
}
