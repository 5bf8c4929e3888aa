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
use crate::source::kube::{Status, Watcher};

/// What istiod's service registry reads (`pilot/pkg/serviceregistry/kube/controller`); Istio's kinds are read from the own
/// cluster alone.
const KINDS: [Kind; 5] = [Kind::Namespace, Kind::Node, Kind::Service, Kind::EndpointSlice, Kind::Pod];

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
    allowed: Arc<BTreeSet<String>>,
    (rate, doubt): (Rate, Duration),
    (number, news): (u64, Sender<News>),
) -> Reader {
    let cluster = cluster.clone();
    let task = tokio::spawn(async move {
        let say = |what| News { cluster: cluster.clone(), reader: number, what };
        let connection = match Connection::to(Origin::Text(kubeconfig, allowed), rate).await {
            Ok(connection) => connection,
            Err(why) => return drop(news.send(say(What::Unusable(why.to_string()))).await),
        };
        let lists = KINDS.map(|kind| Resource { cluster: cluster.clone(), ..Resource::all(kind) });
        let mut desk = Desk::new([Use::Objects; KINDS.len()].into_iter(), true);
        let client = Arc::new(Client::new(connection));
        let mut inbox = read_all(client, lists.into_iter(), Arc::new(Silent), "".into(), doubt);
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
