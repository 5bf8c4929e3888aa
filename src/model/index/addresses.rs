//! What is known about each address.

use std::sync::Arc;

use crate::api::pod::Pod;
use crate::api::service::Transport;
use crate::api::{Kind, Spec};
use crate::base::Str;
use crate::model::facts::{ContainerPort, Instance, Protocol};
use crate::model::snapshot::{Changes, FactKey};

use super::workloads::is_alive;
use super::{Dirty, Index, put};

impl Index {
    pub(super) fn derive_addresses(&mut self, dirty: &Dirty, changes: &mut Changes) {
        for ip in &dirty.addresses {
            let instance = self.instance(ip);
            if put(&mut self.snapshot.addresses, ip, instance) {
                changes.keys.insert(FactKey::Address(ip.clone()));
            }
        }
    }

    /// The WorkloadEntry at an address of a cluster (see [`super::at`]), else its pod: one that is ready, else any that
    /// has not ended.
    fn instance(&self, ip: &Str) -> Option<Instance> {
        let entries = self.entry_addresses.get(ip).cloned().unwrap_or_default();
        let objects = || self.at_address.get(ip).into_iter().flatten().filter_map(|k| self.objects.get(k));
        let entry = objects().find(|o| o.key().kind == Kind::WorkloadEntry);
        let pods = || objects().filter(|o| matches!(&o.spec, Spec::Pod(p) if is_alive(p)));
        let ready = || pods().find(|o| matches!(&o.spec, Spec::Pod(p) if p.ready));
        let Some(object) = entry.or_else(ready).or_else(|| pods().next()) else {
            return (!entries.is_empty()).then(|| Instance { entries, ..Instance::default() });
        };
        Some(match &object.spec {
            Spec::Pod(pod) => Instance {
                workload: Some(Arc::new(self.pod_workload(&object.meta, pod, &mut Vec::new()))),
                pod: object.meta.name.clone(),
                ports: container_ports(pod),
                entries,
            },
            Spec::WorkloadEntry(entry) => {
                let meta = &object.meta;
                let (name, spec) = (meta.name.clone(), &entry.workload);
                let workload = self.entry_workload(&meta.cluster, name, &meta.namespace, &meta.labels, spec);
                let ports = spec.ports.iter();
                let ports = ports.map(|(name, number)| ContainerPort {
                    name: name.clone(),
                    number: *number as u16,
                    protocol: Protocol::Tcp,
                });
                Instance { workload: Some(Arc::new(workload)), pod: Str::default(), ports: ports.collect(), entries }
            }
            _ => Instance { entries, ..Instance::default() },
        })
    }
}

fn container_ports(pod: &Pod) -> Vec<ContainerPort> {
    let ports = pod.containers.iter().flat_map(|c| &c.ports);
    ports
        .map(|p| ContainerPort {
            name: p.name.clone(),
            number: p.container_port as u16,
            protocol: if p.protocol == Transport::Udp { Protocol::Udp } else { Protocol::Tcp },
        })
        .collect()
}
