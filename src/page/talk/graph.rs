//! A drawing of who talks to whom: parties in layers from left to right, callers before whom they call. A line that
//! passes layers has a place of its own in each, so that it runs through no party.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Party, Traffic};

/// How many parties a drawing has at most.
const MOST: usize = 30;

/// Parties with places, and lines between them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Graph {
    /// Who is in it.
    pub nodes: Vec<Node>,
    /// Who talks to whom, by places in `nodes`.
    pub edges: Vec<Edge>,
    /// How many places each layer has.
    pub layers: Vec<usize>,
}

/// A party in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Who it is.
    #[serde(flatten)]
    pub party: Party,
    /// The layer, from 0 at the left.
    pub layer: usize,
    /// The place in the layer, from 0 at the top.
    pub place: usize,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edge {
    /// Who calls.
    pub from: usize,
    /// Who is called.
    pub to: usize,
    /// Through which places it goes on the way, as layer and place.
    pub via: Vec<(usize, usize)>,
    /// Why, or how much.
    #[serde(flatten)]
    pub traffic: Traffic,
}

impl Graph {
    /// A drawing, if it is readable. Parties that call each other in a circle are in the order in which they are met;
    /// within a layer a party is near the middle of those that call it.
    pub(super) fn of(parties: &BTreeSet<&Party>, edges: &[(&(Party, Party), &Traffic)]) -> Option<Self> {
        if parties.is_empty() || parties.len() > MOST {
            return None;
        }
        let parties: Vec<&Party> = parties.iter().copied().collect();
        let at: BTreeMap<&Party, usize> = parties.iter().enumerate().map(|(i, party)| (*party, i)).collect();
        let pairs: Vec<(usize, usize)> = edges.iter().map(|((from, to), _)| (at[from], at[to])).collect();
        let mut layers = layers(parties.len(), &pairs);
        let (ways, steps) = ways(&mut layers, &pairs);
        let places = places(&layers, &steps);
        let node = |(i, party): (usize, &&Party)| Node { party: (*party).clone(), layer: layers[i], place: places[i] };
        let nodes = parties.iter().enumerate().map(node).collect();
        let via = |way: &Vec<usize>| way.iter().map(|i| (layers[*i], places[*i])).collect();
        let edge =
            |i: usize| Edge { from: pairs[i].0, to: pairs[i].1, via: via(&ways[i]), traffic: edges[i].1.clone() };
        let edges = (0..edges.len()).map(edge).collect();
        let last = layers.iter().copied().max().unwrap_or_default();
        let sizes = (0..=last).map(|layer| layers.iter().filter(|l| **l == layer).count()).collect();
        Some(Self { nodes, edges, layers: sizes })
    }
}

/// The longest way to each from one that nobody calls, without edges that lead back into a circle.
fn layers(parties: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    let mut layers = vec![0; parties];
    let onward = without_circles(parties, pairs);
    for _ in 0..parties {
        for (from, to) in &onward {
            layers[*to] = layers[*to].max(layers[*from] + 1);
        }
    }
    layers
}

/// Edges by which one is never met again: those that lead to a party on the way to which one is are left out. Those that
/// nobody calls are begun with.
fn without_circles(parties: usize, pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let called: BTreeSet<usize> = pairs.iter().map(|(_, to)| *to).collect();
    let mut order: Vec<usize> = (0..parties).collect();
    order.sort_by_key(|i| called.contains(i));
    let (mut seen, mut onward) = (BTreeSet::new(), Vec::new());
    for start in order {
        // The way from `start`, with the callees of each that are still to be looked at.
        let mut way = vec![(start, callees(start, pairs))];
        if !seen.insert(start) {
            continue;
        }
        while let Some((party, left)) = way.last_mut() {
            let party = *party;
            match left.pop() {
                None => drop(way.pop()),
                Some(next) if way.iter().any(|(on, _)| *on == next) => {}
                Some(next) => {
                    onward.push((party, next));
                    if seen.insert(next) {
                        way.push((next, callees(next, pairs)));
                    }
                }
            }
        }
    }
    onward
}

fn callees(of: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    pairs.iter().filter(|(from, _)| *from == of).map(|(_, to)| *to).collect()
}

/// Adds a stand-in to each layer that a line passes. Returns the stand-ins of each line, and all lines in steps of one layer.
fn ways(layers: &mut Vec<usize>, pairs: &[(usize, usize)]) -> (Vec<Vec<usize>>, Vec<(usize, usize)>) {
    let (mut ways, mut steps) = (Vec::with_capacity(pairs.len()), Vec::new());
    for (from, to) in pairs {
        let (mut way, mut at) = (Vec::new(), *from);
        for layer in layers[*from] + 1..layers[*to].max(layers[*from] + 1) {
            layers.push(layer);
            way.push(layers.len() - 1);
            steps.push((at, layers.len() - 1));
            at = layers.len() - 1;
        }
        steps.push((at, *to));
        ways.push(way);
    }
    (ways, steps)
}

/// Places in layers: each is near the middle of its neighbours in the layer before, one layer after the other.
fn places(layers: &[usize], pairs: &[(usize, usize)]) -> Vec<usize> {
    let mut places = vec![0; layers.len()];
    let last = layers.iter().copied().max().unwrap_or_default();
    for layer in 0..=last {
        let mut members: Vec<usize> = (0..layers.len()).filter(|i| layers[*i] == layer).collect();
        let mean = |i: usize| {
            let before = pairs.iter().filter(|(from, to)| *to == i && layers[*from] < layer);
            let before: Vec<usize> = before.map(|(from, _)| places[*from]).collect();
            (before.iter().sum::<usize>() * 1000).checked_div(before.len()).unwrap_or(usize::MAX)
        };
        members.sort_by_cached_key(|i| (mean(*i), *i));
        members.into_iter().enumerate().for_each(|(place, i)| places[i] = place);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(name: &str) -> Party {
        Party::Unknown { name: name.into() }
    }

    /// Each party with its layer, by name.
    fn drawn(pairs: &[(&str, &str)]) -> Option<Vec<(String, usize)>> {
        let keys: Vec<(Party, Party)> = pairs.iter().map(|(from, to)| (party(from), party(to))).collect();
        let traffic = Traffic::default();
        let edges: Vec<_> = keys.iter().map(|key| (key, &traffic)).collect();
        let parties = keys.iter().flat_map(|(from, to)| [from, to]).collect();
        let graph = Graph::of(&parties, &edges)?;
        assert_eq!(graph.edges.len(), pairs.len(), "every line is drawn");
        Some(graph.nodes.iter().map(|n| (n.party.name().to_owned(), n.layer)).collect())
    }

    fn expected(layers: &[(&str, usize)]) -> Option<Vec<(String, usize)>> {
        Some(layers.iter().map(|(name, layer)| ((*name).to_owned(), *layer)).collect())
    }

    #[test]
    fn callers_are_left_of_whom_they_call() {
        let pairs = [("client", "web"), ("web", "db"), ("client", "db"), ("web", "cache")];
        assert_eq!(drawn(&pairs), expected(&[("cache", 2), ("client", 0), ("db", 2), ("web", 1)]));
    }

    #[test]
    fn circles_are_drawn_too() {
        assert_eq!(drawn(&[("a", "b"), ("b", "a")]), expected(&[("a", 0), ("b", 1)]));
        assert_eq!(drawn(&[("a", "a")]), expected(&[("a", 0)]));
        let pairs = [("in", "a"), ("a", "b"), ("b", "c"), ("c", "a")];
        assert_eq!(drawn(&pairs), expected(&[("a", 1), ("b", 2), ("c", 3), ("in", 0)]));
    }

    #[test]
    fn no_two_are_in_one_place_and_large_graphs_are_not_drawn() {
        let names: Vec<String> = (0..MOST).map(|i| format!("s{i}")).collect();
        let star = |n: usize| names.iter().take(n).map(|name| ("hub", name.as_str())).collect::<Vec<_>>();
        assert!(drawn(&star(MOST - 1)).is_some() && drawn(&star(MOST)).is_none() && drawn(&[]).is_none());
        let pairs: Vec<(usize, usize)> = (1..9).map(|i| (i / 3, i)).collect();
        let layers = layers(9, &pairs);
        let places = places(&layers, &pairs);
        let all: BTreeSet<_> = layers.iter().zip(&places).collect();
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn a_line_that_passes_a_layer_has_a_place_there() {
        let mut layers = vec![0, 1, 2, 1];
        let pairs = [(0, 1), (1, 2), (0, 2), (2, 3)];
        let (ways, steps) = ways(&mut layers, &pairs);
        assert_eq!(ways, [vec![], vec![], vec![4], vec![]]);
        assert_eq!(layers[4], 1);
        assert_eq!(steps, [(0, 1), (1, 2), (0, 4), (4, 2), (2, 3)], "what leads back takes no places");
        let places = places(&layers, &steps);
        assert_eq!([1, 3, 4].map(|i| places[i]).into_iter().collect::<BTreeSet<_>>().len(), 3);
    }
}
