//! VirtualServices.

mod bound;
mod claims;
mod layers;

use std::collections::BTreeSet;

use crate::api::virtual_service::{HttpRoute, VirtualService, WeightedDestination};
use crate::api::{Kind, Spec};
use crate::base::{Finding, Str};
use crate::model::index::gateway;

use super::destinations::destination;
use super::known::Known;
use super::notes::Notes;
use super::visibility;

pub(super) use claims::claims;

/// The gateway that stands for all sidecars.
pub(super) const MESH: &str = "mesh";

pub(super) fn virtual_service(spec: &VirtualService, known: &Known<'_>, notes: &mut Notes<'_>) {
    for (at, route) in spec.http.iter().enumerate() {
        http(route, &format!("spec.http[{at}]"), known, notes);
    }
    let tls = spec.tls.iter().map(|r| &r.route).enumerate().map(|(i, r)| (format!("spec.tls[{i}]"), r));
    let tcp = spec.tcp.iter().map(|r| &r.route).enumerate().map(|(i, r)| (format!("spec.tcp[{i}]"), r));
    for (path, route) in tls.chain(tcp) {
        for (i, weighted) in route.iter().enumerate() {
            destination(&weighted.destination, &format!("{path}.route[{i}].destination"), known, notes);
        }
        weights(route.iter().map(|w: &WeightedDestination| w.weight), &path, notes);
    }
    bound::gateways(spec, known, notes);
    match_gateways(spec, notes);
    layers::layers(spec, known, notes);
    visibility::export_to(&spec.export_to, known, notes);
    let name = (notes.namespace().clone(), notes.object.meta.name.clone());
    for dropped in known.survey.dropped.get(&name).into_iter().flat_map(|all| all.iter()) {
        notes.error("delegate", &dropped.field, &dropped.text);
    }
}

fn http(route: &HttpRoute, path: &str, known: &Known<'_>, notes: &mut Notes<'_>) {
    for (i, weighted) in route.route.iter().enumerate() {
        destination(&weighted.destination, &format!("{path}.route[{i}].destination"), known, notes);
    }
    if let Some(mirror) = &route.mirror {
        destination(mirror, &format!("{path}.mirror"), known, notes);
    }
    for (i, mirror) in route.mirrors.iter().enumerate() {
        destination(&mirror.destination, &format!("{path}.mirrors[{i}].destination"), known, notes);
    }
    weights(route.route.iter().map(|d| d.weight), path, notes);
}

/// Shares are in proportion to their sum, whatever it is; whoever writes percentages that are none should know.
fn weights(weights: impl Iterator<Item = i32>, path: &str, notes: &mut Notes<'_>) {
    let all: Vec<i64> = weights.map(i64::from).collect();
    let sum: i64 = all.iter().sum();
    if all.len() < 2 || sum == 0 {
        return;
    }
    for (i, _) in all.iter().enumerate().filter(|(_, weight)| **weight == 0) {
        let text = "has the weight 0, or none beside others, and so gets no calls";
        notes.info("no-weight", format_args!("{path}.route[{i}]"), text);
    }
    if sum != 100 {
        let shares: Vec<String> = all.iter().map(|w| format!("{w}/{sum}")).collect();
        let text = format!("the weights add up to {sum} and not to 100; the shares are {}", shares.join(", "));
        notes.info("weights", format_args!("{path}.route"), text);
    }
}

/// Conditions on a gateway at which the routes are not used at all.
fn match_gateways(spec: &VirtualService, notes: &mut Notes<'_>) {
    let namespace = notes.namespace().clone();
    let bound: BTreeSet<Str> = match spec.gateways.is_empty() {
        true => [MESH.into()].into(),
        false => spec.gateways.iter().map(|g| gateway(g, &namespace)).collect(),
    };
    if spec.hosts.is_empty() {
        return;
    }
    let conditions = |kind: &'static str, rule: usize, gateways: Vec<&[Str]>| -> Vec<(String, Vec<Str>)> {
        gateways
            .into_iter()
            .enumerate()
            .map(|(m, g)| (format!("spec.{kind}[{rule}].match[{m}].gateways"), g.to_vec()))
            .collect()
    };
    let http = spec
        .http
        .iter()
        .enumerate()
        .flat_map(|(i, r)| conditions("http", i, r.r#match.iter().map(|m| &m.gateways[..]).collect()));
    let tls = spec
        .tls
        .iter()
        .enumerate()
        .flat_map(|(i, r)| conditions("tls", i, r.r#match.iter().map(|m| &m.gateways[..]).collect()));
    let tcp = spec
        .tcp
        .iter()
        .enumerate()
        .flat_map(|(i, r)| conditions("tcp", i, r.r#match.iter().map(|m| &m.gateways[..]).collect()));
    let all: Vec<_> = http.chain(tls).chain(tcp).filter(|(_, gateways)| !gateways.is_empty()).collect();
    for (path, gateways) in all {
        if gateways.iter().all(|g| !bound.contains(&gateway(g, &namespace))) {
            let names: Vec<&str> = bound.iter().map(Str::as_str).collect();
            let text =
                format!("none of these is in spec.gateways ({}), so the condition never holds", names.join(", "));
            notes.warning("ineffective", path, text);
        }
    }
}

/// VirtualServices without hosts, which are there to be delegated to, that no other goes on with.
pub(super) fn unused_delegates(known: &Known<'_>, out: &mut Vec<Finding>) {
    let mut used = BTreeSet::new();
    let mut delegates = Vec::new();
    for object in known.of_kind(Kind::VirtualService) {
        let Spec::VirtualService(spec) = &object.spec else { continue };
        if spec.hosts.is_empty() {
            delegates.push(object);
        }
        for to in spec.http.iter().filter_map(|route| route.delegate.as_ref()) {
            let namespace = if to.namespace.is_empty() { object.meta.namespace.as_str() } else { &to.namespace };
            used.insert((namespace, to.name.as_str()));
        }
    }
    for object in delegates.iter().filter(|o| !used.contains(&(o.meta.namespace.as_str(), o.meta.name.as_str()))) {
        let text = "has no hosts, and no other VirtualService delegates to it, so its routes are never used; give it hosts or name it in spec.http[].delegate of another";
        Notes::new(object, out).warning("unused-delegate", "spec.hosts", text);
    }
}
