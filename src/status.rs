//! Writing back to a cluster: what users and other control planes should see of what mizzen has made of their objects.
//!
//! Comes in: the mesh as it is ([`Survey`]), and what is wrong with it ([`Sight`]), each as the latest of its sort. Goes
//! out, to the API server:
//! - `status.addresses` of ServiceEntries, the virtual addresses that the model gave (`addresses`);
//! - a condition `Accepted` on Istio's objects with which something is wrong, and what it says (`conditions`);
//! - Events for what a user must see (`events`), by whoever has seen it ([`Witness`]).
//!
//! Each writer of status writes in one replica of all control planes in the cluster, istiod's among them: the one that holds its
//! lock (`leader`, by `elector`'s rules, in a `lock` as istiod has them).
//!
//! Invariants:
//! - Never a write for nothing: what is there is compared first, whoever wrote it.
//! - Nothing of others is touched: every write is conditional on what it was made from.
//! - A replica that loses a lock, or does not know whether it has it, stops to write at once.
//! - A right that is missing is one warning that names it; everything else goes on.
//!
//! Absent: what to write (`model` gives addresses, the findings come as they are), reading objects (`source`).

mod addresses;
mod bucket;
mod conditions;
mod elector;
mod events;
mod leader;
mod lock;
mod revision;
mod rights;
mod server;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::Object;
use crate::base::Finding;
use crate::model::Survey;

pub use standing::{Standing, Standings};

use events::{About, Events, Notice};
use leader::Candidate;
use lock::{Form, Lock};
use server::Server;

/// Who writes, and what.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespace of the control plane, where the locks are.
    pub namespace: String,
    /// `POD_NAME`, by which the holder of a lock is known: another one for each replica.
    pub pod: String,
    /// `REVISION`; empty is `default`, as in istiod.
    pub revision: String,
    /// `ENABLE_LEADER_ELECTION`: whether there may be others; without it this one always writes.
    pub elect: bool,
    /// `PILOT_ENABLE_IP_AUTOALLOCATE`: whether addresses are written.
    pub allocate: bool,
    /// How long a lock is good for after it was last renewed.
    pub ttl: Duration,
}

impl Options {
    /// istiod's time for all its locks (`pilot/pkg/leaderelection`).
    pub const TTL: Duration = Duration::from_secs(30);
}

/// The findings, and the mesh they were found in.
#[derive(Clone)]
pub struct Sight {
    /// What is wrong.
    pub findings: Arc<[Finding]>,
    /// Where.
    pub survey: Survey,
}

/// What is counted: how writing goes.
pub trait Observer: Send + Sync + 'static {
    /// This replica holds a lock, or no longer does.
    fn leads(&self, lock: &'static str, leads: bool);
    /// A write of one sort (`addresses`, `condition`, `event`) was done, or went wrong.
    fn wrote(&self, what: &'static str, done: bool);
}

/// Writers that are running.
pub struct Writers {
    running: JoinSet<()>,
    standings: Standings,
    events: Events,
}

/// Says what this replica has seen for itself, whoever writes the rest. Copies are the same.
#[derive(Clone)]
pub struct Witness(Events);

impl Witness {
    /// Proxies refuse something that follows from an object, in these words. Never waits.
    /// An object of another cluster is told of by nobody here.
    pub fn refused(&self, object: &Object, what: &str, why: &str) {
        if !object.meta.cluster.is_empty() {
            return;
        }
        let note = format!("proxies refuse {what}, which follows from this: {why}");
        let about = About::object(object);
        self.0.tell(Notice { about, warning: true, reason: "Refused".to_owned(), note });
    }
}

/// Starts to write, in tasks of the current runtime, until told to stop. Nothing is written before there is a mesh to
/// see.
pub fn spawn(
    client: &Client,
    options: &Options,
    meshes: watch::Receiver<Option<Survey>>,
    sights: watch::Receiver<Option<Sight>>,
    observer: Arc<dyn Observer>,
    stop: &CancellationToken,
) -> Writers {
    let standings = Standings::default();
    let server = Server::new(client.clone(), observer.clone());
    let mut running = JoinSet::new();
    let events = events::spawn(server.clone(), &options.pod, stop.clone(), &mut running);
    let candidate = |name, form| {
        let lock = Lock::new(client, &options.namespace, name, form);
        Candidate::new(lock, server.clone(), options, standings.clone(), observer.clone())
    };
    if options.allocate {
        let candidate = candidate(addresses::LOCK, Form::ConfigMap);
        let (server, events) = (server.clone(), events.clone());
        let work = move || addresses::write(server.clone(), meshes.clone(), events.clone());
        running.spawn(candidate.run(stop.clone(), work));
    }
    let candidate = candidate(conditions::LOCK, Form::Lease);
    let (options, told) = (options.clone(), events.clone());
    let work = move || conditions::write(server.clone(), sights.clone(), told.clone(), options.clone());
    running.spawn(candidate.run(stop.clone(), work));
    Writers { running, standings, events }
}

impl Writers {
    /// Who writes what, to be looked at.
    pub fn standings(&self) -> Standings {
        self.standings.clone()
    }

    /// Where to say what was seen.
    pub fn witness(&self) -> Witness {
        Witness(self.events.clone())
    }

    /// Waits until everything was said and all locks were given back.
    pub async fn ended(mut self) {
        while self.running.join_next().await.is_some() {}
    }
}
