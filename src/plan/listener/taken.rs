//! Which connections the chains of a listener take already: Envoy refuses a listener of which two chains take the same.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::base::Str;
use crate::generate::listener::{Chain, Match, Range, Transport};

/// A match as Envoy compares it: one value of each list, no bits beyond a range's length.
type Connection = (Option<(IpAddr, u8)>, Str, Transport, &'static str);

/// The connections that chains take.
#[derive(Default)]
pub(in crate::plan) struct Taken(BTreeSet<Connection>);

impl Taken {
    /// What is left for a chain that comes later: its names that are free, or else its ranges that are.
    ///
    /// Of two equal chains istiod sends the first. If they overlap in part it sends both, which Envoy refuses.
    pub(in crate::plan) fn restrict(&mut self, mut chain: Chain) -> Option<Chain> {
        let matches = &mut chain.matches;
        let (mut names, mut ranges) = (BTreeSet::new(), BTreeSet::new());
        matches.server_names.retain(|name| names.insert(name.clone()));
        matches.ranges.retain(|range| ranges.insert(masked(range)));
        if !self.is_free(matches) {
            let with_name = |name: &Str| Match { server_names: vec![name.clone()], ..matches.clone() };
            let with_range = |range: Range| Match { ranges: vec![range], ..matches.clone() };
            let names: Vec<Str> =
                matches.server_names.iter().filter(|n| self.is_free(&with_name(n))).cloned().collect();
            let limited = matches.ranges.iter().copied().filter(|r| !r.is_unspecified());
            let ranges: Vec<Range> = limited.filter(|r| self.is_free(&with_range(*r))).collect();
            match (names.is_empty(), ranges.is_empty()) {
                (false, _) => matches.server_names = names,
                (true, false) => matches.ranges = ranges,
                (true, true) => return None,
            }
        }
        self.0.extend(connections(matches));
        Some(chain)
    }

    fn is_free(&self, matches: &Match) -> bool {
        !connections(matches).any(|c| self.0.contains(&c))
    }
}

/// Everything that a match takes. Of no names, any; of `*`, too.
fn connections(matches: &Match) -> impl Iterator<Item = Connection> {
    let any_name = matches.server_names.is_empty() || matches.server_names.iter().any(|n| *n == "*");
    let names = if any_name { vec![Str::default()] } else { matches.server_names.clone() };
    let mut ranges: Vec<_> = matches.ranges.iter().filter(|r| !r.is_unspecified()).map(|r| Some(masked(r))).collect();
    if ranges.is_empty() {
        ranges.push(None);
    }
    let protocols = if matches.protocols.is_empty() { &[""] } else { matches.protocols };
    let transport = matches.transport;
    ranges.into_iter().flat_map(move |range| {
        let names = names.clone().into_iter();
        names.flat_map(move |name| protocols.iter().map(move |&p| (range, name.clone(), transport, p)))
    })
}

fn masked(range: &Range) -> (IpAddr, u8) {
    let bits = u32::from(range.bits);
    let address = match range.address {
        IpAddr::V4(a) => IpAddr::V4((a.to_bits() & u32::MAX.checked_shl(32 - bits).unwrap_or(0)).into()),
        IpAddr::V6(a) => IpAddr::V6((a.to_bits() & u128::MAX.checked_shl(128 - bits).unwrap_or(0)).into()),
    };
    (address, range.bits)
}
