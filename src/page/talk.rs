//! `talk`: who may talk to whom by what is configured, and who does by what was measured.

mod configured;
mod graph;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::list::{Ask, Key, Part};
use crate::base::{Host, Namespace, Str};

pub use configured::{Mesh, configured};
use graph::Graph;

/// Somebody who calls or is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Party {
    /// A service of the mesh.
    Service {
        /// Its name.
        host: Host,
        /// Where it is defined.
        namespace: Namespace,
    },
    /// A service outside the mesh.
    External {
        /// Its name.
        host: Host,
        /// Where it is defined.
        namespace: Namespace,
    },
    /// Workloads behind no service.
    Workload {
        /// Their name in metrics.
        name: Str,
        /// Their namespace.
        namespace: Namespace,
    },
    /// A Gateway.
    Gateway {
        /// `namespace/name`.
        name: Str,
    },
    /// All workloads that no Sidecar restricts; of the namespaces named, or of all of them if none is.
    Anyone {
        /// The namespaces, joined by commas.
        namespace: String,
    },
    /// A name that nothing known answers to.
    Unknown {
        /// The name.
        name: Str,
    },
}

/// Why, or how much, one party talks to another.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Traffic {
    /// What in the configuration says so: sentences with names of objects.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub why: BTreeSet<String>,
    /// Calls a second.
    #[serde(skip_serializing_if = "is_zero")]
    pub calls: f64,
    /// Calls a second that failed.
    #[serde(skip_serializing_if = "is_zero")]
    pub errors: f64,
    /// Bytes a second, there and back, where calls are not told apart.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// From whom to whom.
pub type Edges = BTreeMap<(Party, Party), Traffic>;

/// `GET /ui/api/talk` and `GET /ui/api/measured`, with the parameters of a list; sorted by `from`, `to`, `calls`,
/// `errors` or `bytes`.
#[derive(Debug, Serialize)]
pub struct Talk {
    /// The rows.
    #[serde(flatten)]
    pub part: Part<Row>,
    /// How many parties the rows found have.
    pub parties: usize,
    /// The rows found as a drawing; none if that would not be readable.
    pub graph: Option<Graph>,
}

/// One row: who talks to whom.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Who calls.
    pub from: Party,
    /// Who is called.
    pub to: Party,
    /// Why, or how much.
    #[serde(flatten)]
    pub traffic: Traffic,
}

impl Talk {
    /// The rows that are asked for, and the drawing.
    pub fn of(edges: &Edges, ask: &Ask) -> Self {
        let texts = |((from, to), traffic): &(&(Party, Party), &Traffic)| {
            let mut texts = vec![from.name(), from.namespace(), to.name(), to.namespace()];
            texts.extend(traffic.why.iter().map(String::as_str));
            ask.finds(&texts)
        };
        let mut found: Vec<_> = edges.iter().filter(texts).collect();
        let parties: BTreeSet<&Party> = found.iter().flat_map(|((from, to), _)| [from, to]).collect();
        let graph = Graph::of(&parties, &found);
        let per_million = |number: f64| Some(Key::Number((number * 1e6) as u64));
        ask.sort(&mut found, |column, ((from, to), traffic)| match column {
            "from" => Some(Key::Text(from.name().into())),
            "to" => Some(Key::Text(to.name().into())),
            "calls" => per_million(traffic.calls),
            "errors" => per_million(traffic.errors),
            "bytes" => per_million(traffic.bytes),
            _ => None,
        });
        let row = |((from, to), traffic): (&(Party, Party), &Traffic)| Row {
            from: from.clone(),
            to: to.clone(),
            traffic: traffic.clone(),
        };
        let parties = parties.len();
        Self { part: ask.cut(edges.len(), found, row), parties, graph }
    }
}

impl Party {
    /// By what it is known.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Service { host, .. } | Self::External { host, .. } => host,
            Self::Workload { name, .. } | Self::Gateway { name } | Self::Unknown { name } => name,
            Self::Anyone { .. } => "any workload",
        }
    }

    fn namespace(&self) -> &str {
        match self {
            Self::Service { namespace, .. } | Self::External { namespace, .. } | Self::Workload { namespace, .. } => {
                namespace
            }
            Self::Anyone { namespace } => namespace,
            Self::Gateway { .. } | Self::Unknown { .. } => "",
        }
    }
}
