//! EnvoyFilters, as far as objects tell: whom they select, and what their patches name.
//!
//! Absent: whether listeners, chains and filters of some name are there, which only proxies tell.

use crate::api::envoy_filter::{
    ApplyTo, ClusterMatch, ConfigPatch, EnvoyFilter, ObjectMatch, Operation, Patch, RouteConfigurationMatch,
};
use crate::base::{Host, Labels};

use super::known::Known;
use super::notes::Notes;

pub(super) fn envoy_filter(spec: &EnvoyFilter, known: &Known<'_>, notes: &mut Notes<'_>) {
    if let Some(selector) = &spec.workload_selector {
        selected(&selector.labels, known, notes);
    }
    for (at, config) in spec.config_patches.iter().enumerate() {
        let Some(patch) = config.patch.as_ref().filter(|patch| patch.usable) else { continue };
        let path = format!("spec.configPatches[{at}]");
        match config.r#match.as_ref().and_then(|m| m.object.as_ref()) {
            Some(ObjectMatch::Cluster(wanted)) if patch.operation != Operation::Add => {
                cluster(wanted, &path, known, notes);
            }
            Some(ObjectMatch::RouteConfiguration(wanted)) => routes(wanted, &path, known, notes),
            _ => {}
        }
        shared_domains(config, patch, &path, notes);
    }
}

/// Those of the root namespace are for workloads everywhere.
fn selected(labels: &Labels, known: &Known<'_>, notes: &mut Notes<'_>) {
    if labels.is_empty() || !known.has_workloads() {
        return;
    }
    let namespace = notes.namespace();
    let everywhere = *namespace == known.survey.snapshot.mesh.root;
    let place = if everywhere { "any namespace".to_owned() } else { format!("the namespace {namespace}") };
    let found = if everywhere { known.selects_anywhere(labels) } else { known.selects(namespace, labels) };
    if !found {
        let text = format!("no workload of {place} has these labels; the patches are for none");
        notes.warning("selects-nothing", "spec.workloadSelector.labels", text);
    }
}

fn cluster(wanted: &ClusterMatch, path: &str, known: &Known<'_>, notes: &mut Notes<'_>) {
    let field = format!("{path}.match.cluster");
    if !wanted.name.is_empty() {
        // Names of other forms are those of clusters that no service has, or that patches add.
        let parts: Vec<&str> = wanted.name.split('|').collect();
        let ["outbound", port, _, host] = parts[..] else { return };
        let host = Host::from(host);
        if host.as_str().is_empty() || host.is_wildcard() {
            return;
        }
        let has_port = |port: u16| known.definitions(&host).iter().any(|service| service.port(port).is_some());
        if !known.is_known(&host) {
            let text = format!("no service has the host {host}{}; there is no such cluster", known.hint(&host));
            notes.warning("unknown-host", format_args!("{field}.name"), text);
        } else if port.parse().is_ok_and(|port| !has_port(port)) {
            let text = format!("{host} has no port {port}; there is no such cluster");
            notes.warning("unknown-port", format_args!("{field}.name"), text);
        }
    } else if !wanted.service.is_empty() {
        // Short names are not completed here.
        let host = Host::from(&*wanted.service);
        if !known.is_known(&host) {
            let full = known.resolve(&host, notes.namespace());
            let hint = match host != full && known.is_known(&full) {
                true => format!(" (perhaps {full} is meant: patches need names in full)"),
                false => known.hint(&host),
            };
            let text = format!("no service has the host {host}{hint}; the patch is for no cluster");
            notes.warning("unknown-host", format_args!("{field}.service"), text);
        }
    }
}

fn routes(wanted: &RouteConfigurationMatch, path: &str, known: &Known<'_>, notes: &mut Notes<'_>) {
    let said = &wanted.gateway;
    if said.is_empty() || known.gateway(said).is_some() {
        return;
    }
    let text = match said.contains('/') {
        true => format!("there is no Gateway {said}; the patch is for no routes"),
        false => format!("{:?} is not of the form namespace/name, so no Gateway matches", said.as_str()),
    };
    notes.warning("unknown-gateway", format_args!("{path}.match.routeConfiguration.gateway"), text);
}

/// Envoy takes a domain, and a name, once in a configuration: what gives every virtual host the same can hold nowhere
/// but where there is only one.
fn shared_domains(config: &ConfigPatch, patch: &Patch, path: &str, notes: &mut Notes<'_>) {
    let chosen = match config.r#match.as_ref().and_then(|m| m.object.as_ref()) {
        Some(ObjectMatch::RouteConfiguration(wanted)) => {
            wanted.vhost.as_ref().is_some_and(|host| !host.name.is_empty() || !host.domain_name.is_empty())
        }
        _ => false,
    };
    let changes = patch.operation.is_merge() || patch.operation == Operation::Replace;
    if config.apply_to != ApplyTo::VirtualHost || chosen || !changes {
        return;
    }
    let says = |field: &str| patch.value.as_ref().and_then(|value| value.get(field)).is_some_and(|v| !v.is_null());
    let shared: Vec<&str> = ["name", "domains"].into_iter().filter(|field| says(field)).collect();
    if !shared.is_empty() {
        let text = format!(
            "every virtual host would get the same {}, which Envoy refuses where there are several; say which one is meant in match.routeConfiguration.vhost",
            shared.join(" and ")
        );
        notes.warning("shared-domain", format_args!("{path}.patch.value"), text);
    }
}
