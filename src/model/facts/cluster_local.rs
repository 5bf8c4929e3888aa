//! Which services have callers of their own cluster alone (istio `pilot/pkg/model/cluster_local.go`).

use std::collections::BTreeMap;

use crate::api::mesh::MeshConfig;
use crate::base::{Host, Str};

/// Which services have callers of their own cluster alone: those of `serviceSettings`, and what belongs to the cluster
/// itself unless a setting says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClusterLocal(BTreeMap<Host, bool>);

impl ClusterLocal {
    /// What a mesh's settings say.
    pub fn new(mesh: &MeshConfig, domain: &Str) -> Self {
        let said = mesh.service_settings.iter().flat_map(|settings| {
            let local = settings.settings.is_some_and(|settings| settings.cluster_local);
            settings.hosts.iter().map(move |host| (Host::new(host.clone()), local))
        });
        let said: Vec<(Host, bool)> = said.collect();
        let control_plane = mesh.default_config.discovery_address.rsplit_once(':').map(|(host, _)| host);
        let in_full = |host: &str| match host.ends_with(&**domain) {
            true => host.to_owned(),
            false => format!("{host}.{domain}"),
        };
        let defaults = [format!("*.kube-system.svc.{domain}"), format!("kubernetes.default.svc.{domain}")];
        let defaults = defaults.into_iter().chain(control_plane.map(in_full)).map(Host::new);
        // A setting for some of its hosts takes a default away as a whole.
        let lifted = |default: &Host| said.iter().any(|(host, local)| !local && default.covers(host));
        let defaults = defaults.filter(|default| !lifted(default)).map(|default| (default, true));
        Self(said.iter().cloned().chain(defaults.collect::<Vec<_>>()).collect())
    }

    /// Whether a service has callers of its own cluster alone. Of wildcards the longest counts.
    pub fn includes(&self, host: &Host) -> bool {
        let covering = || self.0.iter().filter(|(known, _)| known.is_wildcard() && known.covers(host));
        let said = self.0.get(host).or_else(|| covering().max_by_key(|(known, _)| known.len()).map(|(_, local)| local));
        said.copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_belongs_to_the_cluster_is_for_its_own_callers_unless_a_setting_lifts_that() {
        let local = |settings: serde_json::Value| {
            let (mesh, findings) = MeshConfig::parse(json!({ "serviceSettings": settings }));
            assert!(findings.is_empty(), "{findings:?}");
            let local = ClusterLocal::new(&mesh, &"cluster.local".into());
            let hosts = ["dns.kube-system", "kubernetes.default", "istiod.istio-system", "web.shop", "db.shop"];
            hosts.map(|host| local.includes(&Host::new(format!("{host}.svc.cluster.local"))))
        };
        let setting = |local: bool, host: &str| json!({"settings": {"clusterLocal": local}, "hosts": [host]});
        assert_eq!(local(json!([])), [true, true, true, false, false]);
        let shop = [setting(true, "*.shop.svc.cluster.local"), setting(false, "web.shop.svc.cluster.local")];
        assert_eq!(local(json!(shop)), [true, true, true, false, true]);
        let lifted = setting(false, "other.kube-system.svc.cluster.local");
        assert_eq!(local(json!([lifted])), [false, true, true, false, false]);
    }
}
