//! The routes of Ingresses.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::api::ingress::{Backend, Path};
use crate::api::virtual_service::{Destination, HttpDestination, HttpMatch, HttpRoute, PortSelector, StringMatch};
use crate::api::{Kind, Object, Spec};
use crate::base::{Namespace, Str};

use super::super::Index;
use super::Ranked;

impl Index {
    /// The routes of all rules for one host: longer paths first, and of equal ones the exact.
    pub(super) fn ingress_routes(
        &self,
        rules: &[Ranked<'_>],
        named: &mut BTreeSet<(Namespace, Str)>,
    ) -> Vec<HttpRoute> {
        let mut routes = Vec::new();
        for Ranked { meta, rule, .. } in rules {
            for path in rule.http.iter().flat_map(|http| &http.paths) {
                if let Some(service) = path.backend.service.as_ref().filter(|service| service.port.number == 0) {
                    named.insert((meta.namespace.clone(), service.name.clone()));
                }
                routes.extend(self.ingress_route(&meta.namespace, path));
            }
        }
        routes.sort_by_key(rank);
        routes
    }

    fn ingress_route(&self, namespace: &Namespace, path: &Path) -> Option<HttpRoute> {
        let find = |name: &Str| self.get(Kind::Service, namespace, name).map(AsRef::as_ref);
        let number = backend_port(&path.backend, find).ok()?;
        let service = path.backend.service.as_ref()?;
        let destination = Destination {
            host: format!("{}.{namespace}.svc.{}", service.name, self.options.domain).into(),
            port: Some(PortSelector { number }),
            ..Destination::default()
        };
        let uri = uri(path);
        let condition = uri.map(|uri| HttpMatch { uri: Some(uri), ..HttpMatch::default() });
        Some(HttpRoute {
            r#match: condition.into_iter().collect(),
            route: vec![HttpDestination { destination, weight: 100, ..HttpDestination::default() }],
            ..HttpRoute::default()
        })
    }
}

/// The number of a backend's port, or a sentence that says why there is none. `find` looks a Service up by its name, in
/// the namespace of the Ingress.
pub(in crate::model) fn backend_port<'o>(
    backend: &Backend,
    find: impl FnOnce(&Str) -> Option<&'o Object>,
) -> Result<u32, String> {
    let Some(service) = &backend.service else {
        return Err("Istio knows no backends but Services".to_owned());
    };
    if service.port.number > 0 {
        return Ok(service.port.number);
    }
    let Some(Spec::Service(found)) = find(&service.name).map(|object| &object.spec) else {
        return Err(format!("there is no Service {} here, of which a port is named", service.name));
    };
    let port = found.ports.iter().find(|port| port.name == service.port.name);
    port.map(|port| port.port)
        .ok_or_else(|| format!("the Service {} has no port of the name {:?}", service.name, service.port.name))
}

fn rank(route: &HttpRoute) -> (Reverse<usize>, bool) {
    match route.r#match.first().and_then(|m| m.uri.as_ref()) {
        Some(StringMatch::Exact(path)) => (Reverse(path.len()), false),
        Some(StringMatch::Prefix(path)) => (Reverse(path.len()), true),
        _ => (Reverse(0), true),
    }
}

/// What is asked of the path; nothing where every path is meant. Without a type of its own, a path is exact unless it
/// ends in a star.
fn uri(said: &Path) -> Option<StringMatch> {
    let path = &said.path;
    match said.path_type.as_str() {
        "Exact" => Some(StringMatch::Exact(path.clone())),
        "Prefix" => Some(StringMatch::Prefix(path.clone())),
        _ if ["", "*", "/*", ".*"].contains(&path.as_str()) => None,
        _ => {
            let before = path.strip_suffix(".*").or_else(|| path.strip_suffix("/*"));
            Some(before.map_or_else(|| StringMatch::Exact(path.clone()), |before| StringMatch::Prefix(before.into())))
        }
    }
}
