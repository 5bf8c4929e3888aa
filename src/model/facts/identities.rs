//! Who the endpoints of a service are: what clusters need of endpoints, and what pods that come and go leave as it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Str;

use super::endpoint::{Endpoint, TlsMode};
use super::handle::Handle;

/// Who the endpoints of one definition of a service are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identities {
    /// Their identities, `spiffe://…`.
    pub accounts: Handle<BTreeSet<Str>>,
    /// Ports of the service with an endpoint, and whether all endpoints there take mutual TLS.
    pub ports: BTreeMap<u16, bool>,
}

impl Identities {
    /// Reads them off the endpoints.
    pub fn of<'e>(endpoints: impl IntoIterator<Item = &'e Endpoint>) -> Self {
        let mut accounts = BTreeSet::new();
        let mut ports = BTreeMap::new();
        for endpoint in endpoints {
            let workload = &endpoint.workload;
            if !workload.service_account.is_empty() && !accounts.contains(&workload.service_account) {
                accounts.insert(workload.service_account.clone());
            }
            *ports.entry(endpoint.service_port).or_insert(true) &= workload.tls == TlsMode::Istio;
        }
        Self { accounts: Handle::new(accounts), ports }
    }

    /// Whether a port has endpoints, and all of them take mutual TLS.
    pub fn all_take_mtls(&self, port: u16) -> bool {
        self.ports.get(&port).copied().unwrap_or(false)
    }
}
