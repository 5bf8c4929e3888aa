//! Clusters that hand inbound calls on to the workload, port by port.

use std::collections::BTreeSet;

use crate::base::{Host, Labels};
use crate::generate::cluster::{Application, InboundCluster};
use crate::model::facts::Target;
use crate::model::{FactKey, Scope, View};
use crate::plan::{Output, Planner};

use super::facets::InboundFacets;
use super::ingress::IngressTarget;
use super::outbound::rule_ref;

impl InboundFacets {
    fn ports(&self) -> BTreeSet<u16> {
        let of_sidecar = self.ingress.iter().map(|i| i.target.number);
        self.targets.iter().map(|t| t.number).chain(of_sidecar).collect()
    }

    fn ingress_at(&self, port: u16) -> Option<&IngressTarget> {
        self.ingress.iter().find(|i| i.target.number == port)
    }

    /// What arrives at a port; a Sidecar's listener stands for all others.
    fn targets_at(&self, port: u16) -> impl Iterator<Item = &Target> {
        let ingress = self.ingress_at(port);
        let others = self.targets.iter().filter(move |t| ingress.is_none() && t.number == port);
        ingress.map(|i| &i.target).into_iter().chain(others)
    }

    /// The hosts of the services that arrive at each port.
    pub(in crate::plan) fn is_contested(&self) -> bool {
        let differ = |a: &Target, b: &Target| a.port.protocol != b.port.protocol && a.host != b.host;
        self.ports().into_iter().any(|port| {
            let mut targets = self.targets_at(port);
            targets.next().is_some_and(|first| targets.any(|other| differ(first, other)))
        })
    }

    pub(in crate::plan) fn services(&self) -> Vec<(u16, Vec<Host>)> {
        let hosts = |port: u16| self.targets_at(port).map(|target| target.host.clone()).collect();
        self.ports().into_iter().map(|port| (port, hosts(port))).collect()
    }
}

/// Plans inbound clusters.
pub struct InboundClusters;

impl Planner for InboundClusters {
    type Facets = InboundFacets;
    /// A port of the workload.
    type Unit = u16;

    fn scope(facets: &InboundFacets) -> &Scope {
        &facets.scope
    }

    fn units(_view: &View<'_>, facets: &InboundFacets) -> Vec<u16> {
        facets.ports().into_iter().collect()
    }

    fn unit_of(_key: &FactKey) -> Option<u16> {
        None
    }

    fn plan(view: &View<'_>, facets: &InboundFacets, port: &u16, out: &mut Output<'_>) {
        let ingress = facets.ingress_at(*port);
        let targets: Vec<Target> = facets.targets_at(*port).cloned().collect();
        let Some(first) = targets.first() else { return out.gone() };
        targets.iter().for_each(|target| view.credit_target(target));
        // Rules for selected workloads are for callers alone.
        let rule = view.service(&first.host).and_then(|service| view.rule(&service, &Labels::new()));
        out.resource(&InboundCluster {
            rule: rule.map(|r| rule_ref(&r)),
            targets,
            application: ingress.map_or(Application::AsMesh, |i| i.application.clone()),
            pool: ingress.and_then(|i| i.pool.clone()).or_else(|| facets.pool.clone()),
            nameless: ingress.is_some_and(|i| i.nameless),
            v4: facets.v4,
            traits: facets.traits.clone(),
            mesh: view.mesh().clusters.clone(),
        });
    }
}
