//! Everything a proxy holds of one type, and everything of one revision.

use std::sync::Arc;

use imbl::ordmap::DiffItem;
use smallvec::SmallVec;

use super::encoded::Encoded;
use super::layer::{Layer, Listing};

/// The types of resource that are delivered, in the order in which Envoy needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// `envoy.config.cluster.v3.Cluster`
    Cluster,
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`
    Endpoint,
    /// `envoy.config.listener.v3.Listener`
    Listener,
    /// `envoy.config.route.v3.RouteConfiguration`
    Route,
    /// `envoy.extensions.transport_sockets.tls.v3.Secret`
    Secret,
    /// `envoy.config.core.v3.TypedExtensionConfig`
    Extension,
    /// `istio.networking.nds.v1.NameTable`, one resource without a name of its own
    NameTable,
}

impl ResourceType {
    /// All types, in push order (istio `pilot/pkg/xds/delta.go`, `PushOrder`).
    pub const ALL: [Self; 7] =
        [Self::Cluster, Self::Endpoint, Self::Listener, Self::Route, Self::Secret, Self::Extension, Self::NameTable];

    /// How many types there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The type URL of the protocol.
    pub const fn type_url(self) -> &'static str {
        match self {
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::Endpoint => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::Route => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            Self::Secret => "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            Self::Extension => "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            Self::NameTable => "type.googleapis.com/istio.networking.nds.v1.NameTable",
        }
    }

    /// The type of a URL that a proxy asked for.
    pub fn from_url(url: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.type_url() == url)
    }

    /// The short name in metrics: `cds`, `eds`, …
    pub const fn short(self) -> &'static str {
        match self {
            Self::Cluster => "cds",
            Self::Endpoint => "eds",
            Self::Listener => "lds",
            Self::Route => "rds",
            Self::Secret => "sds",
            Self::Extension => "ecds",
            Self::NameTable => "nds",
        }
    }

    /// Whether a proxy that names nothing asks for everything: clusters, listeners and the name table.
    pub const fn is_wildcard(self) -> bool {
        matches!(self, Self::Cluster | Self::Listener | Self::NameTable)
    }
}

/// All resources of one type for one proxy: layers whose names are disjoint.
#[derive(Clone, Default, Debug)]
pub struct Assembly {
    layers: SmallVec<[Layer; 2]>,
}

impl Assembly {
    /// Stacks layers with disjoint names. The number and meaning of layers is fixed per type, so that a later
    /// assembly is compared layer by layer.
    pub fn new(layers: impl IntoIterator<Item = Layer>) -> Self {
        Self { layers: layers.into_iter().collect() }
    }

    /// The resource of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<Encoded>> {
        self.layers.iter().find_map(|l| l.get(name))
    }

    /// All resources, layer by layer, by name within each.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Encoded>> {
        self.layers.iter().flat_map(|l| l.values())
    }

    /// The lists of all resources, layer by layer.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        self.layers.iter().map(Layer::listing)
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.layers.iter().map(|l| l.len()).sum()
    }

    /// Whether there is no resource.
    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(|l| l.is_empty())
    }

    /// Whether both hold the same resources without looking at them: they share their roots.
    pub fn same(&self, other: &Self) -> bool {
        self.layers.len() == other.layers.len() && self.layers.iter().zip(&other.layers).all(|(a, b)| a.same(b))
    }

    /// What changed since `old`: resources added or with another version, and resources that are gone.
    ///
    /// O(changes · log n) where the two share nodes.
    pub fn diff(&self, old: &Self) -> Change {
        let mut change = Change::default();
        let empty = Layer::new();
        for i in 0..self.layers.len().max(old.layers.len()) {
            let before = old.layers.get(i).unwrap_or(&empty);
            let after = self.layers.get(i).unwrap_or(&empty);
            if before.same(after) {
                continue;
            }
            for item in before.diff(after) {
                match item {
                    DiffItem::Add(_, new) => change.set.push(new.clone()),
                    DiffItem::Update { new: (_, new), .. } => change.set.push(new.clone()),
                    DiffItem::Remove(_, gone) => change.removed.push(gone.clone()),
                }
            }
        }
        change.removed.retain(|gone| self.get(gone.name()).is_none());
        change
    }
}

/// The difference of two assemblies.
#[derive(Clone, Default, Debug)]
pub struct Change {
    /// Added or changed.
    pub set: Vec<Arc<Encoded>>,
    /// Gone; the resource as it last was.
    pub removed: Vec<Arc<Encoded>>,
}

/// All that one proxy should hold, of one revision: no type runs ahead of another.
#[derive(Clone, Default, Debug)]
pub struct Publication {
    /// Counts up with each batch of changes that was taken in.
    pub revision: u64,
    /// By type, in the order of [`ResourceType::ALL`].
    pub assemblies: [Assembly; ResourceType::COUNT],
}

impl Publication {
    /// The resources of one type.
    pub fn of(&self, kind: ResourceType) -> &Assembly {
        &self.assemblies[kind as usize]
    }

    /// Whether both hold the same resources; their revisions may differ.
    pub fn same(&self, other: &Self) -> bool {
        self.assemblies.iter().zip(&other.assemblies).all(|(a, b)| a.same(b))
    }
}
