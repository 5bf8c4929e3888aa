//! The client of the model: what Envoy does with responses, and what it asks for because of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryResponse;
use prost::Message as _;

use super::*;

/// What Envoy holds, waits for and has to say.
#[derive(Default)]
pub(super) struct Client {
    /// Content by name, per type.
    pub(super) held: [BTreeMap<String, String>; ResourceType::COUNT],
    /// What it states when it comes back.
    versions: [BTreeMap<String, String>; ResourceType::COUNT],
    pub(super) asked: [BTreeSet<String>; ResourceType::COUNT],
    /// Clusters that wait for endpoints, and those that serve.
    pub(super) warming: BTreeSet<String>,
    serving: BTreeSet<String>,
    /// Those that waited when the stream broke, and those that waited since the stream before. A cluster that changed
    /// on two streams which both broke before its endpoints, and is then what it was before both, cannot be told
    /// from one that never changed.
    broken: BTreeSet<String>,
    pub(super) lost: BTreeSet<String>,
    /// Answers to clusters, which Envoy withholds while one of them is warming.
    withheld: Vec<Request>,
    /// What it refuses: type, name, content.
    pub(super) refuses: BTreeSet<(ResourceType, String, String)>,
    initialised: bool,
    pub(super) requests: VecDeque<Request>,
}

impl Client {
    pub(super) fn connect(&mut self) {
        self.requests.clear();
        self.withheld.clear();
        self.lost.extend(self.broken.intersection(&self.warming).cloned());
        self.broken.clone_from(&self.warming);
        for kind in ResourceType::ALL {
            if kind.is_wildcard() && (kind == Cluster || self.initialised) || !self.asked[kind as usize].is_empty() {
                let stated = &self.versions[kind as usize];
                let stated = stated.iter().map(|(n, v)| (n.as_str().into(), v.as_str().into())).collect();
                let subscribe = self.asked[kind as usize].iter().map(|n| n.as_str().into()).collect();
                self.requests.push_back(Request { stated, subscribe, ..asking(kind, "") });
            }
        }
    }

    fn subscribe(&mut self, kind: ResourceType, name: &str) {
        if self.asked[kind as usize].insert(name.to_owned()) {
            self.requests.push_back(asking(kind, name));
        }
    }

    fn unsubscribe(&mut self, kind: ResourceType, name: &str) {
        self.asked[kind as usize].remove(name);
        self.versions[kind as usize].remove(name);
        self.held[kind as usize].remove(name);
        self.requests.push_back(asking(kind, &format!("-{name}")));
    }

    pub(super) fn receive(&mut self, response: DeltaDiscoveryResponse) {
        let kind = ResourceType::from_url(&response.type_url).unwrap();
        let mut set: Vec<(String, String, String)> = Vec::new();
        for resource in response.resources {
            let message = Message::decode(&*resource.resource.unwrap().value).unwrap();
            assert_eq!(message.name, resource.name);
            set.push((resource.name, resource.version, message.alt_stat_name));
        }
        // What it left meanwhile, Envoy ignores.
        set.retain(|(name, ..)| kind.is_wildcard() || self.asked[kind as usize].contains(name));
        let names = set.iter().map(|s| &s.0).chain(&response.removed_resources);
        assert_eq!(names.clone().collect::<BTreeSet<_>>().len(), names.count(), "a name twice in one response");

        let (bad, good): (Vec<_>, Vec<_>) = set
            .into_iter()
            .partition(|(name, _, content)| self.refuses.contains(&(kind, name.clone(), content.clone())));
        let one_by_one = matches!(kind, Endpoint | Route);
        if bad.is_empty() || !one_by_one {
            response.removed_resources.iter().for_each(|name| self.remove(kind, name));
            good.iter().for_each(|(name, _, content)| self.set(kind, name, content));
        }
        let mut answer = Request { nonce: response.nonce.as_str().into(), ..asking(kind, "") };
        if bad.is_empty() {
            let versions = &mut self.versions[kind as usize];
            versions.extend(good.into_iter().map(|(name, version, _)| (name, version)));
            response.removed_resources.iter().for_each(|name| drop(versions.remove(name)));
        } else {
            answer.error = Some(ErrorDetail { code: 13, message: "no".into() });
            if kind == Endpoint {
                // Told that its endpoints were refused, a cluster waits no longer.
                std::mem::take(&mut self.warming).into_iter().for_each(|name| {
                    self.serving.insert(name);
                });
            }
        }
        if kind == Cluster {
            self.withheld.push(answer)
        } else {
            self.requests.push_back(answer)
        }
        if self.warming.is_empty() {
            self.requests.extend(self.withheld.drain(..));
            if !std::mem::replace(&mut self.initialised, true) {
                self.requests.extend([asking(Listener, ""), asking(NameTable, "")]);
            }
        }
    }

    fn set(&mut self, kind: ResourceType, name: &str, content: &str) {
        let before = self.held[kind as usize].insert(name.to_owned(), content.to_owned());
        match kind {
            // An equal cluster is recognised by its hash and not warmed again.
            Cluster if before.as_deref() != Some(content) => {
                self.warming.insert(name.to_owned());
                self.subscribe(Endpoint, name);
            }
            Endpoint => self.warmed(name),
            Listener => self.subscribe(Route, &name.replace('l', "r")),
            _ => {}
        }
    }

    fn remove(&mut self, kind: ResourceType, name: &str) {
        match kind {
            Endpoint => return self.warmed(name),
            Route => return,
            Cluster => {
                self.warmed(name);
                self.serving.remove(name);
                self.unsubscribe(Endpoint, name);
            }
            Listener => self.unsubscribe(Route, &name.replace('l', "r")),
            _ => {}
        }
        self.held[kind as usize].remove(name);
    }

    fn warmed(&mut self, name: &str) {
        self.broken.remove(name);
        self.lost.remove(name);
        if self.warming.remove(name) {
            self.serving.insert(name.to_owned());
        }
    }

    pub(super) fn check_traffic(&self) {
        for (route, cluster) in &self.held[Route as usize] {
            assert!(self.serving.contains(cluster), "{route} leads to {cluster}, which is not there");
        }
    }
}
