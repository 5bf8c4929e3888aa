//! Which callers workloads take: PeerAuthentications of the mesh, a namespace and a workload, put together.

use crate::api::peer_authentication::{MutualTls, MutualTlsMode, PeerAuthentication};
use crate::base::{Labels, Str};

use super::handle::Handle;

/// The PeerAuthentications of a namespace, oldest first: name, unix seconds of creation, and what is written.
pub type Authn = Vec<Entry>;

/// Name, creation time and content of one.
type Entry = (Str, i64, PeerAuthentication);

/// Which callers a workload takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerMode {
    /// Clear text only.
    Disable,
    /// Both.
    Permissive,
    /// Callers with a certificate of the mesh only.
    Strict,
}

impl PeerMode {
    fn of(tls: Option<&MutualTls>) -> Option<Self> {
        match tls?.mode {
            MutualTlsMode::Unset => None,
            MutualTlsMode::Disable => Some(Self::Disable),
            MutualTlsMode::Permissive => Some(Self::Permissive),
            MutualTlsMode::Strict => Some(Self::Strict),
        }
    }
}

/// The PeerAuthentications that may concern a workload: those of the root namespace and those of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PeerRules {
    /// Of the root namespace.
    pub root: Option<Handle<Authn>>,
    /// Of the workload's namespace; `None` also where that is the root namespace.
    pub own: Option<Handle<Authn>>,
}

impl PeerRules {
    /// What holds for the namespace as a whole, `PERMISSIVE` where nothing is said (istio
    /// `pilot/pkg/model/authentication.go`, `GetNamespaceMutualTLSMode`).
    pub fn of_namespace(&self) -> PeerMode {
        let mode = |rules: &Option<Handle<Authn>>| PeerMode::of(unselective(rules.as_ref()?)?.mtls.as_ref());
        mode(&self.own).or_else(|| mode(&self.root)).unwrap_or(PeerMode::Permissive)
    }

    /// What holds for a port of a workload with these labels: the oldest rule that selects it, where that leaves
    /// something open the namespace's, then the mesh's (istio `pilot/pkg/security/authn/policy_applier.go`,
    /// `ComposePeerAuthentication`). Rules of the root namespace that select workloads select none.
    pub fn of_workload(&self, labels: &Labels, port: u16) -> PeerMode {
        let rule = self.selecting(labels);
        let of_port = rule.and_then(|r| PeerMode::of(r.port_level_mtls.get(&u32::from(port))));
        let of_rule = || rule.and_then(|r| PeerMode::of(r.mtls.as_ref()));
        of_port.or_else(of_rule).unwrap_or_else(|| self.of_namespace())
    }

    /// The ports of which the rule that selects a workload says something, whether or not they exist.
    pub fn ports(&self, labels: &Labels) -> impl Iterator<Item = u16> {
        let ports = self.selecting(labels).into_iter().flat_map(|rule| rule.port_level_mtls.keys());
        ports.filter_map(|port| u16::try_from(*port).ok())
    }

    /// The oldest rule that selects a workload.
    fn selecting(&self, labels: &Labels) -> Option<&PeerAuthentication> {
        self.selecting_entry(labels).map(|(_, _, rule)| rule)
    }

    fn selecting_entry(&self, labels: &Labels) -> Option<&Entry> {
        let selects = |p: &&Entry| selector(&p.2).is_some_and(|s| s.iter().all(|(k, v)| labels.get(k) == Some(v)));
        self.own.as_ref()?.iter().find(selects)
    }

    /// The names of the rules by which a workload with these labels is judged: that of the root namespace, and those of
    /// its own; one that says nothing counts for nothing.
    pub fn in_force(&self, labels: &Labels) -> (Option<&Str>, Vec<&Str>) {
        let says = |entry: &&Entry| PeerMode::of(entry.2.mtls.as_ref()).is_some();
        let root = self.root.as_ref().and_then(|rules| unselective_entry(rules)).filter(says);
        let own = self.own.as_ref().and_then(|rules| unselective_entry(rules)).filter(says);
        let selecting = self.selecting_entry(labels);
        let decided = selecting.is_some_and(|entry| says(&entry));
        let wide = own.filter(|_| !decided);
        let root = root.filter(|_| !decided && own.is_none());
        (root.map(|entry| &entry.0), selecting.into_iter().chain(wide).map(|entry| &entry.0).collect())
    }
}

fn selector(rule: &PeerAuthentication) -> Option<&Labels> {
    rule.selector.as_ref().map(|s| &s.match_labels).filter(|labels| !labels.is_empty())
}

/// The rule for the whole namespace: the oldest one without a selector.
fn unselective(rules: &Authn) -> Option<&PeerAuthentication> {
    unselective_entry(rules).map(|(_, _, rule)| rule)
}

fn unselective_entry(rules: &Authn) -> Option<&Entry> {
    rules.iter().find(|(_, _, rule)| selector(rule).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::selector::MatchLabels;

    fn rule(app: Option<&str>, mode: MutualTlsMode, ports: &[(u32, MutualTlsMode)]) -> (Str, i64, PeerAuthentication) {
        let labels = app.into_iter().map(|a| ("app".into(), a.into())).collect();
        let rule = PeerAuthentication {
            selector: app.map(|_| MatchLabels { match_labels: labels }),
            mtls: Some(MutualTls { mode }),
            port_level_mtls: ports.iter().map(|(p, mode)| (*p, MutualTls { mode: *mode })).collect(),
        };
        (Str::default(), 0, rule)
    }

    fn on(rules: &PeerRules, app: &str, port: u16) -> PeerMode {
        rules.of_workload(&Labels::from([("app".into(), app.into())]), port)
    }

    #[test]
    fn the_narrowest_rule_that_says_something_holds() {
        use MutualTlsMode::{Disable, Strict, Unset};
        let root = Some(Handle::new(vec![rule(None, Strict, &[])]));
        let own = vec![rule(Some("cart"), Unset, &[(80, Disable), (81, Unset)]), rule(Some("cart"), Disable, &[])];
        let rules = PeerRules { root, own: Some(Handle::new(own)) };
        assert_eq!(rules.of_namespace(), PeerMode::Strict);
        assert_eq!(on(&rules, "cart", 80), PeerMode::Disable);
        assert_eq!(on(&rules, "cart", 81), PeerMode::Strict);
        assert_eq!(on(&rules, "cart", 90), PeerMode::Strict);
        assert_eq!(on(&rules, "other", 80), PeerMode::Strict);
        assert_eq!(PeerRules::default().of_namespace(), PeerMode::Permissive);
    }

    #[test]
    fn rules_of_the_root_namespace_select_no_single_workloads() {
        let root = vec![rule(Some("cart"), MutualTlsMode::Disable, &[])];
        let rules = PeerRules { root: Some(Handle::new(root)), own: None };
        assert_eq!(on(&rules, "cart", 80), PeerMode::Permissive);
    }
}
