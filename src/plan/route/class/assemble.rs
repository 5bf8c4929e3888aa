//! From planned virtual hosts to configurations of routes.

use std::sync::Arc;

use crate::base::{Host, Str};
use crate::generate::route::{self, VirtualHost};
use crate::model::Scope;
use crate::plan::route::common::{Common, alone, alone_name};
use crate::plan::route::facets::Outbound;
use crate::plan::route::overlay::Overlay;
use crate::plan::route::port::named;
use crate::plan::route::{everywhere, scoped};
use crate::wire::{Cache, Encoded, Failure, Rope};

use super::RouteClass;

impl RouteClass {
    pub(super) fn assemble_port(&mut self, outbound: &Outbound, common: Option<&Common>, port: u16, cache: &Cache) {
        let name = Str::from(port.to_string());
        let mut failures = Vec::new();
        match self.of_port(outbound, common, port, cache, &mut failures) {
            Ok(routes) => self.put(name.clone(), routes, cache),
            Err(failure) => failures.push(failure),
        }
        self.failures.insert(name, failures);
    }

    /// The routes of a port before they are patched, if there are any.
    pub(super) fn of_port(
        &self,
        outbound: &Outbound,
        common: Option<&Common>,
        port: u16,
        cache: &Cache,
        failures: &mut Vec<Failure>,
    ) -> Result<Option<Arc<Encoded>>, Failure> {
        let name = Str::from(port.to_string());
        let overlay = Overlay::new(port, &outbound.namespace, common.and_then(|c| c.port(port)), &self.own);
        if overlay.is_empty() && !scoped::asks(&outbound.scope, port) {
            return Ok(None);
        }
        let mut parts = overlay.parts(cache, failures);
        parts.extend(self.catch_all.clone());
        cache.rope(Rope { name: name.clone(), head: route::head(&name), parts }).map(Some)
    }

    /// All virtual hosts of a Sidecar's listener that reaches every port.
    pub(super) fn assemble_listener(&mut self, outbound: &Outbound, listener: usize, name: Str, cache: &Cache) {
        let hosts = self.of_listener(outbound, listener);
        self.assemble_everywhere(hosts, name, cache);
    }

    pub(super) fn of_listener(&self, outbound: &Outbound, listener: usize) -> Vec<VirtualHost> {
        let here = self.own.iter().filter_map(|(host, plan)| Some((host, plan.everywhere.get(&listener)?)));
        everywhere::hosts(here, &outbound.namespace)
    }

    /// All virtual hosts for applications that use the proxy as an HTTP proxy; under a Sidecar those of its listener
    /// without a port (istio `GetEgressListenerForRDS`). O(hosts), which only such proxies pay.
    pub(super) fn assemble_proxy(&mut self, outbound: &Outbound, common: Option<&Common>, cache: &Cache) {
        let hosts = self.of_proxy(outbound, common);
        self.assemble_everywhere(hosts, everywhere::HTTP_PROXY.into(), cache);
    }

    pub(super) fn of_proxy(&self, outbound: &Outbound, common: Option<&Common>) -> Vec<VirtualHost> {
        if let Scope::Sidecar(_, egress) = &outbound.scope {
            let any = egress.listeners.iter().position(|listener| listener.port.is_none());
            return self.of_listener(outbound, any.unwrap_or(usize::MAX));
        }
        let shared = common.into_iter().flat_map(Common::hosts).filter(|(host, _)| !self.own.contains_key(*host));
        let here = shared.chain(&self.own).map(|(host, plan)| (host, &plan.ports));
        everywhere::hosts(here, &outbound.namespace)
    }

    fn assemble_everywhere(&mut self, hosts: Vec<VirtualHost>, name: Str, cache: &Cache) {
        let mut failures = Vec::new();
        match self.of_hosts(hosts, &name, cache, &mut failures) {
            Ok(encoded) => self.put(name.clone(), Some(encoded), cache),
            Err(failure) => failures.push(failure),
        }
        self.failures.insert(name, failures);
    }

    /// A configuration of virtual hosts before it is patched.
    pub(super) fn of_hosts(
        &self,
        hosts: Vec<VirtualHost>,
        name: &Str,
        cache: &Cache,
        failures: &mut Vec<Failure>,
    ) -> Result<Arc<Encoded>, Failure> {
        let mut parts = Vec::new();
        for host in hosts {
            match cache.part(&host) {
                Ok(part) => parts.push(part),
                Err(failure) => failures.push(named(failure, &host.name)),
            }
        }
        parts.extend(self.catch_all.clone());
        cache.rope(Rope { name: name.clone(), head: route::head(name), parts })
    }

    /// A service that is different for this class, or the same as for all again.
    pub(super) fn assemble_alone(&mut self, common: Option<&Common>, host: &Host, port: u16, cache: &Cache) {
        let name = alone_name(host, port);
        self.failures.remove(&name);
        let encoded = self.of_service(common, host, port, cache).unwrap_or_else(|failure| {
            self.failures.insert(name.clone(), vec![failure]);
            None
        });
        self.put(name, encoded, cache);
    }

    /// The routes of a single service before they are patched, if it has any.
    pub(super) fn of_service(
        &self,
        common: Option<&Common>,
        host: &Host,
        port: u16,
        cache: &Cache,
    ) -> Result<Option<Arc<Encoded>>, Failure> {
        let name = alone_name(host, port);
        let Some(plan) = self.own.get(host) else {
            return Ok(common.and_then(|c| c.detected().get(&name)).cloned());
        };
        let candidate = plan.ports.get(&port).filter(|c| c.detected);
        candidate.map(|candidate| alone(&name, candidate, cache)).transpose()
    }
}
