//! A running mesh with a client and greeters, each beside its sidecar.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mizzen::demo::dns::resolve;
use mizzen::demo::load::{Load, Target};

use super::fixture::{self, Backend, GREETER};
use crate::support::backend;
use crate::support::envoy::Sidecar;
use crate::support::greeter::greeter;
use crate::support::mesh::{CENTRE, Mesh};

/// A greeter outside the mesh, called `slow`, whose name takes its time to be resolved.
pub(crate) const SLOW: (&str, Ipv4Addr) = ("slow-greeter.example.com", Ipv4Addr::new(10, 77, 0, 31));

/// Everything in it ends with it, the control plane last.
pub(crate) struct Shop {
    pub(crate) client: Sidecar,
    pub(crate) greeters: Vec<Sidecar>,
    _backends: Vec<backend::Backend>,
    pub(crate) mesh: Mesh,
}

impl Shop {
    /// Starts the control plane on `rules` beside the client's and the greeters' own objects, then all workloads.
    pub(crate) fn open(backends: &[Backend], rules: &str) -> Shop {
        let mut mesh = Mesh::new(&[SLOW]);
        let objects = fixture::greeter(backends);
        mesh.configure("client.yaml", fixture::CLIENT);
        mesh.configure("greeter.yaml", &objects);
        mesh.configure("rules.yaml", rules);
        mesh.start_control_plane();
        let greeters: Vec<Sidecar> = backends.iter().map(|(name, ..)| mesh.sidecar(&objects, name)).collect();
        let backends = greeters.iter().zip(backends);
        let mut backends: Vec<backend::Backend> =
            backends.map(|(sidecar, (name, ..))| greeter(sidecar.namespace(), name)).collect();
        backends.push(greeter(mesh.centre(), "slow"));
        let client = mesh.sidecar(fixture::CLIENT, "client");
        Shop { client, greeters, _backends: backends, mesh }
    }

    /// The greeter as the client knows it, its address as the client's sidecar tells it.
    pub(crate) fn greeter(&self) -> Target {
        let answer = self.client.namespace().inside(|| resolve(IpAddr::V4(CENTRE), GREETER));
        let address = answer.expect("the sidecar answers").expect("it knows the greeter's name");
        Target { address: SocketAddr::from((address, 50051)), authority: format!("{GREETER}:50051") }
    }

    /// Starts calling the greeter from the client's namespace.
    pub(crate) fn load(&self) -> Load {
        Load::start(self.client.namespace().place(), self.greeter())
    }
}
