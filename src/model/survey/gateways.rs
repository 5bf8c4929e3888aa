//! Gateways and Ingresses.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::api::gateway::Gateway;
use crate::api::ingress::Ingress;
use crate::api::{Key, Kind};
use crate::base::{Finding, Labels, Namespace, Str};
use crate::model::facts::{Conflict, Servers};
use crate::model::index::ingress::{backend_port, gateway_name};

use super::known::Known;
use super::notes::Notes;

/// A Gateway for no proxy, and certificates in Secrets that are in no namespace. Where there are no Secrets at all, they
/// may be kept elsewhere.
pub(super) fn gateway(spec: &Gateway, known: &Known<'_>, notes: &mut Notes<'_>) {
    let at_home = known.survey.snapshot.mesh.features.gateways_at_home;
    let selects = match at_home {
        true => known.selects(notes.namespace(), &spec.selector),
        false => known.selects_anywhere(&spec.selector),
    };
    if !spec.selector.is_empty() && known.has_workloads() && !selects {
        let place = if at_home { "this" } else { "any" };
        let text = format!(
            "no workload of {place} namespace has these labels; the Gateway is for no proxy, and nobody listens at its ports"
        );
        notes.warning("selects-nothing", "spec.selector", text);
    }
    let elsewhere = known.of_kind(Kind::Secret).next().is_none();
    for (i, tls) in spec.servers.iter().enumerate().filter_map(|(i, s)| Some((i, s.tls.as_deref()?))) {
        let names = tls.credential_names.iter().chain([&tls.credential_name]);
        for name in names.filter(|name| !name.is_empty() && !name.contains("://") && !tls.passes_through()) {
            if !known.of_kind(Kind::Secret).any(|secret| secret.meta.name == *name) {
                let field = format_args!("spec.servers[{i}].tls.credentialName");
                if elsewhere {
                    let text = format!(
                        "there is no Secret {name} here, nor any other; unless Secrets are kept elsewhere, the server ends no TLS"
                    );
                    notes.info("unknown-secret", field, text);
                    continue;
                }
                let text = format!(
                    "there is no Secret {name} in any namespace; the server ends no TLS until there is one beside the gateway proxy"
                );
                notes.warning("unknown-secret", field, text);
            }
        }
    }
}

/// What Istio does not take from an Ingress that is meant for it.
pub(super) fn ingress(spec: &Ingress, known: &Known<'_>, notes: &mut Notes<'_>) {
    let name = gateway_name(&notes.object.meta);
    if !known.survey.snapshot.gateways.iter().any(|gateway| gateway.name == name) {
        return;
    }
    if spec.default_backend.is_some() {
        notes.warning(
            "ineffective",
            "spec.defaultBackend",
            "Istio ignores default backends; calls that no rule takes are answered 404",
        );
    }
    for (i, _) in spec.tls.iter().enumerate().filter(|(_, tls)| tls.secret_name.is_empty()) {
        let text = "no Secret with a certificate is named, so these hosts have no HTTPS";
        notes.warning("no-secret", format_args!("spec.tls[{i}].secretName"), text);
    }
    let namespace = notes.namespace().clone();
    for (i, rule) in spec.rules.iter().enumerate() {
        for (j, path) in rule.http.iter().flat_map(|http| &http.paths).enumerate() {
            let find = |name: &Str| known.object(Kind::Service, &namespace, name);
            if let Err(why) = backend_port(&path.backend, find) {
                let field = format!("spec.rules[{i}].http.paths[{j}].backend");
                notes.error("unknown-port", field, format_args!("{why}; this path is left out"));
            }
        }
    }
}

/// Servers that are not in force at proxies with the labels of some Gateway. A proxy may have more labels, and so more
/// conflicts.
pub(super) fn claims(known: &Known<'_>, out: &mut Vec<Finding>) {
    let all = &known.survey.snapshot.gateways;
    let selectors: BTreeSet<&Labels> = all.iter().map(|gateway| &gateway.selector).collect();
    let mut seen = BTreeSet::new();
    for labels in selectors {
        let together: Vec<_> = all.iter().filter(|gateway| gateway.selects(labels)).cloned().collect();
        for conflict in Servers::merge(&together, |port| port).1 {
            if seen.insert((conflict.server.gateway.clone(), conflict.server.index)) {
                claim(&conflict, known, out);
            }
        }
    }
}

fn claim(Conflict { server, winner, why }: &Conflict, known: &Known<'_>, out: &mut Vec<Finding>) {
    let Some((namespace, name)) = server.gateway.split_once('/') else { return };
    let key = Key::new(Kind::Gateway, Namespace::from(namespace), name.into());
    let Some(object) = known.survey.objects.get(&key) else { return };
    let winner = winner.as_ref().map_or_else(String::new, |winner| {
        format!(
            ": spec.servers[{}] of the Gateway {}, which is older or stands first, has it",
            winner.index, winner.gateway
        )
    });
    let text = format!("{why}{winner}; this server is not used at proxies that both are for");
    Notes::new(object, out).error("server-conflict", format_args!("spec.servers[{}]", server.index), text);
}
