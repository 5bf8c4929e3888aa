//! Resources that patches add: clusters, listeners, and configurations of extensions.

use std::collections::BTreeSet;

use crate::generate::patch::{AddedCluster, AddedExtension, AddedListener};
use crate::model::facts::{Handle, Patch};
use crate::model::{FactKey, Scope, View};
use crate::proxy::Proxy;
use crate::wire::Recipe;

use super::class::{Output, Planner};

/// All proxies with the same patches get the same.
pub(super) fn facets(_: &View<'_>, _: &Proxy) {}

macro_rules! added {
    ($($(#[$doc:meta])* $planner:ident: $recipe:ident;)*) => {$(
        $(#[$doc])*
        pub(super) struct $planner;

        impl Planner for $planner {
            type Facets = ();
            type Unit = ();

            fn scope((): &()) -> &Scope {
                &Scope::Public
            }

            fn units(_: &View<'_>, (): &()) -> Vec<()> {
                vec![()]
            }

            fn unit_of(_: &FactKey) -> Option<()> {
                None
            }

            fn plan(_: &View<'_>, (): &(), (): &(), out: &mut Output<'_>) {
                put(out, $recipe::new);
            }
        }
    )*};
}

added! {
    /// Plans clusters that patches add.
    AddedClusters: AddedCluster;
    /// Plans listeners that patches add.
    AddedListeners: AddedListener;
    /// Plans configurations of extensions, which patches alone bring.
    AddedExtensions: AddedExtension;
}

/// Of several with one name, the first counts.
fn put<R: Recipe>(out: &mut Output<'_>, recipe: impl Fn(&Handle<Patch>) -> Option<R>) {
    let Some(set) = out.patches().clone() else { return };
    let mut names = BTreeSet::new();
    for recipe in set.patches.iter().filter_map(recipe) {
        if names.insert(recipe.name()) {
            out.resource(&recipe);
        }
    }
}
