//! What operations do to lists of filters.

use crate::api::envoy_filter::Operation;

/// Does to a list what a patch says. `matches` tells which entries it is for; without one it is for the list as a whole,
/// and takes out and replaces nothing. Merging is not done here.
pub(super) fn edit<T>(
    list: &mut Vec<T>,
    operation: Operation,
    matches: Option<&dyn Fn(&T) -> bool>,
    value: impl FnOnce() -> Option<T>,
) {
    let found = |list: &[T]| matches.map(|matches| list.iter().position(matches));
    let place = match operation {
        Operation::Add => Some(list.len()),
        Operation::InsertFirst => Some(0),
        Operation::InsertBefore => found(list).unwrap_or(Some(0)),
        Operation::InsertAfter => found(list).map_or(Some(list.len()), |at| at.map(|at| at + 1)),
        Operation::Replace => {
            if let (Some(Some(at)), Some(value)) = (found(list), value()) {
                list[at] = value;
            }
            return;
        }
        Operation::Remove => {
            if let Some(matches) = matches {
                list.retain(|entry| !matches(entry));
            }
            return;
        }
        Operation::Merge | Operation::MergeAndReplaceList | Operation::Invalid => return,
    };
    if let (Some(at), Some(value)) = (place, value()) {
        list.insert(at, value);
    }
}
