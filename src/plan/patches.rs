//! Which patches of EnvoyFilters hold for a proxy (istio `pilot/pkg/model/push_context.go`, `EnvoyFilters`).

use crate::api::envoy_filter::{ApplyTo, ObjectMatch, Operation, PatchContext, ProxyMatch};
use crate::base::{Host, Labels, Str};
use crate::generate::patch::left_out;
use crate::model::View;
use crate::model::facts::{Filter, Handle, Patch, PatchSet};
use crate::proxy::{Proxy, Role};
use crate::wire::{Failure, ResourceType};

use super::caller::place;
use super::{cluster, gateway};

/// The patches for one sort of what a proxy gets; absent where there are none, so that such proxies share everything.
pub type Patches = Option<Handle<PatchSet>>;

/// What patches may do to a sort of resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// It is for calls out of a sidecar's workload, or in a gateway.
    Out,
    /// It is for calls in.
    In,
    /// There is some of both.
    Both,
    /// It consists of what patches add.
    Added,
    /// It is not for patches.
    Nothing,
}

/// The label that the Gateway API puts on its gateways.
const GATEWAY: &str = "gateway.networking.k8s.io/gateway-name";

/// All patches that hold for a proxy, in the order in which they are applied.
#[derive(Default)]
pub(super) struct Resolved {
    gateway: bool,
    /// As [`PatchSet::ports`].
    ports: Vec<(u16, Vec<u16>)>,
    /// As [`PatchSet::services`].
    services: Vec<(u16, Vec<Host>)>,
    patches: Vec<Handle<Patch>>,
    /// Those that need a type of extension which the proxy does not have.
    lacking: Vec<(Handle<Patch>, Str)>,
}

impl Resolved {
    /// Those of the root namespace and those of the proxy's own. `None` if there are none.
    pub(super) fn of(view: &View<'_>, proxy: &Proxy) -> Option<Self> {
        if !matches!(proxy.role, Role::Sidecar | Role::Router) {
            return None;
        }
        let root = &view.mesh().root;
        let of_root = (!root.is_empty()).then(|| view.filters(root)).flatten();
        let own = (*root != proxy.namespace).then(|| view.filters(&proxy.namespace)).flatten();
        if of_root.is_none() && own.is_none() {
            return None;
        }
        let (labels, _) = place(view, proxy);
        let all = of_root.into_iter().flat_map(|f| f.iter()).map(|f| (f, 0));
        let all = all.chain(own.into_iter().flat_map(|f| f.iter()).map(|f| (f, 1)));
        let mut filters: Vec<(&Filter, u8)> =
            all.filter(|(f, home)| concerns(f, &labels, *home == 1 || *root == proxy.namespace)).collect();
        filters.sort_by(|(a, x), (b, y)| (a.priority, x, a.created, &a.name).cmp(&(b.priority, y, b.created, &b.name)));
        let patches = filters.into_iter().flat_map(|(f, _)| &f.patches);
        let patches = patches.filter(|p| p.proxies().is_none_or(|wanted| is_meant(wanted, proxy)));
        let lacks = |p: &Patch| p.extensions.iter().find(|name| !proxy.capabilities.has(name)).cloned();
        let mut resolved = Self { gateway: proxy.role == Role::Router, ..Self::default() };
        for patch in patches {
            match lacks(patch) {
                None => resolved.patches.push(patch.clone()),
                Some(lacking) => resolved.lacking.push((patch.clone(), lacking)),
            }
        }
        if resolved.gateway && resolved.patches.iter().any(|patch| asks_for_port(patch)) {
            resolved.ports = gateway::ports(view, proxy);
        }
        if !resolved.gateway && resolved.patches.iter().any(|patch| asks_for_service(patch)) {
            resolved.services = cluster::inbound(view, proxy).services();
        }
        Some(resolved)
    }

    /// Those for one sort of resources.
    pub(super) fn of_sort(&self, kind: ResourceType, side: Side) -> Patches {
        // Configurations of extensions are asked for by name, wherever they are used.
        let anywhere = kind == ResourceType::Extension;
        let wanted = |p: &Handle<Patch>| (anywhere || self.is_here(p.context(), side)) && touches(p, kind, side);
        let patches: Vec<_> = self.patches.iter().filter(|p| wanted(p)).cloned().collect();
        let by_port = kind == ResourceType::Route && patches.iter().any(|patch| asks_for_port(patch));
        let by_service =
            (kind, side) == (ResourceType::Cluster, Side::In) && patches.iter().any(|p| asks_for_service(p));
        let set = PatchSet {
            gateway: self.gateway,
            patches,
            lacking: self.lacking.iter().filter(|(p, _)| wanted(p)).cloned().collect(),
            ports: if by_port { self.ports.clone() } else { Vec::new() },
            services: if by_service { self.services.clone() } else { Vec::new() },
        };
        (!set.patches.is_empty() || !set.lacking.is_empty()).then(|| Handle::new(set))
    }

    fn is_here(&self, context: PatchContext, side: Side) -> bool {
        use PatchContext::{Any, Gateway, SidecarInbound, SidecarOutbound};
        let places: &[PatchContext] = match (self.gateway, side) {
            (_, Side::Nothing) | (true, Side::In) => &[],
            (true, _) => &[Any, Gateway],
            (false, Side::Out) => &[Any, SidecarOutbound],
            (false, Side::In) => &[Any, SidecarInbound],
            (false, Side::Both | Side::Added) => &[Any, SidecarInbound, SidecarOutbound],
        };
        places.contains(&context)
    }
}

/// Whether a patch is for routes of some port only.
fn asks_for_port(patch: &Patch) -> bool {
    matches!(patch.object(), Some(ObjectMatch::RouteConfiguration(wanted)) if wanted.port_number != 0)
}

/// Whether a patch is for clusters of calls in to some service only.
fn asks_for_service(patch: &Patch) -> bool {
    let inbound = matches!(patch.context(), PatchContext::Any | PatchContext::SidecarInbound);
    inbound && matches!(patch.object(), Some(ObjectMatch::Cluster(wanted)) if !wanted.service.is_empty())
}

/// Whether a patch does something to resources of a sort. The routes of calls in are part of their listener.
fn touches(patch: &Patch, kind: ResourceType, side: Side) -> bool {
    use ApplyTo::{Cluster, FilterChain, HttpFilter, HttpRoute, Listener, ListenerFilter, NetworkFilter};
    use ApplyTo::{ExtensionConfig, RouteConfiguration, VirtualHost};
    let adds = patch.operation == Operation::Add;
    match (kind, side) {
        (ResourceType::Cluster, _) => patch.apply_to == Cluster && adds == (side == Side::Added),
        (ResourceType::Listener, Side::Added) => patch.apply_to == Listener && adds,
        (ResourceType::Listener, _) => match patch.apply_to {
            Listener => !adds,
            FilterChain | NetworkFilter | HttpFilter | ListenerFilter => true,
            RouteConfiguration | VirtualHost | HttpRoute => side != Side::Out,
            _ => false,
        },
        (ResourceType::Extension, _) => patch.apply_to == ExtensionConfig && adds,
        (ResourceType::Route, _) => matches!(patch.apply_to, RouteConfiguration | VirtualHost | HttpRoute),
        _ => false,
    }
}

/// Whether an EnvoyFilter is for a workload (istio `pilot/pkg/model/policyattachment.go`). `near` says whether it is of
/// the workload's own namespace.
fn concerns(filter: &Filter, labels: &Labels, near: bool) -> bool {
    let selected = || filter.selector.iter().all(|(key, value)| labels.get(key) == Some(value));
    match (&filter.gateways, labels.get(GATEWAY)) {
        (None, _) => selected(),
        (Some(_), None) => false,
        (Some(gateways), Some(own)) => near && gateways.contains(own),
    }
}

fn is_meant(wanted: &ProxyMatch, proxy: &Proxy) -> bool {
    let stated = |key: &str, value: &str| proxy.metadata.has(key) && proxy.metadata.text(key) == value;
    wanted.metadata.iter().all(|(key, value)| stated(key, value))
        && (wanted.proxy_version.is_empty() || is_version(&wanted.proxy_version, proxy.metadata.text("ISTIO_VERSION")))
}

/// Whether a version matches a regular expression. Nearly all of these are a mere prefix, for which none is compiled.
fn is_version(pattern: &str, version: &str) -> bool {
    /// As in istiod; `api` warns of longer ones.
    const LONGEST: usize = 1024;
    if version.is_empty() || pattern.len() > LONGEST {
        return false;
    }
    match prefix(pattern) {
        Some(prefix) => version.starts_with(&prefix),
        None => regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(version)),
    }
}

/// What a version has to start with to match `^1\.22.*`; none if the pattern is not so simple.
fn prefix(pattern: &str) -> Option<String> {
    let literal = pattern.strip_prefix('^')?.strip_suffix(".*")?;
    let plain = literal.replace(r"\.", "");
    let is_plain = plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_plain.then(|| literal.replace(r"\.", "."))
}

/// Says of each patch that needs what the proxies do not have that it is left out.
pub(super) fn lacking(patches: &Patches) -> Vec<Failure> {
    let lacking = patches.iter().flat_map(|set| &set.lacking);
    let say = |why: &Str| format!("it does not have the extension {why}");
    lacking.map(|(patch, extension)| left_out(patch, "a stock Envoy".into(), say(extension))).collect()
}

#[cfg(test)]
mod tests;
