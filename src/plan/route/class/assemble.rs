//! From planned virtual hosts to configurations of routes.

use crate::base::{Host, Str};
use crate::generate::route::{self, VirtualHost};
use crate::model::Scope;
use crate::plan::route::common::{Common, alone, alone_name};
use crate::plan::route::facets::Outbound;
use crate::plan::route::overlay::Overlay;
use crate::plan::route::port::named;
use crate::plan::route::{everywhere, scoped};
use crate::wire::{Cache, Rope};

use super::RouteClass;

impl RouteClass {
    pub(super) fn assemble_port(&mut self, outbound: &Outbound, common: Option<&Common>, port: u16, cache: &Cache) {
        let name = Str::from(port.to_string());
        let overlay = Overlay::new(port, &outbound.namespace, common.and_then(|c| c.port(port)), &self.own);
        if overlay.is_empty() && !scoped::asks(&outbound.scope, port) {
            self.failures.remove(&name);
            self.put(name, None, cache);
            return;
        }
        let mut failures = Vec::new();
        let mut parts = overlay.parts(cache, &mut failures);
        parts.extend(self.catch_all.clone());
        match cache.rope(Rope { name: name.clone(), head: route::head(&name), parts }) {
            Ok(encoded) => self.put(name.clone(), Some(encoded), cache),
            Err(failure) => failures.push(failure),
        }
        self.failures.insert(name, failures);
    }

    /// All virtual hosts of a Sidecar's listener that reaches every port.
    pub(super) fn assemble_listener(&mut self, outbound: &Outbound, listener: usize, name: Str, cache: &Cache) {
        let here = self.own.iter().filter_map(|(host, plan)| Some((host, plan.everywhere.get(&listener)?)));
        let hosts = everywhere::hosts(here, &outbound.namespace);
        self.assemble_everywhere(hosts, name, cache);
    }

    /// All virtual hosts for applications that use the proxy as an HTTP proxy; under a Sidecar those of its listener
    /// without a port (istio `GetEgressListenerForRDS`). O(hosts), which only such proxies pay.
    pub(super) fn assemble_proxy(&mut self, outbound: &Outbound, common: Option<&Common>, cache: &Cache) {
        let name = Str::from(everywhere::HTTP_PROXY);
        if let Scope::Sidecar(_, egress) = &outbound.scope {
            let any = egress.listeners.iter().position(|listener| listener.port.is_none());
            return self.assemble_listener(outbound, any.unwrap_or(usize::MAX), name, cache);
        }
        let shared = common.into_iter().flat_map(Common::hosts).filter(|(host, _)| !self.own.contains_key(*host));
        let here = shared.chain(&self.own).map(|(host, plan)| (host, &plan.ports));
        let hosts = everywhere::hosts(here, &outbound.namespace);
        self.assemble_everywhere(hosts, name, cache);
    }

    fn assemble_everywhere(&mut self, hosts: Vec<VirtualHost>, name: Str, cache: &Cache) {
        let mut failures = Vec::new();
        let mut parts = Vec::new();
        for host in hosts {
            match cache.part(&host) {
                Ok(part) => parts.push(part),
                Err(failure) => failures.push(named(failure, &host.name)),
            }
        }
        parts.extend(self.catch_all.clone());
        match cache.rope(Rope { name: name.clone(), head: route::head(&name), parts }) {
            Ok(encoded) => self.put(name.clone(), Some(encoded), cache),
            Err(failure) => failures.push(failure),
        }
        self.failures.insert(name, failures);
    }

    /// A service that is different for this class, or the same as for all again.
    pub(super) fn assemble_alone(&mut self, common: Option<&Common>, host: &Host, port: u16, cache: &Cache) {
        let name = alone_name(host, port);
        self.failures.remove(&name);
        let encoded = match self.own.get(host) {
            None => common.and_then(|c| c.detected().get(&name)).cloned(),
            Some(plan) => {
                let candidate = plan.ports.get(&port).filter(|c| c.detected);
                let encoded = candidate.map(|candidate| alone(&name, candidate, cache)).transpose();
                encoded.unwrap_or_else(|failure| {
                    self.failures.insert(name.clone(), vec![failure]);
                    None
                })
            }
        };
        self.put(name, encoded, cache);
    }
}
