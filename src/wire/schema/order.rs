//! The order of map entries.

use std::ops::Range;

use super::encoding;

/// Adjacent entries of one map field, as the walk comes by them.
///
/// Only adjacent entries are ordered among themselves; every encoder writes all of a map in one go.
#[derive(Default)]
pub(super) struct Run {
    field: u32,
    entries: Range<usize>,
    last_key: Range<usize>,
    out_of_order: bool,
}

impl Run {
    /// Takes note of an entry of the map `field`: where it is with its tag, and where its content is. Entries
    /// before it that belong to another run are settled.
    pub(super) fn push(&mut self, bytes: &mut [u8], field: u32, entry: Range<usize>, content: Range<usize>) {
        let key = key(&bytes[content.clone()]);
        let key = content.start + key.start..content.start + key.end;
        if self.field == field && self.entries.end == entry.start {
            self.out_of_order |= bytes[key.clone()] < bytes[self.last_key.clone()];
            self.entries.end = entry.end;
        } else {
            self.settle(bytes);
            *self = Run { field, entries: entry, ..Run::default() };
        }
        self.last_key = key;
    }

    /// Orders the entries, if they are not yet in order.
    pub(super) fn settle(&self, bytes: &mut [u8]) {
        if self.out_of_order {
            sort(&mut bytes[self.entries.clone()]);
        }
    }
}

/// Where in an entry its key is. Absent means the default, which sorts first as it would when written out.
pub(super) fn key(entry: &[u8]) -> Range<usize> {
    let mut at = 0;
    while let Some(tag) = encoding::tag(entry, &mut at) {
        let Some(content) = encoding::content(entry, &mut at, tag.wire) else { break };
        if tag.number == 1 {
            return content;
        }
    }
    0..0
}

/// Sorts entries, each with its tag, by the encoded key: texts in the order of their bytes, numbers in some fixed
/// order. Equal keys stay as they are, for the last one wins.
#[cold]
fn sort(entries: &mut [u8]) {
    let unsorted = entries.to_vec();
    let mut by_key = Vec::new();
    let mut at = 0;
    while at < unsorted.len() {
        let start = at;
        let content = encoding::tag(&unsorted, &mut at).and_then(|tag| encoding::content(&unsorted, &mut at, tag.wire));
        let Some(content) = content else { return };
        let entry = &unsorted[content];
        by_key.push((&entry[key(entry)], &unsorted[start..at]));
    }
    by_key.sort_by_key(|(key, _)| *key);
    let mut rest = entries;
    for (_, entry) in by_key {
        let (place, after) = rest.split_at_mut(entry.len());
        place.copy_from_slice(entry);
        rest = after;
    }
}
