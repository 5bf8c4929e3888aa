//! Where a call would go: Envoy's choices, made over generated configuration.
//!
//! Comes in: what a proxy holds, as `mizzen render` prints it, and a [`Call`]. Goes out: an [`Outcome`], that is the
//! clusters with their shares and what became of the call on the way, or the answer that the proxy gives itself.
//!
//! Rules are Envoy's: the listener of the original destination before that of the port before the catch-all; chains by
//! its order of criteria, without going back; domains exact, then by suffix, prefix, `*`; the first route that matches.
//! Absent: how an endpoint is chosen, limits, time; filters of calls out other than the last one of a chain.

pub(crate) mod access;
pub(crate) mod cluster;
mod listener;
mod names;
mod route;
mod text;

use std::collections::BTreeMap;

use serde_json::Value;

/// What a proxy of a namespace holds.
pub(crate) struct Held(pub(crate) Value, pub(crate) String);

/// A call that the application makes.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The name that is called, or an address.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) content: Content,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// HTTP/1.1 in clear text.
    Http(Request),
    /// TLS of the application's own, with a name in the ClientHello.
    Tls(String),
    /// HTTP/1.1 in TLS, with a name in the ClientHello.
    Https(String, Request),
    /// Bytes.
    Bytes,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// By lower-case name, `host` among them.
    pub(crate) headers: BTreeMap<String, String>,
    /// Whether it came in TLS that ended at the proxy.
    pub(crate) secure: bool,
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It is sent on.
    Sent(Sent),
    /// The proxy answers with this status and body.
    Answered(u64, String),
    /// The proxy redirects with this status to a place.
    Redirected(String, String),
    /// No route takes it.
    NotFound,
    /// No listener, or none of its chains, takes it.
    Refused,
}

/// A call that is sent on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sent {
    /// Clusters with their shares, most first.
    pub(crate) to: Vec<(String, u64)>,
    /// The path with the query as the server gets it; empty where bytes are sent.
    pub(crate) path: String,
    /// Headers as the server gets them, `host` among them; without those of a share.
    pub(crate) headers: BTreeMap<String, String>,
    /// Clusters that get a copy, with their percentage.
    pub(crate) copies: Vec<(String, f64)>,
    /// The action of the route, where there is one.
    pub(crate) action: Value,
    /// What filters do for this route alone.
    pub(crate) filters: Value,
    /// The authority that a tunnel is asked for.
    pub(crate) tunnel: Option<String>,
}

impl Call {
    /// `GET` of a URL `http[s]://host[:port]/path`.
    pub(crate) fn get(url: &str) -> Self {
        let (rest, secure) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (rest, false),
            (None, Some(rest)) => (rest, true),
            (None, None) => panic!("{url} is no URL of HTTP"),
        };
        let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, format!("/{p}")));
        let (host, port) = authority
            .split_once(':')
            .map_or((authority, if secure { 443 } else { 80 }), |(h, p)| (h, p.parse().unwrap()));
        let headers = BTreeMap::from([("host".to_owned(), authority.to_owned())]);
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let request = Request { method: "GET".to_owned(), path, headers, secure };
        let content = if secure { Content::Https(host.to_owned(), request) } else { Content::Http(request) };
        Self { host: host.to_owned(), port, content }
    }

    /// A connection of TLS to a host, whose name is in the ClientHello.
    pub(crate) fn tls(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, content: Content::Tls(host.to_owned()) }
    }

    /// A connection that carries anything.
    pub(crate) fn bytes(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, content: Content::Bytes }
    }

    /// The same with a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Content::Http(request) = &mut self.content {
            request.headers.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// The same with a method.
    pub(crate) fn method(mut self, method: &str) -> Self {
        if let Content::Http(request) = &mut self.content {
            request.method = method.to_owned();
        }
        self
    }
}

impl Held {
    /// What becomes of a call by the application beside the proxy.
    pub(crate) fn call(&self, call: &Call) -> Outcome {
        let address = self.resolve(&call.host);
        let Some(chain) = self.chain(&address, call) else { return Outcome::Refused };
        let last = chain["filters"].as_array().and_then(|filters| filters.last()).map(|f| &f["typedConfig"]);
        let Some(filter) = last else { return Outcome::Refused };
        match (&call.content, filter["routeConfig"].is_object() || filter["rds"].is_object()) {
            (Content::Http(request), true) => self.routed(filter, request),
            (Content::Https(_, request), true) if chain["transportSocket"].is_object() => self.routed(filter, request),
            (_, true) => Outcome::Refused,
            (_, false) => passed(filter),
        }
    }

    /// The clusters of a call that is sent on, with their shares.
    pub(crate) fn clusters(&self, call: &Call) -> Vec<(String, u64)> {
        self.sent(call).to
    }

    /// The only cluster of a call.
    pub(crate) fn cluster(&self, call: &Call) -> String {
        let to = self.clusters(call);
        assert_eq!(to.len(), 1, "{call:?} has not one cluster: {to:?}");
        to[0].0.clone()
    }

    /// A call that must be sent on.
    pub(crate) fn sent(&self, call: &Call) -> Sent {
        match self.call(call) {
            Outcome::Sent(sent) => sent,
            other => panic!("{call:?} is not sent on: {other:?}"),
        }
    }
}

/// Bytes that a `TcpProxy` sends on.
fn passed(filter: &Value) -> Outcome {
    let weighted = filter["weightedClusters"]["clusters"].as_array();
    let to = match weighted {
        Some(clusters) => shares(clusters),
        None => vec![(text::string(&filter["cluster"]), 1)],
    };
    if to.iter().all(|(name, _)| name == "BlackHoleCluster") {
        return Outcome::Refused;
    }
    let tunnel = filter["tunnelingConfig"]["hostname"].as_str().map(str::to_owned);
    Outcome::Sent(Sent { to, tunnel, ..Sent::default() })
}

/// Names and weights, most first.
fn shares(clusters: &[Value]) -> Vec<(String, u64)> {
    let share = |c: &Value| (text::string(&c["name"]), c["weight"].as_u64().unwrap_or(0));
    let mut all: Vec<_> = clusters.iter().map(share).collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all
}
