//! Endpoints of ServiceEntries.

use std::sync::Arc;

use crate::api::Meta;
use crate::api::service_entry::{Resolution, ServiceEntry};
use crate::base::{Host, Str};
use crate::model::facts::{Endpoint, Health, Workload};

use crate::model::index::{Index, Source};

impl Index {
    /// From what a ServiceEntry writes or selects; a host resolved by DNS without either is its own endpoint (istio
    /// `serviceregistry/serviceentry/conversion.go`, `convertServiceEntryToInstances`).
    pub(super) fn entry_endpoints(
        &self,
        host: &Host,
        meta: &Meta,
        entry: &ServiceEntry,
        out: &mut Vec<Endpoint>,
        reads: &mut Vec<Source>,
    ) {
        let dns = matches!(entry.resolution, Resolution::Dns | Resolution::DnsRoundRobin);
        let found = match &entry.workload_selector {
            Some(selector) => {
                let mut found = self.selected(&meta.namespace, &selector.labels, reads);
                found.retain(|s| dns || s.address.is_empty() || s.address.parse::<std::net::IpAddr>().is_ok());
                found
            }
            None => Vec::new(),
        };
        let own: Vec<_> = match (&entry.workload_selector, entry.endpoints.is_empty()) {
            (Some(_), _) => Vec::new(),
            (None, true) if dns => vec![(host.str().clone(), 0, None, Arc::new(self.own_workload(meta)))],
            (None, _) => entry
                .endpoints
                .iter()
                .enumerate()
                .map(|(i, e)| {
                    let name = format!("{}-{i}", meta.name).into();
                    let workload = self.entry_workload(&meta.cluster, name, &meta.namespace, &Default::default(), e);
                    (e.address.clone(), e.weight, Some(&e.ports), Arc::new(workload))
                })
                .collect(),
        };
        let round_robin = entry.resolution == Resolution::DnsRoundRobin;
        // To istiod each address is a service of its own, and their endpoints stand side by side.
        let copies = entry.addresses.len().max(1);
        for port in entry.ports.iter().flat_map(|port| std::iter::repeat_n(port, copies)) {
            let number = port.number as u16;
            let default = if port.target_port == 0 { number } else { port.target_port as u16 };
            let written = own.iter().map(|(address, weight, ports, workload)| {
                let stated = ports.and_then(|p| p.get(&port.name)).map(|p| *p as u16).filter(|p| *p > 0);
                let (address, target) = socket_or(address, stated.unwrap_or(default));
                Endpoint {
                    addresses: vec![address],
                    port: target,
                    service_port: number,
                    weight: *weight,
                    health: Health::Unknown,
                    workload: Arc::clone(workload),
                }
            });
            let selected = found.iter().map(|s| {
                let (address, target) = socket_or(&s.address, s.port(&port.name).unwrap_or(default));
                s.endpoint(address, target, number)
            });
            for endpoint in written.chain(selected) {
                if round_robin && out.iter().any(|e| e.service_port == number) {
                    continue;
                }
                out.push(endpoint);
            }
        }
    }

    /// The workload that a host resolved by DNS stands for.
    fn own_workload(&self, meta: &Meta) -> Workload {
        Workload {
            name: meta.name.clone(),
            namespace: meta.namespace.clone(),
            labels: Default::default(),
            ..self.bare_workload(&Str::new(), Str::default())
        }
    }
}

/// A UNIX socket has a path and no port.
fn socket_or(address: &Str, port: u16) -> (Str, u16) {
    match address.strip_prefix("unix://") {
        Some(path) => (path.into(), 0),
        None => (address.clone(), port),
    }
}
