//! Clusters that depend on no service.

use crate::generate::cluster::{BlackHole, ExternalSecrets, Forwarding, Passthrough, PassthroughKind};
use crate::model::{FactKey, Scope, View};
use crate::plan::{Output, Planner};

use super::facets::{FixedFacets, Kind};

/// Plans the clusters that depend on no service.
pub struct FixedClusters;

impl Planner for FixedClusters {
    type Facets = FixedFacets;
    type Unit = ();

    fn scope(facets: &FixedFacets) -> &Scope {
        &facets.scope
    }

    fn units(_view: &View<'_>, _facets: &FixedFacets) -> Vec<()> {
        vec![()]
    }

    fn unit_of(_key: &FactKey) -> Option<()> {
        None
    }

    fn plan(view: &View<'_>, facets: &FixedFacets, (): &(), out: &mut Output<'_>) {
        let Some(kind) = &facets.kind else { return };
        let mesh = &view.mesh().clusters;
        out.resource(&BlackHole { connect_timeout: mesh.connect_timeout });
        if facets.traits.external_secrets {
            out.resource(&ExternalSecrets { connect_timeout: mesh.connect_timeout });
        }
        let Kind::Sidecar { v4, v6, resolves } = kind else { return };
        for kind in [PassthroughKind::Outbound, PassthroughKind::Inbound { v4: *v4, v6: *v6 }] {
            out.resource(&Passthrough { kind, traits: facets.traits.clone(), mesh: mesh.clone() });
        }
        if let Some(resolves) = resolves {
            out.resource(&Forwarding {
                tls: view.mesh().config.outbound_traffic_policy.tls.clone(),
                family: resolves.family,
                resolver: resolves.resolver.clone(),
                traits: facets.traits.clone(),
                mesh: mesh.clone(),
            });
        }
    }
}
