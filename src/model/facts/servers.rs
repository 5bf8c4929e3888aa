//! How Gateways of one proxy are put together, and who wins where they collide (istio `pilot/pkg/model/gateway.go`,
//! `mergeGateways`).
//!
//! Gateways come oldest first, and what comes first wins. Servers for HTTP in clear text share a port and its routes; so
//! do servers for TLS, if no two of them have a host in common.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::Str;

use super::gateway::{Conflict, Entry, Gateway, Merged, Server, Servers};
use super::handle::Handle;

/// A port, what is spoken there, and the address.
type Place = (u16, super::port::Protocol, Str);

#[derive(Default)]
struct Merging {
    out: Servers,
    conflicts: Vec<Conflict>,
    /// Ports that somebody has.
    taken: BTreeSet<u16>,
    /// Ports with clear text, and who has them.
    plain: BTreeMap<u16, Place>,
    /// Who has which host at a port, with its address.
    hosts: BTreeMap<u16, BTreeMap<Str, Arc<Server>>>,
}

impl Servers {
    /// Puts Gateways together. `port` tells where a port of the Service in front arrives.
    pub(in crate::model) fn merge(gateways: &[Handle<Gateway>], port: impl Fn(u16) -> u16) -> (Self, Vec<Conflict>) {
        let mut merging = Merging::default();
        for server in gateways.iter().flat_map(|gateway| &gateway.servers) {
            merging.add(server, port(server.number));
        }
        (merging.out, merging.conflicts)
    }
}

impl Merging {
    fn add(&mut self, server: &Arc<Server>, port: u16) {
        let route = server.route_name(port);
        let place: Place = (port, server.protocol, server.bind.clone());
        if server.tls.is_some() && !self.claim_hosts(server, port) {
            return;
        }
        if self.taken.insert(port) {
            return self.open(server, place, route);
        }
        match self.plain.get(&port).cloned() {
            Some(current) if current.2 == place.2 => self.join_plain(server, &current, route),
            Some(_) if self.entry(&place).is_none() => self.open(server, place, route),
            Some(_) => {
                self.share(&route, server);
                if let Some(entry) = self.entry(&place) {
                    entry.route = route.clone();
                    entry.servers.push(Merged { server: Arc::clone(server), route });
                }
            }
            None if server.is_tls() => self.join_tls(server, place, route),
            None => self.open(server, place, route),
        }
    }

    /// A host may be at a port once for each address. A server with one that is taken gets none of its own.
    fn claim_hosts(&mut self, server: &Arc<Server>, port: u16) -> bool {
        let known = self.hosts.entry(port).or_default();
        let taken = |host: &&Str| known.get(*host).is_some_and(|other| other.bind == server.bind);
        if let Some(host) = server.hosts.iter().find(taken) {
            let winner = known.get(host).cloned();
            let why = format!("the host {host} is at port {} already", server.number).into();
            self.conflicts.push(Conflict { server: Arc::clone(server), winner, why });
            return false;
        }
        known.extend(server.hosts.iter().map(|host| (host.clone(), Arc::clone(server))));
        true
    }

    /// The first server of a place.
    fn open(&mut self, server: &Arc<Server>, place: Place, route: Str) {
        if !server.is_tls() {
            self.plain.insert(place.0, place.clone());
        }
        if server.reads_calls() {
            self.out.routes.insert(route.clone(), vec![Arc::clone(server)]);
        }
        let servers = vec![Merged { server: Arc::clone(server), route: route.clone() }];
        let entry = Entry { port: place.0, protocol: place.1, bind: place.2.clone(), route, servers };
        match self.entry(&place) {
            Some(old) => *old = entry,
            None => self.out.entries.push(entry),
        }
    }

    /// Beside clear text only HTTP in clear text can be, and only if that is HTTP.
    fn join_plain(&mut self, server: &Arc<Server>, current: &Place, route: Str) {
        let fits = current.1.is_http() && (server.protocol.is_http() || server.protocol == current.1);
        if !fits || route.is_empty() {
            let why = format!(
                "port {} has {} already, with which {} cannot share it",
                server.number,
                current.1.as_str(),
                server.protocol.as_str()
            );
            return self.lose(server, current, why);
        }
        self.share(&route, server);
        if let Some(entry) = self.entry(current) {
            entry.servers.push(Merged { server: Arc::clone(server), route });
        }
    }

    fn join_tls(&mut self, server: &Arc<Server>, place: Place, route: Str) {
        if server.reads_calls() {
            if let Some(others) = self.out.routes.get(&route) {
                let winner = others.first().cloned();
                let why = format!("the name {} is that of another HTTPS port of the Gateway", server.port_name).into();
                self.conflicts.push(Conflict { server: Arc::clone(server), winner, why });
                return;
            }
            self.out.routes.insert(route.clone(), vec![Arc::clone(server)]);
        }
        let merged = Merged { server: Arc::clone(server), route };
        match self.entry(&place) {
            Some(entry) => entry.servers.push(merged),
            None => self.out.entries.push(Entry {
                port: place.0,
                protocol: place.1,
                bind: place.2,
                route: Str::default(),
                servers: vec![merged],
            }),
        }
    }

    fn share(&mut self, route: &Str, server: &Arc<Server>) {
        self.out.routes.entry(route.clone()).or_default().push(Arc::clone(server));
    }

    fn lose(&mut self, server: &Arc<Server>, to: &Place, why: String) {
        let winner = self.entry(to).and_then(|entry| entry.servers.first()).map(|first| Arc::clone(&first.server));
        self.conflicts.push(Conflict { server: Arc::clone(server), winner, why: why.into() });
    }

    fn entry(&mut self, place: &Place) -> Option<&mut Entry> {
        self.out.entries.iter_mut().find(|e| e.port == place.0 && e.protocol == place.1 && e.bind == place.2)
    }
}
