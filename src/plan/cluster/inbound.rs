//! Clusters that hand inbound calls on to the workload, port by port.

use std::collections::BTreeSet;

use crate::base::Labels;
use crate::generate::cluster::{Application, InboundCluster};
use crate::model::facts::Target;
use crate::model::{FactKey, Scope, View};
use crate::plan::{Output, Planner};

use super::facets::InboundFacets;
use super::outbound::rule_ref;

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
        let of_sidecar = facets.ingress.iter().map(|i| i.target.number);
        let ports: BTreeSet<u16> = facets.targets.iter().map(|t| t.number).chain(of_sidecar).collect();
        ports.into_iter().collect()
    }

    fn unit_of(_key: &FactKey) -> Option<u16> {
        None
    }

    fn plan(view: &View<'_>, facets: &InboundFacets, port: &u16, out: &mut Output<'_>) {
        let ingress = facets.ingress.iter().find(|i| i.target.number == *port);
        let targets: Vec<Target> = match ingress {
            Some(ingress) => vec![ingress.target.clone()],
            None => facets.targets.iter().filter(|t| t.number == *port).cloned().collect(),
        };
        let Some(first) = targets.first() else { return out.gone() };
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
