//! How facts and groups are put into maps, so that one notices what did not change.

use std::collections::{BTreeMap, BTreeSet};

use imbl::OrdMap;

use crate::model::facts::Handle;

/// Adds a member to a group or takes it out; an empty group goes.
pub(super) fn update<G: Ord, M: Ord + Clone>(map: &mut BTreeMap<G, BTreeSet<M>>, group: G, member: &M, present: bool) {
    if present {
        map.entry(group).or_default().insert(member.clone());
    } else if let Some(members) = map.get_mut(&group) {
        members.remove(member);
        if members.is_empty() {
            map.remove(&group);
        }
    }
}

/// Puts a derived fact in place and says whether that is a change.
pub(super) fn put<K: Ord + Clone, V: std::hash::Hash>(
    map: &mut OrdMap<K, Handle<V>>,
    key: &K,
    value: Option<V>,
) -> bool {
    match (map.get(key), value) {
        (None, None) => false,
        (Some(_), None) => map.remove(key).is_some(),
        (old, Some(value)) => {
            let new = Handle::new(value);
            if old == Some(&new) {
                return false;
            }
            map.insert(key.clone(), new);
            true
        }
    }
}
