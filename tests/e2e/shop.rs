//! A running mesh with a client and greeters, each beside its sidecar.

use std::net::{IpAddr, SocketAddr};

use super::fixture::{self, Backend, GREETER};
use crate::support::dns;
use crate::support::envoy::Sidecar;
use crate::support::load::Load;
use crate::support::mesh::{CENTRE, Mesh};
use crate::support::servers;

/// Everything in it ends with it, the control plane last.
pub(crate) struct Shop {
    pub(crate) client: Sidecar,
    pub(crate) greeters: Vec<Sidecar>,
    _backends: Vec<servers::Backend>,
    pub(crate) mesh: Mesh,
}

impl Shop {
    /// Starts the control plane on `rules` beside the client's and the greeters' own objects, then all workloads.
    pub(crate) fn open(backends: &[Backend], rules: &str) -> Shop {
        let mut mesh = Mesh::new(&[]);
        let greeter = fixture::greeter(backends);
        mesh.configure("client.yaml", fixture::CLIENT);
        mesh.configure("greeter.yaml", &greeter);
        mesh.configure("rules.yaml", rules);
        mesh.start_control_plane();
        let greeters: Vec<Sidecar> = backends.iter().map(|(name, ..)| mesh.sidecar(&greeter, name)).collect();
        let backends = greeters.iter().zip(backends);
        let backends = backends.map(|(sidecar, (name, ..))| servers::greeter(sidecar.namespace(), name)).collect();
        let client = mesh.sidecar(fixture::CLIENT, "client");
        Shop { client, greeters, _backends: backends, mesh }
    }

    /// The greeter's address as the client's sidecar tells it.
    pub(crate) fn greeter(&self) -> SocketAddr {
        let answer = self.client.namespace().inside(|| dns::resolve(IpAddr::V4(CENTRE), GREETER));
        SocketAddr::from((answer.expect("the sidecar knows the greeter's name"), 50051))
    }

    /// The greeter's name and port as callers say it.
    pub(crate) fn authority() -> String {
        format!("{GREETER}:50051")
    }

    /// Starts calling the greeter from the client's namespace.
    pub(crate) fn load(&self) -> Load {
        Load::start(self.client.namespace(), self.greeter(), &Self::authority())
    }
}
