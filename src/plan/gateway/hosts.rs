//! Which virtual hosts the servers behind one name of routes have (istio `pilot/pkg/networking/core/gateway.go`,
//! `buildGatewayHTTPRouteConfig`).
//!
//! A host is in a configuration once. Where several VirtualServices have it, each has its say, in their order. Hosts with
//! the very same routes share a virtual host.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Host, Namespace, Str};
use crate::generate::route::{self, Defaults, GatewayHost, Rule};
use crate::model::View;
use crate::model::facts::{Server, VirtualService};
use crate::plan::route::{Asking, Caller, picks, recipe};

/// A VirtualService at a Gateway.
type Key = (Str, Namespace, Str);

/// Virtual hosts in the making.
pub(super) struct Hosts<'p> {
    view: &'p View<'p>,
    caller: &'p Caller,
    defaults: &'p Arc<Defaults>,
    /// The routes of VirtualServices, as the first server with a host of theirs has them.
    rules: BTreeMap<Key, Arc<Rule>>,
    hosts: BTreeMap<Str, Draft>,
}

struct Draft {
    port: u16,
    redirects: bool,
    /// In order, by key.
    rules: Vec<Key>,
}

impl<'p> Hosts<'p> {
    pub(super) fn new(view: &'p View<'p>, caller: &'p Caller, defaults: &'p Arc<Defaults>) -> Self {
        Self { view, caller, defaults, rules: BTreeMap::new(), hosts: BTreeMap::new() }
    }

    /// Adds the hosts of a server that some VirtualService has, and those that only redirect.
    pub(super) fn add(&mut self, server: &Server) {
        for v in self.view.bound_to(&server.gateway) {
            let common = common(&server.hosts, &v);
            if common.is_empty() {
                continue;
            }
            let key = (server.gateway.clone(), v.namespace.clone(), v.name.clone());
            if !self.rules.contains_key(&key) {
                let picks = picks(&v, server.number, self.caller, &server.gateway);
                if picks.is_empty() {
                    continue;
                }
                let asking = Asking { view: self.view, labels: &self.caller.labels, defaults: self.defaults };
                let rule = recipe(&asking, &v, server.number, picks, Some(server.tls.is_some()));
                self.rules.insert(key.clone(), rule);
                self.view.credit_routes(&v);
            }
            for host in common {
                let draft = self.draft(host.str(), server);
                draft.rules.push(key.clone());
                draft.redirects |= server.redirects();
            }
        }
        if server.redirects() {
            for host in &server.hosts {
                self.draft(&host.to_ascii_lowercase().into(), server).redirects = true;
            }
        }
    }

    fn draft(&mut self, host: &Str, server: &Server) -> &mut Draft {
        let new = || Draft { port: server.number, redirects: false, rules: Vec::new() };
        self.hosts.entry(host.clone()).or_insert_with(new)
    }

    /// The virtual hosts, by name.
    pub(super) fn finish(self) -> Vec<GatewayHost> {
        let mut drafts: Vec<(Str, Draft)> = self.hosts.into_iter().collect();
        drafts.sort_by(|(a, _), (b, _)| specific_first(a, b));
        let collapses = self.view.mesh().features.collapsed_routes;
        let mut out: Vec<GatewayHost> = Vec::new();
        let mut same: BTreeMap<(Vec<Key>, bool), usize> = BTreeMap::new();
        for (host, draft) in drafts {
            let rules = draft.rules.iter().filter_map(|key| self.rules.get(key)).cloned().collect();
            let new = GatewayHost {
                name: route::domain(&host, draft.port).into(),
                domains: vec![host.clone()],
                rules,
                redirects: draft.redirects,
                attempt_count: self.defaults.attempt_count,
            };
            match same.get(&(draft.rules.clone(), draft.redirects)) {
                Some(&at) if collapses => out[at].domains.push(host),
                _ => {
                    same.insert((draft.rules, draft.redirects), out.len());
                    out.push(new);
                }
            }
        }
        out.sort_by(|a, b| a.name.cmp(&b.name));
        out
    }
}

/// The hosts that server and VirtualService have in common: of two that overlap the narrower one (istio
/// `pkg/config/host`, `Intersection`).
fn common(said: &[Str], v: &VirtualService) -> Vec<Host> {
    let mut out: Vec<Host> = Vec::new();
    for said in said {
        let own = match said.split_once('/') {
            Some((namespace, _)) if namespace != v.namespace.as_str() => continue,
            Some((_, name)) => Host::from(name),
            None => Host::new(said.clone()),
        };
        for host in &v.hosts {
            let narrow = match (host.covers(&own), own.covers(host)) {
                (true, _) => &own,
                (false, true) => host,
                (false, false) => continue,
            };
            if !out.contains(narrow) {
                out.push(narrow.clone());
            }
        }
    }
    out
}

/// Longer names first, wildcards last.
fn specific_first(a: &str, b: &str) -> Ordering {
    let key = |host: &str| (host.starts_with('*'), std::cmp::Reverse(host.len()));
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}
