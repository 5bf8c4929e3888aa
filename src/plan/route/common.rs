//! What classes with one base share: every host planned once, from the public scope.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::base::{Host, Str};
use crate::generate::route::{self, Defaults, VirtualHost};
use crate::model::facts::Mesh;
use crate::model::reads::Readers;
use crate::model::{FactKey, Scope, Snapshot, View};
use crate::wire::{Cache, Encoded, Failure, Layer, Rope};

use super::facets::{Base, Caller};
use super::host::{Candidate, HostPlan, Seat, plan};
use super::port::{Change, Port, named};

/// What classes share, by base; kept as long as some class has it.
#[derive(Default)]
pub struct Shared(BTreeMap<Base, Common>);

impl Shared {
    /// What is planned for a base, now if it is not yet.
    pub(super) fn of(&mut self, base: &Base, snapshot: &Snapshot, cache: &Cache) -> &Common {
        self.0.retain(|known, common| known == base || Arc::strong_count(&common.users) > 1);
        self.0.entry(base.clone()).or_insert_with(|| Common::new(base.clone(), snapshot, cache))
    }

    /// What is planned for a base, as of the last change.
    pub(super) fn get(&self, base: &Base) -> Option<&Common> {
        self.0.get(base)
    }

    /// Plans again what a change touches.
    pub(super) fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, cache: &Cache) {
        self.0.retain(|_, common| Arc::strong_count(&common.users) > 1);
        self.0.values_mut().for_each(|common| common.update(snapshot, changed, cache));
    }
}

/// All hosts, and all ports with their virtual hosts, for one base.
pub(super) struct Common {
    base: Base,
    hosts: BTreeMap<Host, HostPlan>,
    readers: Readers<FactKey, Host>,
    ports: BTreeMap<u16, Port>,
    /// Hosts that are different for different callers.
    by_caller: BTreeSet<Host>,
    /// The configurations of single services on ports with detection, by name.
    detected: Layer,
    failures: BTreeMap<Str, Failure>,
    /// What the last change moved.
    pub(super) news: News,
    /// Held by each class that uses this.
    pub(super) users: Arc<()>,
}

/// What a change moved.
#[derive(Default)]
pub(super) struct News {
    pub(super) ports: BTreeSet<u16>,
    /// Services on ports with detection.
    pub(super) detected: BTreeSet<(Host, u16)>,
}

impl News {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.ports.is_empty() && self.detected.is_empty()
    }
}

/// What holds everywhere for a base.
pub(super) fn defaults(base: &Base, mesh: &Mesh) -> Arc<Defaults> {
    Arc::new(Defaults {
        retry: mesh.config.default_http_retry_policy.clone(),
        attempt_count: base.attempt_count,
        forwarded_host: base.forwarded_host,
        plain_shadows: mesh.features.plain_shadows,
        extensions: base.extensions,
    })
}

impl Common {
    fn new(base: Base, snapshot: &Snapshot, cache: &Cache) -> Self {
        let mut new = Self {
            base,
            hosts: BTreeMap::new(),
            readers: Readers::default(),
            ports: BTreeMap::new(),
            by_caller: BTreeSet::new(),
            detected: Layer::new(),
            failures: BTreeMap::new(),
            news: News::default(),
            users: Arc::new(()),
        };
        let view = View::new(snapshot, &Scope::Public);
        let hosts: BTreeSet<Host> = view.hosts().chain(view.routed_hosts()).chain(view.wild_hosts()).cloned().collect();
        new.replan(snapshot, hosts, cache);
        new
    }

    fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, cache: &Cache) {
        self.news = News::default();
        let mut dirty: BTreeSet<Host> = changed.iter().flat_map(|key| self.readers.of(key)).cloned().collect();
        for key in changed {
            match key {
                FactKey::Service(host) | FactKey::Routes(host) => drop(dirty.insert(host.clone())),
                FactKey::WildRoutes => dirty.extend(View::new(snapshot, &Scope::Public).wild_hosts().cloned()),
                _ => {}
            }
        }
        self.replan(snapshot, dirty, cache);
    }

    fn replan(&mut self, snapshot: &Snapshot, hosts: BTreeSet<Host>, cache: &Cache) {
        let defaults = defaults(&self.base, &snapshot.mesh);
        let nobody = Caller::default();
        let plan = |host: Host| {
            let view = View::new(snapshot, &Scope::Public);
            // Retries where no rule says.
            view.mesh();
            let seat = Seat { view: &view, base: &self.base, caller: &nobody, defaults: &defaults, proxied: false };
            let planned = plan(&seat, &host);
            let there = view.is_defined(&host) || view.is_routed(&host);
            (host, planned, there.then(|| view.into_reads()))
        };
        // A handful is not worth waking other threads for.
        let hosts: Vec<Host> = hosts.into_iter().collect();
        let planned: Vec<_> = match hosts.len() {
            0..64 => hosts.into_iter().map(plan).collect(),
            _ => hosts.into_par_iter().with_min_len(16).map(plan).collect(),
        };
        let mut changes: BTreeMap<u16, Vec<Change>> = BTreeMap::new();
        for (host, plan, reads) in planned {
            match reads {
                Some(reads) => self.readers.record(&host, reads),
                None => self.readers.forget(&host),
            }
            self.take(host, plan, &mut changes, cache);
        }
        for (number, changes) in changes {
            let port = self.ports.entry(number).or_insert_with(|| Port::new(number));
            if port.update(changes, cache) {
                self.news.ports.insert(number);
            }
        }
        self.ports.retain(|_, port| port.len() > 0);
    }

    /// Notes what a host gives now, and on which ports that is a change.
    fn take(&mut self, host: Host, plan: HostPlan, changes: &mut BTreeMap<u16, Vec<Change>>, cache: &Cache) {
        let old = self.hosts.remove(&host).unwrap_or_default();
        let numbers: BTreeSet<u16> = old.ports.keys().chain(plan.ports.keys()).copied().collect();
        for number in numbers {
            let (before, after) = (old.ports.get(&number), plan.ports.get(&number));
            if before == after {
                continue;
            }
            changes.entry(number).or_default().push((host.clone(), after.cloned()));
            let was_detected = before.is_some_and(|c| c.detected);
            match after.filter(|c| c.detected) {
                Some(candidate) => self.detect(&host, number, candidate, cache),
                None if was_detected => self.undetect(&host, number),
                None => {}
            }
        }
        if plan.by_caller {
            self.by_caller.insert(host.clone());
        } else {
            self.by_caller.remove(&host);
        }
        if plan != HostPlan::default() {
            self.hosts.insert(host, plan);
        }
    }

    fn detect(&mut self, host: &Host, number: u16, candidate: &Candidate, cache: &Cache) {
        let name = alone_name(host, number);
        match alone(&name, candidate, cache) {
            Ok(encoded) => {
                self.failures.remove(&name);
                if self.detected.get(&name).is_none_or(|old| old.version() != encoded.version()) {
                    self.detected.insert(name, encoded);
                    self.news.detected.insert((host.clone(), number));
                }
            }
            Err(failure) => {
                self.undetect(host, number);
                self.failures.insert(name, failure);
            }
        }
    }

    fn undetect(&mut self, host: &Host, number: u16) {
        let name = alone_name(host, number);
        self.failures.remove(&name);
        if self.detected.remove(&name).is_some() {
            self.news.detected.insert((host.clone(), number));
        }
    }

    /// What a host gives, if anything.
    pub(super) fn plan(&self, host: &Host) -> Option<&HostPlan> {
        self.hosts.get(host)
    }

    /// All hosts that give something.
    pub(super) fn hosts(&self) -> impl Iterator<Item = (&Host, &HostPlan)> {
        self.hosts.iter()
    }

    /// The virtual hosts of a port.
    pub(super) fn port(&self, number: u16) -> Option<&Port> {
        self.ports.get(&number)
    }

    /// All ports with a virtual host.
    pub(super) fn ports(&self) -> impl Iterator<Item = u16> {
        self.ports.keys().copied()
    }

    /// The configurations of single services.
    pub(super) fn detected(&self) -> &Layer {
        &self.detected
    }

    /// Hosts that are different for different callers.
    pub(super) fn by_caller(&self) -> &BTreeSet<Host> {
        &self.by_caller
    }

    /// Hosts to which facts about another one matter: those that read its definitions or its routes.
    pub(super) fn concerned(&self, host: &Host) -> Vec<&Host> {
        let keys = [FactKey::Service(host.clone()), FactKey::Routes(host.clone())];
        keys.iter().flat_map(|key| self.readers.of(key)).collect()
    }

    /// What could not be built.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.failures.values().chain(self.ports.values().flat_map(Port::failures))
    }
}

/// The name of the configuration of a single service, as its listeners ask for it.
pub(super) fn alone_name(host: &Host, port: u16) -> Str {
    format!("{host}:{port}").into()
}

/// The configuration of a single service: it takes all calls, whatever the Host header.
pub(super) fn alone(name: &Str, candidate: &Candidate, cache: &Cache) -> Result<Arc<Encoded>, Failure> {
    let host = VirtualHost { name: name.clone(), domains: vec!["*".into()], routes: candidate.routes.clone() };
    let part = cache.part(&host).map_err(|failure| named(failure, name))?;
    cache.rope(Rope { name: name.clone(), head: route::head(name), parts: vec![part] })
}
