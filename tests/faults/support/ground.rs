//! What all tests stand on, made once: a network, an API server on it, and backends.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use super::backend;
use super::cluster::Cluster;
use super::greeter::greeter;
use super::netns::Namespace;
use super::network::Network;
use super::require;
use crate::fixture::Backend;

/// Two versions of the service that is called.
pub(crate) const BACKENDS: [Backend; 2] = [("greeter-1", "10.77.0.11", "v1"), ("greeter-2", "10.77.0.12", "v2")];
/// Where proxies find a control plane: the address of its Service.
pub(crate) const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 100);
/// Where its replicas are.
pub(crate) const REPLICAS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 77, 0, 101), Ipv4Addr::new(10, 77, 0, 102)];

/// Goes when nobody stands on it any more.
pub(crate) struct Ground {
    work: Option<Sender<Work>>,
    keeper: Option<JoinHandle<()>>,
    _backends: Vec<backend::Backend>,
    _places: Vec<Namespace>,
    network: Network,
}

type Work = Box<dyn FnOnce(&mut Cluster) + Send>;

impl Ground {
    /// That on which the others stand, or a new one.
    pub(crate) fn common() -> Arc<Self> {
        static COMMON: Mutex<Weak<Ground>> = Mutex::new(Weak::new());
        let mut common = COMMON.lock().unwrap_or_else(PoisonError::into_inner);
        common.upgrade().unwrap_or_else(|| {
            let new = Arc::new(Self::new());
            *common = Arc::downgrade(&new);
            new
        })
    }

    fn new() -> Self {
        require::root();
        let network = Network::new(&[("istiod", SERVICE), ("a.istiod", REPLICAS[0]), ("b.istiod", REPLICAS[1])]);
        let places = BACKENDS.map(|(name, ip, _)| network.attach(name, ip.parse::<IpAddr>().unwrap()));
        let backends = places.iter().zip(BACKENDS).map(|(place, (name, ..))| greeter(place, name)).collect();
        // A child ends with the thread that started it, so that of a cluster has to last.
        let (work, inbox) = channel::<Work>();
        let centre = network.centre().place();
        let keeper = std::thread::spawn(move || {
            centre.enter().expect("root may enter it");
            let mut cluster = Cluster::with_crds();
            inbox.into_iter().for_each(|work| work(&mut cluster));
        });
        Self { work: Some(work), keeper: Some(keeper), _backends: backends, _places: places.into(), network }
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Does something with the cluster.
    pub(crate) fn cluster<T: Send + 'static>(&self, work: impl FnOnce(&mut Cluster) -> T + Send + 'static) -> T {
        let (answer, result) = channel();
        let work = move |cluster: &mut Cluster| {
            let _ = answer.send(catch_unwind(AssertUnwindSafe(|| work(cluster))));
        };
        let keeper = self.work.as_ref().expect("it lasts as long as we do");
        keeper.send(Box::new(work)).expect("the cluster starts");
        result.recv().expect("the cluster starts").unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.work = None;
        let _ = self.keeper.take().map(JoinHandle::join);
    }
}
