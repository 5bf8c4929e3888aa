//! Which endpoints callers at one place prefer.

use std::collections::BTreeSet;

use crate::base::{Locality, Str};

use super::{Group, Member};

/// Which endpoints callers at one place prefer: settings of users with the callers' place already put in, so that
/// callers for whom they come to the same share their endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Near {
    /// Percentages by locality pattern; what no pattern names gets nothing.
    Shares(Vec<(Str, u32)>),
    /// The nearest first, further ones when these fail.
    First {
        /// By labels, the most important first; empty where labels do not matter.
        compared: Vec<Compared>,
        /// By locality within that.
        regions: Option<Regions>,
    },
}

/// A label and what endpoints that are preferred have there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Compared {
    /// The label.
    pub label: Str,
    /// The value; empty where the caller has none, as for endpoints that have none.
    pub value: Str,
    /// Whether an endpoint that differs here is worse than all that do not, whatever they differ in; among themselves
    /// such endpoints are ranked by the other labels. So it is with the network if it comes first.
    pub outermost: bool,
}

/// Preference by locality.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Regions {
    /// Where the callers are.
    pub from: Locality,
    /// The region to which their own region fails over.
    pub to: Option<Str>,
    /// How finely localities are told apart.
    pub reach: Reach,
}

/// How finely localities are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// By sub-zone, zone and region.
    Locality,
    /// By region alone; Envoy prefers zones itself.
    Region,
}

impl Near {
    /// Sets weights or priorities, and divides groups where their members are not alike.
    pub(super) fn apply(&self, groups: &mut Vec<Group<'_>>) {
        match self {
            Self::Shares(shares) => share(groups, shares),
            Self::First { compared, regions } => {
                if !compared.is_empty() {
                    *groups = std::mem::take(groups).into_iter().flat_map(|g| divide(g, compared)).collect();
                    close_gaps(groups);
                }
                if let Some(regions) = regions {
                    let steps = regions.steps();
                    groups.iter_mut().for_each(|g| g.priority = g.priority * steps + regions.distance(g));
                    close_gaps(groups);
                }
            }
        }
    }
}

/// Gives each group its part of the pattern that names it first. Groups that none names keep no endpoints.
fn share(groups: &mut [Group<'_>], shares: &[(Str, u32)]) {
    let mut open: BTreeSet<usize> = (0..groups.len()).collect();
    for (pattern, percent) in shares {
        let named: Vec<usize> = open.iter().copied().filter(|i| covers(pattern, &locality(&groups[*i]))).collect();
        let total: u64 = named.iter().map(|i| u64::from(groups[*i].weight)).sum();
        for i in named {
            open.remove(&i);
            let part = (u64::from(groups[i].weight) * u64::from(*percent)).div_ceil(total.max(1));
            if part > 0 {
                groups[i].weight = u32::try_from(part).unwrap_or(u32::MAX);
            }
        }
    }
    open.into_iter().for_each(|i| groups[i].members.clear());
}

/// Whether a pattern `region/zone/subzone`, with `*` for any or parts left out, covers a locality.
pub(crate) fn covers(pattern: &str, locality: &Locality) -> bool {
    let pattern = Locality::parse(pattern);
    let fits = |wanted: &Str, found: &Str| wanted == "*" || wanted == found;
    fits(&pattern.region, &locality.region)
        && (pattern.zone.is_empty() || fits(&pattern.zone, &locality.zone))
        && (pattern.sub_zone.is_empty() || fits(&pattern.sub_zone, &locality.sub_zone))
}

fn locality(group: &Group<'_>) -> Locality {
    group.workload.map(|w| w.locality.clone()).unwrap_or_default()
}

/// Divides a group by how many labels its members have in common with the callers.
fn divide<'e>(group: Group<'e>, compared: &[Compared]) -> Vec<Group<'e>> {
    let mut ranks: Vec<u32> = group.members.iter().map(|m| rank(m, compared)).collect();
    let member_ranks = ranks.clone();
    ranks.sort_unstable();
    ranks.dedup();
    let part = |priority: u32| {
        let of_rank = group.members.iter().zip(&member_ranks).filter(|(_, r)| **r == priority);
        let members: Vec<Member<'e>> = of_rank.map(|(m, _)| *m).collect();
        let weight = members.iter().fold(0, |sum: u32, m| sum.saturating_add(m.weight()));
        Group { members, workload: group.workload, weight, priority }
    };
    ranks.into_iter().map(part).collect()
}

/// 0 where all labels agree; else the more, the earlier the first one that does not.
fn rank(member: &Member<'_>, compared: &[Compared]) -> u32 {
    let agrees = |c: &Compared| member.label(&c.label) == c.value.as_str();
    let worst = compared.len();
    let outside = if compared.iter().any(|c| c.outermost && !agrees(c)) { worst } else { 0 };
    let differs = compared.iter().position(|c| !c.outermost && !agrees(c));
    (outside + differs.map_or(0, |at| worst - at)) as u32
}

impl Regions {
    /// How many distances there are.
    fn steps(&self) -> u32 {
        match self.reach {
            Reach::Locality => 5,
            Reach::Region => 3,
        }
    }

    fn distance(&self, group: &Group<'_>) -> u32 {
        let to = locality(group);
        let fails_over = |none: bool| self.to.as_ref().map_or(none, |region| *region == to.region);
        match self.reach {
            Reach::Region if to.region == self.from.region => 0,
            Reach::Region => {
                if fails_over(false) {
                    1
                } else {
                    2
                }
            }
            Reach::Locality if to == self.from => 0,
            Reach::Locality if to.region == self.from.region => {
                if to.zone == self.from.zone {
                    1
                } else {
                    2
                }
            }
            Reach::Locality => {
                if fails_over(true) {
                    3
                } else {
                    4
                }
            }
        }
    }
}

/// Envoy wants priorities without gaps, from 0.
fn close_gaps(groups: &mut [Group<'_>]) {
    let used: BTreeSet<u32> = groups.iter().map(|g| g.priority).collect();
    let used: Vec<u32> = used.into_iter().collect();
    for group in groups {
        group.priority = used.partition_point(|p| *p < group.priority) as u32;
    }
}
