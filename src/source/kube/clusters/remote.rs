//! One remote cluster: what a service registry needs of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::task::AbortHandle;

use crate::api::Kind;
use crate::base::{Finding, Str};
use crate::source::Delivery;
use crate::source::kube::client::Client;
use crate::source::kube::connection::Connection;
use crate::source::kube::desk::{Desk, Use, read_all};
use crate::source::kube::pace::Rate;
use crate::source::kube::place::Origin;
use crate::source::kube::resource::Resource;
use crate::source::kube::{Options, Status, Watcher};

/// What istiod's service registry reads (`pilot/pkg/serviceregistry/kube/controller`).
const KINDS: [Kind; 5] = [Kind::Namespace, Kind::Node, Kind::Service, Kind::EndpointSlice, Kind::Pod];

/// How remote clusters are read.
#[derive(Clone)]
pub(super) struct Manner {
    kinds: Arc<[Kind]>,
    /// What kubeconfigs may ask for.
    allowed: Arc<BTreeSet<String>>,
    rate: Rate,
    doubt: Duration,
    revision: Arc<str>,
}

impl Manner {
    pub(super) fn new(options: &Options) -> Self {
        let remotes = &options.remotes;
        let more = [(Kind::WorkloadEntry, remotes.workload_entries), (Kind::Secret, remotes.credentials)];
        let more = more.into_iter().filter(|(_, wanted)| *wanted).map(|(kind, _)| kind);
        Self {
            kinds: KINDS.into_iter().chain(more).collect(),
            allowed: Arc::new(remotes.insecure.clone()),
            rate: options.rate,
            doubt: options.doubt,
            revision: options.revision.as_str().into(),
        }
    }

    /// The lists that are read of a cluster. It is of use without what is no service.
    fn lists(&self, cluster: &Str) -> impl Iterator<Item = Resource> {
        let list = |kind: &Kind| Resource {
            cluster: cluster.clone(),
            optional: !KINDS.contains(kind),
            ..Resource::all(*kind)
        };
        self.kinds.iter().map(list)
    }
}

/// What a reader has to say.
pub(super) struct News {
    pub(super) cluster: Str,
    pub(super) reader: u64,
    pub(super) what: What,
}

pub(super) enum What {
    /// The kubeconfig cannot be used; nothing more comes.
    Unusable(String),
    /// As of any source; the first that has objects has all.
    Delivery(Delivery),
}

/// Reads a cluster by one kubeconfig, until it is dropped.
pub(super) struct Reader {
    pub(super) number: u64,
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
    task: AbortHandle,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) fn start(
    cluster: &Str,
    kubeconfig: Arc<str>,
    manner: Manner,
    (number, news): (u64, Sender<News>),
) -> Reader {
    let cluster = cluster.clone();
    let task = tokio::spawn(async move {
        let say = |what| News { cluster: cluster.clone(), reader: number, what };
        let connection = match Connection::to(Origin::Text(kubeconfig, manner.allowed.clone()), manner.rate).await {
            Ok(connection) => connection,
            Err(why) => return drop(news.send(say(What::Unusable(why.to_string()))).await),
        };
        let mut desk = Desk::new(manner.kinds.iter().map(|_| Use::Objects), true);
        let (client, lists) = (Arc::new(Client::new(connection)), manner.lists(&cluster));
        let mut inbox = read_all(client, lists, Arc::new(Silent), manner.revision.clone(), manner.doubt);
        loop {
            tokio::select! {
                step = inbox.recv() => {
                    let Some(step) = step else { return };
                    desk.take_all(step, &mut inbox);
                }
                permit = news.reserve(), if desk.has_news() => match permit {
                    Ok(permit) => permit.send(say(What::Delivery(desk.delivery()))),
                    Err(_) => return,
                },
            }
        }
    });
    Reader { number, findings: Vec::new(), task: task.abort_handle() }
}

/// Lists are counted of the own cluster alone; a remote one has metrics of its own.
struct Silent;

impl Watcher for Silent {
    fn listed(&self, _: Kind) {}
    fn failed(&self, _: Kind) {}
    fn held(&self, _: Kind, _: usize) {}
    fn secret(&self, _: &'static str) {}
    fn cluster(&self, _: &str, _: Status, _: usize) {}
    fn late(&self, _: &str) {}
}
