//! Gateways, oldest first, and what is odd about them.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::api::virtual_service::VirtualService;
use crate::api::{Key, Kind, Object, Spec, gateway};
use crate::base::{Finding, Labels, Namespace, Severity, Str};
use crate::model::facts::{Conflict, EdgeGateway, Handle, Servers};
use crate::model::snapshot::{Changes, FactKey};

use super::examine::finding;
use super::{Dirty, Index, delegate};

impl Index {
    /// All of them again when one changed: there are few, and their order matters. O(Gateways).
    pub(super) fn derive_gateways(&mut self, dirty: &Dirty, changes: &mut Changes) {
        if !dirty.gateways {
            return;
        }
        let from = Key { kind: Kind::Gateway, namespace: Namespace::default(), name: Str::default() };
        let mut all: Vec<Handle<EdgeGateway>> = Vec::new();
        for (key, object) in self.objects.range(from..).take_while(|(k, _)| k.kind == Kind::Gateway) {
            if let Spec::Gateway(said) = &object.spec {
                all.push(Handle::new(EdgeGateway::new(&key.name, &key.namespace, object.meta.created, said)));
            }
        }
        all.extend(self.ingresses.gateways.iter().cloned().map(Handle::new));
        all.sort_by(|a, b| (a.created, &a.name, &a.namespace).cmp(&(b.created, &b.name, &b.namespace)));
        let new = Handle::new(all);
        if self.snapshot.gateways != new {
            self.snapshot.gateways = new;
            changes.keys.insert(FactKey::Gateways);
        }
    }
}

impl Index {
    /// A VirtualService for Gateways that do not exist.
    pub(super) fn examine_gateways_of(&self, object: &Object, spec: &VirtualService, out: &mut Vec<Finding>) {
        for (i, said) in spec.gateways.iter().enumerate().filter(|(_, said)| **said != "mesh") {
            let full = delegate::gateway(said, &object.meta.namespace);
            let is_it =
                |g: &&Handle<EdgeGateway>| full.split_once('/') == Some((g.namespace.as_str(), g.name.as_str()));
            if !self.snapshot.gateways.iter().any(|g| is_it(&g)) {
                let text = format!("there is no Gateway {full}; nothing of this is in force there until there is one");
                out.push(finding(object, &format!("spec.gateways[{i}]"), Severity::Warning, "unknown-gateway", text));
            }
        }
    }

    /// Certificates in Secrets that are in no namespace.
    pub(super) fn examine_gateway(&self, object: &Object, spec: &gateway::Gateway, out: &mut Vec<Finding>) {
        for (i, tls) in spec.servers.iter().enumerate().filter_map(|(i, s)| Some((i, s.tls.as_deref()?))) {
            let names = tls.credential_names.iter().chain([&tls.credential_name]);
            for name in names.filter(|name| !name.is_empty() && !name.contains("://") && !tls.passes_through()) {
                if !self.objects.keys().any(|key| key.kind == Kind::Secret && key.name == *name) {
                    let text = format!(
                        "there is no Secret {name} in any namespace; the server takes no connections until there is one beside the gateway proxy"
                    );
                    let field = format!("spec.servers[{i}].tls.credentialName");
                    out.push(finding(object, &field, Severity::Warning, "unknown-secret", text));
                }
            }
        }
    }

    /// Servers that are not in force at proxies with the labels of some Gateway. Other proxies may have more labels, and so
    /// more conflicts.
    pub(super) fn examine_servers(&self) -> Vec<Finding> {
        let all = &self.snapshot.gateways;
        let selectors: BTreeSet<&Labels> = all.iter().map(|gateway| &gateway.selector).collect();
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for labels in selectors {
            let together: Vec<_> = all.iter().filter(|gateway| gateway.selects(labels)).cloned().collect();
            for conflict in Servers::merge(&together, |port| port).1 {
                if seen.insert((conflict.server.gateway.clone(), conflict.server.index)) {
                    out.extend(self.conflict(&conflict));
                }
            }
        }
        out
    }

    fn conflict(&self, Conflict { server, winner, why }: &Conflict) -> Option<Finding> {
        let (namespace, name) = server.gateway.split_once('/')?;
        let object = self.get(Kind::Gateway, &namespace.into(), &name.into())?;
        let winner = winner.as_ref().map_or_else(String::new, |winner| {
            format!(": spec.servers[{}] of the Gateway {} is older, or first, and has it", winner.index, winner.gateway)
        });
        let text = format!("{why}{winner}; this server is not used at proxies of both");
        Some(finding(object, &format!("spec.servers[{}]", server.index), Severity::Warning, "server-conflict", text))
    }
}
