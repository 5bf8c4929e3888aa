//! How the remote clusters are, for whoever wants to look.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::base::Str;

/// How a remote cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Everything was read once.
    Synced,
    /// It is being read for the first time.
    Syncing,
    /// That took so long that nobody waits any more.
    Timeout,
    /// It is not read: its kubeconfig cannot be used, or is gone.
    Closed,
}

impl Status {
    /// istiod's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Syncing => "syncing",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
        }
    }
}

/// A remote cluster, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its name.
    pub id: Str,
    /// The Secret that leads there, `namespace/name`, or the file.
    pub secret: Str,
    /// How it is.
    pub status: Status,
}

/// How all remote clusters are. Copies are the same.
#[derive(Clone, Debug, Default)]
pub struct Roster(Arc<Mutex<Vec<Remote>>>);

impl Roster {
    /// All of them, by name.
    pub fn all(&self) -> Vec<Remote> {
        self.0.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Remote>> {
        self.0.lock()
    }
}
