//! Which secrets gateways can ask for: a unit per Secret of their own namespace, and one per ConfigMap (istio
//! `pilot/pkg/xds/sds.go`, `pilot/pkg/model/credentials`).
//!
//! A gateway is sent those that it names, out of all that are planned here. What is in its own cluster goes before what is
//! in the control plane's (istio `pilot/pkg/credentials/kube/multicluster.go`).
//!
//! Invariants: a private key is planned only for gateways of the Secret's own namespace, and only if they are connected in
//! such a way that nobody else hears it ([`Proxy::confidential`]); sidecars get nothing, nor do gateways that state a
//! cluster of which nothing is known.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::api::{Key, Kind};
use crate::base::{Namespace, Str};
use crate::generate::secret::{Content, Secret};
use crate::model::facts::{Credential, Handle};
use crate::model::{FactKey, Scope, View};
use crate::proxy::{Proxy, Role};

use super::class::{Output, Planner};

/// Names with this end mean the roots, not the pair.
const ROOTS: &str = "-cacert";

/// What distinguishes classes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretFacets {
    /// For proxies that are no gateways.
    Nothing,
    /// ConfigMaps, which are the same for all gateways.
    ConfigMaps,
    /// The Secrets of a namespace.
    Secrets {
        /// The gateways' own.
        namespace: Namespace,
        /// Their cluster, as keys name it.
        cluster: Str,
        /// Whether they may have private keys.
        keys: bool,
    },
}

/// What a proxy may have of Secrets.
pub fn secret_facets(view: &View<'_>, proxy: &Proxy) -> SecretFacets {
    let (stated, cluster) = (proxy.cluster(), view.cluster(proxy.cluster()));
    let here = stated.is_empty() || *stated == *view.mesh().cluster;
    if proxy.role != Role::Router || !here && cluster.is_empty() {
        return SecretFacets::Nothing;
    }
    let keys = proxy.confidential && (here || view.mesh().features.remote_credentials);
    SecretFacets::Secrets { namespace: proxy.namespace.clone(), cluster: cluster.into(), keys }
}

/// What a proxy may have of ConfigMaps.
pub fn config_map_facets(_: &View<'_>, proxy: &Proxy) -> SecretFacets {
    if proxy.role == Role::Router { SecretFacets::ConfigMaps } else { SecretFacets::Nothing }
}

/// Plans secrets.
pub struct Secrets;

impl Planner for Secrets {
    type Facets = SecretFacets;
    /// A Secret by its name without `-cacert`, or a ConfigMap.
    type Unit = Key;

    fn scope(_: &SecretFacets) -> &Scope {
        &Scope::Public
    }

    fn units(view: &View<'_>, facets: &SecretFacets) -> Vec<Key> {
        let units: BTreeSet<Key> = view.credentials().map(unit).filter(|key| facets.include(key)).collect();
        units.into_iter().collect()
    }

    fn unit_of(key: &FactKey) -> Option<Key> {
        match key {
            FactKey::Credential(key) => Some(unit(key)),
            _ => None,
        }
    }

    fn plan(view: &View<'_>, facets: &SecretFacets, unit: &Key, out: &mut Output<'_>) {
        if !facets.include(unit) {
            return out.gone();
        }
        match facets {
            SecretFacets::Secrets { cluster, keys, .. } => secrets(view, unit, cluster, *keys, out),
            _ => config_maps(view, unit, out),
        }
    }
}

impl SecretFacets {
    fn include(&self, key: &Key) -> bool {
        match self {
            Self::Nothing => false,
            Self::ConfigMaps => key.kind == Kind::ConfigMap,
            Self::Secrets { namespace, .. } => key.kind == Kind::Secret && key.namespace == *namespace,
        }
    }
}

/// A Secret and the one that has its roots are planned together, in all clusters, because either may have them.
fn unit(key: &Key) -> Key {
    let name = match key.name.strip_suffix(ROOTS) {
        Some(name) if key.kind == Kind::Secret => name.into(),
        _ => key.name.clone(),
    };
    Key::new(key.kind, key.namespace.clone(), name)
}

/// What a cluster has under a name.
struct Found {
    own: Option<Handle<Credential>>,
    /// The Secret for the roots alone.
    beside: Option<Handle<Credential>>,
}

impl Found {
    fn of(view: &View<'_>, unit: &Key, cluster: &Str) -> Option<Self> {
        let get = |name| view.credential(&Key { cluster: cluster.clone(), name, ..unit.clone() }).cloned();
        let found = Self { own: get(unit.name.clone()), beside: get(format!("{}{ROOTS}", unit.name).into()) };
        (found.own.is_some() || found.beside.is_some()).then_some(found)
    }

    fn pair(&self) -> Option<Content> {
        self.own.as_ref()?.pair.clone().map(Content::Pair)
    }

    fn roots(&self) -> Option<Content> {
        self.beside.as_ref().or(self.own.as_ref())?.roots.clone().map(Content::Roots)
    }
}

fn secrets(view: &View<'_>, unit: &Key, cluster: &Str, keys: bool, out: &mut Output<'_>) {
    let Key { namespace, name, .. } = unit;
    let here = Found::of(view, unit, &Str::new());
    let there = if cluster.is_empty() { None } else { Found::of(view, unit, cluster) };
    if here.is_none() && there.is_none() {
        return out.gone();
    }
    let mut put = |start: &str, name: &str, content: Option<Content>| {
        if let Some(content) = content {
            out.resource(&Secret { name: Str::from(format!("{start}{name}")), content });
        }
    };
    let first = || there.iter().chain(&here);
    let starts = ["kubernetes://".to_owned(), format!("kubernetes://{namespace}/")];
    // Those of the Gateway API are in the control plane's own cluster, wherever the proxy is.
    let gateway_api = format!("kubernetes-gateway://{namespace}/");
    if keys && !name.ends_with(ROOTS) {
        starts.iter().for_each(|start| put(start, name, first().find_map(Found::pair)));
        put(&gateway_api, name, here.as_ref().and_then(Found::pair));
    }
    let roots = format!("{name}{ROOTS}");
    starts.iter().for_each(|start| put(start, &roots, first().find_map(Found::roots)));
    put(&gateway_api, &roots, here.as_ref().and_then(Found::roots));
}

fn config_maps(view: &View<'_>, unit: &Key, out: &mut Output<'_>) {
    let Some(roots) = view.credential(unit).and_then(|c| c.roots.clone()) else { return out.gone() };
    let Key { namespace, name, .. } = unit;
    let mut put = |name: &str| {
        let name = format!("configmap://{namespace}/{name}").into();
        out.resource(&Secret { name, content: Content::Roots(roots.clone()) });
    };
    put(&format!("{name}{ROOTS}"));
    if !name.ends_with(ROOTS) {
        put(name);
    }
}
