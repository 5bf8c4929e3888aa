//! Who has a name that several hosts of a port claim.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::base::{Host, Namespace, Str};

use super::host::Candidate;

/// Which hosts claim a name, by the name's hash; most names are claimed once.
#[derive(Default)]
pub(super) struct Claims(Vec<(u64, Host)>);

impl Claims {
    /// The claims of all hosts of a port. O(n log n).
    pub(super) fn new<'c>(candidates: impl Iterator<Item = (&'c Host, &'c Candidate)>) -> Self {
        let mut claims = Vec::new();
        for (host, candidate) in candidates {
            // Namespaces see what everybody sees, and more.
            let texts = candidate.names.lists().flat_map(|(_, domains)| domains).map(|d| hash(&d.text));
            let from = claims.len();
            claims.extend(texts.map(|h| (h, host.clone())));
            claims[from..].sort_unstable_by_key(|(h, _)| *h);
            dedup_from(&mut claims, from);
        }
        claims.sort_unstable();
        Self(claims)
    }

    /// The hosts that may claim a name; some may claim another one with the same hash.
    pub(super) fn on(&self, text: &str) -> impl Iterator<Item = &Host> {
        let hash = hash(text);
        let from = self.0.partition_point(|(h, _)| *h < hash);
        self.0[from..].iter().take_while(move |(h, _)| *h == hash).map(|(_, host)| host)
    }

    /// All names that several hosts claim, and who has them.
    pub(super) fn contests<'c>(&self, candidate: impl Fn(&Host) -> Option<&'c Candidate>) -> BTreeMap<Str, Contest> {
        let mut out = BTreeMap::new();
        for run in self.0.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
            let claimants: Vec<(&Host, &Candidate)> =
                run.iter().filter_map(|(_, host)| Some((host, candidate(host)?))).collect();
            for (_, candidate) in &claimants {
                let texts = candidate.names.lists().flat_map(|(_, domains)| domains).map(|d| &d.text);
                for text in texts.filter(|text| hash(text) == run[0].0) {
                    if !out.contains_key(text) {
                        out.extend(Contest::new(text, &claimants).map(|contest| (text.clone(), contest)));
                    }
                }
            }
        }
        out
    }
}

fn dedup_from(claims: &mut Vec<(u64, Host)>, from: usize) {
    let mut last = None;
    let mut at = 0;
    claims.retain(|(h, _)| {
        at += 1;
        at <= from || last.replace(*h) != Some(*h)
    });
}

fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Who has a contested name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contest {
    elsewhere: Option<Host>,
    /// As seen from namespaces to which some claimant looks different.
    within: BTreeMap<Namespace, Option<Host>>,
}

impl Contest {
    /// `None` where from no namespace more than one host claims the name: every namespace may have a `reviews`.
    fn new(text: &Str, claimants: &[(&Host, &Candidate)]) -> Option<Self> {
        let namespaces = claimants.iter().flat_map(|(_, c)| c.names.within.iter().map(|(ns, _)| ns));
        let namespaces: std::collections::BTreeSet<&Namespace> = namespaces.collect();
        let views = namespaces.into_iter().map(Some).chain([None]);
        let mut contested = false;
        let mut out = Self { elsewhere: None, within: BTreeMap::new() };
        for view in views {
            let (holder, claims) = holder(text, view, claimants.iter().copied());
            contested |= claims > 1;
            match view {
                Some(namespace) => drop(out.within.insert(namespace.clone(), holder.cloned())),
                None => out.elsewhere = holder.cloned(),
            }
        }
        contested.then_some(out)
    }

    /// Who has it as seen from a namespace; `None` for one to which no claimant looks different.
    pub(super) fn holder(&self, view: Option<&Namespace>) -> Option<&Host> {
        let within = view.and_then(|namespace| self.within.get(namespace));
        within.unwrap_or(&self.elsewhere).as_ref()
    }

    /// The namespaces from which it may look different.
    pub(super) fn views(&self) -> impl Iterator<Item = &Namespace> {
        self.within.keys()
    }
}

/// Who has a name as seen from a namespace, and how many claim it.
///
/// A name that only follows from a host's name yields to the service of that very name, whoever comes first; else the
/// first has it (istio `pilot/pkg/networking/core/httproute.go`, `dedupeDomains`).
pub(super) fn holder<'c>(
    text: &str,
    view: Option<&Namespace>,
    claimants: impl Iterator<Item = (&'c Host, &'c Candidate)>,
) -> (Option<&'c Host>, usize) {
    let claims: Vec<_> = claimants
        .filter_map(|(host, candidate)| {
            let domains = match view {
                Some(namespace) => candidate.names.seen_from(namespace),
                None => &candidate.names.elsewhere,
            };
            let domain = domains.iter().find(|d| d.text == text)?;
            Some((host, candidate, domain.derived))
        })
        .collect();
    let known = claims.iter().any(|(host, candidate, _)| candidate.known && host.as_str() == text);
    let standing = claims.iter().filter(|(_, _, derived)| !(known && *derived));
    let first = standing.min_by(|a, b| (&a.1.rank, a.0).cmp(&(&b.1.rank, b.0)));
    (first.map(|(host, ..)| *host), claims.len())
}
