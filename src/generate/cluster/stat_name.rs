//! The names of clusters in statistics, where the mesh's settings give a pattern for them.

use crate::model::facts::Registry;

/// What stands for the variables of a pattern.
pub(super) struct Named<'n> {
    /// The service's host.
    pub(super) host: &'n str,
    /// The service's name.
    pub(super) name: &'n str,
    /// The service's namespace.
    pub(super) namespace: &'n str,
    /// Which kind of object defines the service.
    pub(super) registry: Registry,
    /// The subset.
    pub(super) subset: &'n str,
    /// The service's port.
    pub(super) port: u16,
    /// The name of that port.
    pub(super) port_name: &'n str,
    /// The port of the workload; 0 outbound.
    pub(super) target: u16,
}

impl Named<'_> {
    /// Fills a pattern in (istio `pilot/pkg/networking/telemetry`, `BuildStatPrefix`), and ends the name for Envoy.
    pub(super) fn fill(&self, pattern: &str) -> String {
        let (short, name) = match self.registry {
            Registry::Kubernetes => (format!("{}.{}", self.name, self.namespace), self.name),
            Registry::External => (self.host.to_owned(), self.host),
        };
        let filled = pattern
            .replace("%SERVICE%", &short)
            .replace("%SERVICE_NAME%", name)
            .replace("%SERVICE_FQDN%", self.host)
            .replace("%SUBSET_NAME%", self.subset)
            .replace("%TARGET_PORT%", &self.target.to_string())
            .replace("%SERVICE_PORT%", &self.port.to_string())
            .replace("%SERVICE_PORT_NAME%", self.port_name);
        filled + ";"
    }
}
