//! `service`: one definition of a service, and what applies to it.

use serde::Serialize;

use super::list::{Ask, Part};
use super::services::{Row, kind, row, takes_calls};
use crate::api::virtual_service::Destination;
use crate::base::{Finding, Host, Labels, Namespace, Str};
use crate::model::facts::{Endpoint, ExportTo, Health, Service, VirtualService};
use crate::model::{Snapshot, View};

/// `GET /ui/api/service?host=&namespace=`, with the parameters of a list for its endpoints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePage {
    /// As in the list.
    #[serde(flatten)]
    pub row: Row,
    /// The namespaces that may see it; none for all of them.
    pub seen_by: Option<Vec<Namespace>>,
    /// The labels that its workloads carry.
    pub selector: Labels,
    /// Other names of it.
    pub aliases: Vec<Host>,
    /// The namespaces of other definitions of the host.
    pub others: Vec<Namespace>,
    /// Who answers.
    pub backends: Part<Backend>,
    /// The VirtualServices for its host, those of sidecars in the order in which they are asked.
    pub routes: Vec<Route>,
    /// The DestinationRules for its host.
    pub rules: Vec<Rule>,
    /// What is wrong or odd in all these objects.
    pub findings: Vec<Finding>,
}

/// One endpoint.
#[derive(Debug, Serialize)]
pub struct Backend {
    /// Its address.
    pub address: Str,
    /// Its port.
    pub port: u16,
    /// The port of the service that it answers for.
    pub of: u16,
    /// Whether it takes calls.
    pub healthy: bool,
    /// Why, in a word.
    pub health: &'static str,
    /// The workload behind it.
    pub workload: Str,
    /// Where that runs.
    pub locality: String,
    /// On which node.
    pub node: Str,
}

/// A VirtualService.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: Str,
    /// The Gateways that use it; `mesh` is the sidecars.
    pub gateways: Vec<Str>,
    /// Whether sidecars of the service's namespace use it.
    pub in_force: bool,
    /// Where it leads: hosts with subsets.
    pub destinations: Vec<String>,
}

/// A DestinationRule, or several of one namespace that were joined.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The objects, as namespace and name.
    pub objects: Vec<(Namespace, Str)>,
    /// The host as written; may be a wildcard.
    pub host: Host,
    /// Whether it is in force for callers in the service's namespace.
    pub in_force: bool,
    /// Labels of the callers that it is for; none for all.
    pub callers: Option<Labels>,
    /// Its subsets.
    pub subsets: Vec<Str>,
}

/// One definition of a host, if there is one in that namespace.
pub fn service(
    snapshot: &Snapshot,
    host: &Host,
    namespace: &Namespace,
    findings: &[Finding],
    ask: &Ask,
) -> Option<ServicePage> {
    let definitions = snapshot.definitions(host);
    let service = definitions.iter().find(|s| s.namespace == *namespace)?;
    let routes = routes(snapshot, service);
    let rules = rules(snapshot, service);
    let about = |finding: &&Finding| {
        let object = &finding.object;
        let is = |namespace: &Namespace, name: &Str| object.namespace == *namespace.str() && object.name == *name;
        match object.kind.as_str() {
            "VirtualService" => routes.iter().any(|r| is(&r.namespace, &r.name)),
            "DestinationRule" => rules.iter().any(|r| r.objects.iter().any(|(namespace, name)| is(namespace, name))),
            of => of == kind(service) && is(&service.namespace, &service.object),
        }
    };
    Some(ServicePage {
        row: row(snapshot, service),
        seen_by: match &service.export_to {
            ExportTo::All => None,
            ExportTo::Only(namespaces) => Some(namespaces.iter().cloned().collect()),
        },
        selector: service.selector.clone(),
        aliases: service.aliases.iter().map(|(_, host)| host.clone()).collect(),
        others: definitions.iter().map(|s| s.namespace.clone()).filter(|n| n != namespace).collect(),
        backends: backends(snapshot, service, ask),
        findings: findings.iter().filter(about).cloned().collect(),
        routes,
        rules,
    })
}

fn backends(snapshot: &Snapshot, service: &Service, ask: &Ask) -> Part<Backend> {
    let all = snapshot.endpoints_of(service).map(|e| e.list.as_slice()).unwrap_or_default();
    let found: Vec<&Endpoint> = all.iter().filter(|e| ask.finds(&[e.address(), &e.workload.name])).collect();
    ask.cut(all.len(), found, |e| Backend {
        address: e.address().clone(),
        port: e.port,
        of: e.service_port,
        healthy: takes_calls(e.health),
        health: match e.health {
            Health::Unknown => "not known",
            Health::Healthy => "ready",
            Health::Unhealthy => "not ready",
            Health::Draining => "draining",
            Health::Terminating => "terminating",
        },
        workload: e.workload.name.clone(),
        locality: e.workload.locality.to_string(),
        node: e.workload.node.clone(),
    })
}

/// Those that sidecars of the service's namespace use come first, in their order.
fn routes(snapshot: &Snapshot, service: &Service) -> Vec<Route> {
    let scope = snapshot.scope(&service.namespace);
    let in_force = View::new(snapshot, &scope).virtual_services(&service.host);
    let all = snapshot.virtual_services();
    let others = all.values().filter(|v| v.hosts.iter().any(|h| h.matches(&service.host)) && !in_force.contains(v));
    let used = in_force.iter().map(|v| route(v, true));
    used.chain(others.map(|v| route(v, false))).collect()
}

fn route(of: &VirtualService, in_force: bool) -> Route {
    let mut destinations: Vec<String> = of.destinations(None).map(destination).collect();
    destinations.sort();
    destinations.dedup();
    let (namespace, name) = (of.namespace.clone(), of.name.clone());
    Route { namespace, name, gateways: of.gateways.clone(), in_force, destinations }
}

fn destination(of: &Destination) -> String {
    match of.subset.as_str() {
        "" => of.host.to_string(),
        subset => format!("{} subset {subset}", of.host),
    }
}

fn rules(snapshot: &Snapshot, service: &Service) -> Vec<Rule> {
    let scope = snapshot.scope(&service.namespace);
    let in_force = View::new(snapshot, &scope).rule(service, &Labels::new());
    let rule = |rule: &&crate::model::facts::Handle<crate::model::facts::Rule>| Rule {
        objects: rule.from.clone(),
        host: rule.host.clone(),
        in_force: in_force.as_ref() == Some(*rule),
        callers: rule.selector.clone(),
        subsets: rule.subsets.iter().map(|s| s.name.clone()).collect(),
    };
    let mut rules: Vec<Rule> = snapshot.rules_for(&service.host).iter().map(rule).collect();
    rules.sort_by_key(|r| !r.in_force);
    rules
}
