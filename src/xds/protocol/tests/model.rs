//! A model of Envoy, and any sequence of things that can happen to it.
//!
//! Whatever happens, in the end the client holds exactly what is published; no cluster waits for endpoints for ever;
//! no route ever leads to a cluster that is not there; and an equal publication sends nothing.

mod envoy;

use std::collections::{BTreeMap, VecDeque};

use bytes::BufMut;
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryResponse;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::xds::body::Chunks;
use crate::xds::incoming::PREFIX;

use envoy::Client;

/// What may happen.
#[derive(Clone, Debug)]
enum Step {
    /// A new revision, made from a number.
    Publish(u32),
    /// The client takes in the next response.
    Receive,
    /// The control plane takes in the next request.
    Hear,
    /// The stream breaks, with all that is under way, and the client comes back.
    Break,
    /// The client will never accept one of the versions in the response that comes next.
    Refuse,
    /// The control plane waits no longer.
    GiveUp,
}

fn steps(refusals: bool) -> impl Strategy<Value = Vec<Step>> {
    let rare = u32::from(refusals);
    let step = prop_oneof![
        4 => any::<u32>().prop_map(Step::Publish),
        12 => Just(Step::Receive),
        12 => Just(Step::Hear),
        // What a refused response brought, Envoy does not state when it comes back: no server can take it away.
        1 - rare => Just(Step::Break),
        rare => Just(Step::Refuse),
        rare => Just(Step::GiveUp),
    ];
    prop::collection::vec(step, 1..120)
}

/// The resources of a revision: up to five clusters with endpoints, up to three listeners, each with a route to one
/// of the clusters.
fn world(seed: u32) -> Vec<(ResourceType, String)> {
    let pick = |shift: u32, of: u32| (seed >> shift) % of;
    let present: Vec<u32> = (0..5).filter(|i| *i == 0 || pick(*i, 2) == 1).collect();
    let clusters = present.iter().map(|i| format!("c{i}={} ", pick(5 + i, 2))).collect();
    let endpoints = present.iter().map(|i| format!("c{i}=e{} ", pick(10 + i, 2))).collect();
    let listeners: Vec<u32> = (0..3).filter(|i| pick(15 + i, 2) == 1).collect();
    let target = |i: &u32| present[pick(20 + 2 * i, 4) as usize % present.len()];
    vec![
        (Cluster, clusters),
        (Endpoint, endpoints),
        (Listener, listeners.iter().map(|i| format!("l{i}={} ", pick(18 + i, 2))).collect()),
        (Route, listeners.iter().map(|i| format!("r{i}=c{} ", target(i))).collect()),
        (NameTable, format!("t={}", pick(28, 2))),
    ]
}

struct Play {
    script: Script,
    client: Client,
    wire: VecDeque<DeltaDiscoveryResponse>,
    refuse_next: bool,
    /// Whether the order of things is still promised.
    orderly: bool,
    streams: u32,
}

impl Play {
    fn new() -> Self {
        let (script, client) = (Script::delta(&[]), Client::default());
        let mut play = Self { script, client, wire: VecDeque::new(), refuse_next: false, orderly: true, streams: 0 };
        play.publish(0);
        play.reconnect();
        play
    }

    fn publish(&mut self, seed: u32) {
        let world = world(seed);
        let world: Vec<(ResourceType, &str)> = world.iter().map(|(k, names)| (*k, names.as_str())).collect();
        self.script.publish(&world);
        self.send();
    }

    fn reconnect(&mut self) {
        self.streams += 1;
        self.wire.clear();
        let labels = Labels { nonce: format!("s{}-", self.streams).into(), version: "v".into() };
        let now = Arc::new(self.script.now.clone());
        self.script.session = Session::new(Face::Delta, self.script.cache.clone(), labels, now);
        self.client.connect();
        self.orderly &= self.client.lost.is_empty();
    }

    fn send(&mut self) {
        while let Some(response) = self.script.session.poll_response() {
            let len = response.encoded_len();
            let mut bytes = Vec::new();
            Chunks::new(response, len).for_each(|chunk| bytes.put(chunk));
            assert_eq!(bytes.len(), PREFIX + len);
            self.wire.push_back(DeltaDiscoveryResponse::decode(&bytes[PREFIX..]).unwrap());
        }
    }

    fn hear(&mut self) -> bool {
        let Some(request) = self.client.requests.pop_front() else { return false };
        self.script.session.on_request(&request).unwrap();
        self.send();
        true
    }

    fn receive(&mut self) -> bool {
        let Some(response) = self.wire.pop_front() else { return false };
        if std::mem::take(&mut self.refuse_next)
            && let Some(bad) = response.resources.first()
        {
            let kind = ResourceType::from_url(&response.type_url).unwrap();
            let message = Message::decode(&*bad.resource.clone().unwrap().value).unwrap();
            self.client.refuses.insert((kind, message.name, message.alt_stat_name));
        }
        self.client.receive(response);
        if self.orderly {
            self.client.check_traffic();
        }
        true
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Publish(seed) => self.publish(*seed),
            Step::Receive => drop(self.receive()),
            Step::Hear => drop(self.hear()),
            Step::Break => self.reconnect(),
            Step::Refuse => (self.refuse_next, self.orderly) = (true, false),
            Step::GiveUp => {
                if let Some(wait) = self.script.session.waiting() {
                    self.orderly = false;
                    self.script.session.give_up(wait);
                    self.send();
                }
            }
        }
    }

    /// Lets everything that is under way arrive.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.receive() && !self.hear() {
                match self.script.session.waiting() {
                    // Not every client has routes; the pump gives up such a wait after a while.
                    Some(Wait::Requests) => self.script.session.give_up(Wait::Requests),
                    None => return,
                    Some(wait) if self.client.lost.is_empty() => panic!("still waits for {wait:?}"),
                    Some(wait) => self.script.session.give_up(wait),
                }
                self.send();
            }
        }
        panic!("it never settles");
    }

    fn check(&self) {
        let client = &self.client;
        assert!(client.warming.is_empty(), "{:?} wait for endpoints", client.warming);
        for kind in ResourceType::ALL {
            let published: BTreeMap<String, String> = self
                .script
                .now
                .of(kind)
                .iter()
                .map(|e| (e.name().to_string(), Message::decode(e.message()).unwrap().alt_stat_name))
                .filter(|(name, _)| kind.is_wildcard() || client.asked[kind as usize].contains(name))
                .collect();
            let held = &client.held[kind as usize];
            for (name, content) in &published {
                let refused = client.refuses.contains(&(kind, name.clone(), content.clone()));
                assert!(refused || held.get(name) == Some(content), "{kind:?} {name} should be {content}: {held:?}");
            }
            assert!(held.keys().all(|name| published.contains_key(name)), "{kind:?} {held:?} but {published:?}");
        }
    }
}

fn play(steps: &[Step]) {
    let mut play = Play::new();
    steps.iter().for_each(|step| play.step(step));
    play.refuse_next = false;
    play.settle();
    if !play.client.lost.is_empty() {
        return;
    }
    play.check();
    let equal: Vec<Assembly> = ResourceType::ALL.map(|k| rebuilt(play.script.now.of(k))).into();
    play.script.now.assemblies = equal.try_into().unwrap();
    play.script.publish(&[]);
    play.send();
    assert!(play.wire.is_empty(), "an equal publication was sent: {:?}", play.wire);
}

/// The same resources in a map that shares nothing with the first.
fn rebuilt(assembly: &Assembly) -> Assembly {
    Assembly::new([assembly.iter().map(|e| (e.name().clone(), e.clone())).collect::<Layer>()])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_client_ends_with_what_is_published(steps in steps(false)) {
        play(&steps);
    }

    #[test]
    fn a_client_that_refuses_some_versions_ends_with_the_others(steps in steps(true)) {
        play(&steps);
    }
}
