//! What is logged, counted and traced: Telemetries, and the providers that they name.

use crate::api::mesh::{MeshConfig, Observer};
use crate::api::telemetry::{AccessLogging, Metrics, Tracing};
use crate::base::{Labels, Str};

/// One Telemetry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Telemetry {
    /// Its name.
    pub name: Str,
    /// When it was created, in seconds since 1970.
    pub created: i64,
    /// The workloads; empty for all.
    pub selector: Labels,
    /// Gateways of the Gateway API, by name, that it is for in place of workloads.
    pub gateways: Option<Vec<Str>>,
    /// Traces.
    pub tracing: Vec<Tracing>,
    /// Metrics.
    pub metrics: Vec<Metrics>,
    /// Access logs.
    pub logging: Vec<AccessLogging>,
}

impl Telemetry {
    /// Whether it is for all workloads of its namespace.
    pub fn is_for_all(&self) -> bool {
        self.selector.is_empty() && self.gateways.is_none()
    }
}

/// Providers of telemetry by name, in the order of the mesh config.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Observers(Vec<(Str, Option<Observer>)>);

impl Observers {
    /// Those of a mesh config.
    pub fn of(mesh: &MeshConfig) -> Self {
        Self(mesh.extension_providers.iter().map(|p| (p.name.clone(), p.observer())).collect())
    }

    /// The provider of a name, whatever its case, with the name as the mesh config has it. It may be one of other
    /// things than telemetry.
    pub fn get(&self, name: &str) -> Option<(&Str, Option<&Observer>)> {
        let found = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some((&found.0, found.1.as_ref()))
    }
}
