//! `cachez`: the resources that are kept encoded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::Str;
use crate::wire::{Publication, ResourceType};

/// The names of the resources that some proxy should hold, by type. O(resources of all groups of proxies).
pub fn held(publications: &[Arc<Publication>]) -> BTreeMap<&'static str, BTreeSet<Str>> {
    let mut names: BTreeMap<_, BTreeSet<Str>> = BTreeMap::new();
    for (kind, publication) in kinds(publications) {
        let all = publication.of(kind).iter().map(|encoded| encoded.name().clone());
        names.entry(kind.type_url()).or_default().extend(all);
    }
    names.retain(|_, names| !names.is_empty());
    names
}

/// How many bytes they have, by type and in all, as istiod writes sizes. What several proxies hold counts once.
pub fn held_sizes(publications: &[Arc<Publication>]) -> BTreeMap<&'static str, String> {
    let mut seen = BTreeSet::new();
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, publication) in kinds(publications) {
        for encoded in publication.of(kind).iter().filter(|encoded| seen.insert(Arc::as_ptr(encoded))) {
            *sizes.entry(kind.type_url()).or_default() += encoded.message().len();
        }
    }
    let total = sizes.values().sum();
    sizes.insert("total", total);
    sizes.into_iter().map(|(kind, size)| (kind, bytes(size))).collect()
}

fn kinds(publications: &[Arc<Publication>]) -> impl Iterator<Item = (ResourceType, &Publication)> {
    publications.iter().flat_map(|p| ResourceType::ALL.into_iter().map(move |kind| (kind, &**p)))
}

/// istiod's `ByteCount`: `999B`, `1.2kB`.
fn bytes(count: usize) -> String {
    if count < 1000 {
        return format!("{count}B");
    }
    let (mut size, mut unit) = (count as f64 / 1000.0, 0);
    while size >= 1000.0 && unit < 5 {
        (size, unit) = (size / 1000.0, unit + 1);
    }
    format!("{size:.1}{}B", ["k", "M", "G", "T", "P", "E"][unit])
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_written_as_istiod_writes_them() {
        assert_eq!(
            [0, 999, 1000, 1249, 999_999, 1_500_000].map(bytes),
            ["0B", "999B", "1.0kB", "1.2kB", "1000.0kB", "1.5MB"]
        );
    }
}
