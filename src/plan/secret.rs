//! Which secrets gateways can ask for: a unit per Secret of their own namespace, and one per ConfigMap (istio
//! `pilot/pkg/xds/sds.go`, `pilot/pkg/model/credentials`).
//!
//! A gateway is sent those that it names, out of all that are planned here.
//!
//! Invariants: a private key is planned only for gateways of the Secret's own namespace, and only if they are connected in
//! such a way that nobody else hears it ([`Proxy::confidential`]); sidecars get nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::api::{Key, Kind};
use crate::base::{Namespace, Str};
use crate::generate::secret::{Content, Secret};
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
        /// Whether they may have private keys.
        keys: bool,
    },
}

/// What a proxy may have of Secrets.
pub fn secret_facets(_: &View<'_>, proxy: &Proxy) -> SecretFacets {
    match proxy.role {
        Role::Router => SecretFacets::Secrets { namespace: proxy.namespace.clone(), keys: proxy.confidential },
        _ => SecretFacets::Nothing,
    }
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
            SecretFacets::Secrets { keys, .. } => secrets(view, unit, *keys, out),
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

/// A Secret and the one that has its roots are planned together, because either may have them.
fn unit(key: &Key) -> Key {
    match key.name.strip_suffix(ROOTS) {
        Some(name) if key.kind == Kind::Secret => Key { name: name.into(), ..key.clone() },
        _ => key.clone(),
    }
}

fn secrets(view: &View<'_>, unit: &Key, keys: bool, out: &mut Output<'_>) {
    let Key { namespace, name, .. } = unit;
    let own = view.credential(unit);
    let beside = view.credential(&Key { name: format!("{name}{ROOTS}").into(), ..unit.clone() });
    if own.is_none() && beside.is_none() {
        return out.gone();
    }
    let mut put = |name: &str, content: Content| {
        for start in [
            "kubernetes://".to_owned(),
            format!("kubernetes://{namespace}/"),
            format!("kubernetes-gateway://{namespace}/"),
        ] {
            out.resource(&Secret { name: Str::from(format!("{start}{name}")), content: content.clone() });
        }
    };
    if let Some(pair) = own.and_then(|c| c.pair.clone()).filter(|_| keys && !name.ends_with(ROOTS)) {
        put(name, Content::Pair(pair));
    }
    if let Some(roots) = beside.or(own).and_then(|c| c.roots.clone()) {
        put(&format!("{name}{ROOTS}"), Content::Roots(roots));
    }
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
