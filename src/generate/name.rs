//! Rows of the name table that Istio's agents answer DNS from (`istio.networking.nds.v1.NameTable`).
//!
//! Comes in: a [`Row`]. Goes out: one entry of the table's map, so that a service's edit re-encodes its own rows and
//! not the thousands beside them. Absent: which rows there are (`plan::name`).

use prost::Name;

use crate::base::{Namespace, Str};
use crate::model::facts::Registry;
use crate::proto::istio::networking::nds::v1::name_table::NameInfo;
use crate::wire::{Fragment, Refusal};

/// What a name resolves to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The name without a trailing dot; `*.` at its start stands for any labels.
    pub name: Str,
    /// The addresses, in the order in which they are answered; IPv4 and IPv6 mixed.
    pub addresses: Vec<Str>,
    /// Where the name comes from.
    pub registry: Registry,
    /// The service's name, or a pod's with its subdomain. With the namespace, agents derive `short.namespace` and the
    /// like from it for Kubernetes' services; empty where nothing is to be derived.
    pub short: Str,
    /// The service's namespace; empty where nothing is to be derived.
    pub namespace: Namespace,
}

/// An entry of the map `table`, as protobuf encodes it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Entry {
    /// The name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// What it resolves to.
    #[prost(message, optional, tag = "2")]
    pub value: Option<NameInfo>,
}

impl Name for Entry {
    const NAME: &'static str = "NameTable.TableEntry";
    const PACKAGE: &'static str = "istio.networking.nds.v1";
}

impl Fragment for Row {
    type Message = Entry;
    const FIELD: u32 = 1;

    fn build(&self) -> Result<Entry, Refusal> {
        let registry = match self.registry {
            Registry::Kubernetes => "Kubernetes",
            Registry::External => "External",
        };
        let info = NameInfo {
            ips: self.addresses.iter().map(Str::to_string).collect(),
            registry: registry.to_owned(),
            shortname: self.short.to_string(),
            namespace: self.namespace.to_string(),
            ..NameInfo::default()
        };
        Ok(Entry { key: self.name.to_string(), value: Some(info) })
    }
}
