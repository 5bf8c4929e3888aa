//! Names: hosts, namespaces, labels.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// A shared immutable string: cloning costs a reference count.
pub type Str = arcstr::ArcStr;

/// Labels of a Kubernetes object or of a workload.
pub type Labels = BTreeMap<Str, Str>;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Str);

        impl $name {
            /// The name as a string.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The shared string behind the name.
            pub fn str(&self) -> &Str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
    };
}

name! {
    /// The name by which callers know a service, in lower case: `reviews.shop.svc.cluster.local`,
    /// `api.example.com` or a wildcard `*.example.com`.
    Host
}

name! {
    /// A Kubernetes namespace.
    Namespace
}

impl Namespace {
    /// A namespace by its name.
    pub fn new(name: impl Into<Str>) -> Self {
        Self(name.into())
    }
}

impl From<&str> for Namespace {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<&str> for Host {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl Host {
    /// A host; upper case becomes lower case, as DNS names do not distinguish them.
    pub fn new(name: impl Into<Str>) -> Self {
        let name: Str = name.into();
        if name.bytes().any(|b| b.is_ascii_uppercase()) { Self(name.to_ascii_lowercase().into()) } else { Self(name) }
    }

    /// Whether the host starts with a `*`, as `*` itself and `*.example.com` do.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with('*')
    }

    /// Whether two hosts overlap: one of them, taken as a pattern, covers the other (Istio's `host.Name.Matches`).
    pub fn matches(&self, other: &Host) -> bool {
        match (self.0.strip_prefix('*'), other.0.strip_prefix('*')) {
            (None, None) => self == other,
            (Some(a), Some(b)) => a.ends_with(b) || b.ends_with(a),
            (Some(a), None) => other.0.ends_with(a),
            (None, Some(b)) => self.0.ends_with(b),
        }
    }

    /// Whether every name that `other` covers is covered by this host too (Istio's `host.Name.SubsetOf`, turned round).
    pub fn covers(&self, other: &Host) -> bool {
        match (self.0.strip_prefix('*'), other.0.strip_prefix('*')) {
            (None, None) => self == other,
            (Some(a), Some(b)) => b.ends_with(a),
            (Some(a), None) => other.0.ends_with(a),
            (None, Some(_)) => false,
        }
    }
}
