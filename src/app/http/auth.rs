//! Who may see debug pages and the page for people.
//!
//! As in istiod (`pilot/pkg/xds/debug.go`): callers on this machine may, which is where `mizzen request` and port
//! forwarding come from; others with the token of a service account. One of the control plane's namespace sees everything,
//! one of another a few pages about proxies of its own.
//!
//! Invariant: a token is in no log, and kept nowhere but as a digest.

mod accounts;
mod refusal;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, StatusCode};

use super::State;
use crate::debug::Client;
use crate::model::{Scope, View};
use crate::source::kube::{Account, Tokens};
use accounts::Accounts;
use refusal::Refusal;

/// The pages that every service account may see, of proxies of its namespace: istiod's `activeNamespaceDebuggers`.
const OF_NAMESPACE: [&str; 3] = ["/debug/config_dump", "/debug/edsz", "/debug/ndsz"];

/// What service accounts may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// `ENABLE_DEBUG_ENDPOINT_AUTH`: whether namespaces matter; else every service account sees everything.
    pub by_namespace: bool,
    /// `DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES`: whose service accounts see everything, beside those of the root namespace.
    pub allowed: BTreeSet<String>,
}

/// Who may look. Copies are the same.
#[derive(Clone, Default)]
pub struct Access(Arc<Gate>);

#[derive(Default)]
struct Gate {
    rules: Rules,
    /// None where no API server says whose a token is.
    accounts: Option<Accounts>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Somebody on this machine, who may see everything.
    Here,
    /// A service account that may.
    Trusted,
    /// A service account of this namespace, which sees its own proxies.
    Of(String),
}

impl Access {
    /// By these rules; `tokens` knows whose they are.
    pub fn new(rules: Rules, tokens: Option<Tokens>) -> Self {
        Self(Arc::new(Gate { rules, accounts: tokens.map(Accounts::new) }))
    }
}

impl Caller {
    /// Those of some proxies that this caller may know of.
    pub(super) fn sees(&self, mut clients: Vec<Client>) -> Vec<Client> {
        if let Self::Of(namespace) = self {
            clients.retain(|client| client.namespace() == namespace);
        }
        clients
    }
}

/// Lets callers pass who may see what they ask for; who they are goes along as a [`Caller`].
pub(super) async fn admit(
    Extract(state): Extract<State>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    match caller(&state, peer, request.headers(), request.uri().path()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => {
            let path = request.uri().path();
            tracing::warn!(%peer, path, "refused a page: {}", refusal.why());
            refusal.answer(path.starts_with("/ui/api/"))
        }
    }
}

async fn caller(state: &State, peer: SocketAddr, headers: &HeaderMap, path: &str) -> Result<Caller, Refusal> {
    if is_local(peer) {
        return Ok(Caller::Here);
    }
    let Gate { rules, accounts } = &*state.access.0;
    let accounts = accounts.as_ref().ok_or(Refusal::NoServer)?;
    let token = token(headers).ok_or_else(|| Refusal::NoToken(accounts.audience()))?;
    let account = accounts.owner(token).await.map_err(|error| Refusal::of(error, accounts.audience()))?;
    if !rules.by_namespace || rules.allowed.contains(&account.namespace) {
        return Ok(Caller::Trusted);
    }
    let root = state.engine.with(|core| View::new(core.index().snapshot(), &Scope::Public).mesh().root.clone()).await;
    let root = root.ok_or(Refusal::Stopped)?;
    match &account {
        Account { namespace, .. } if **namespace == *root => Ok(Caller::Trusted),
        _ if OF_NAMESPACE.contains(&path) => Ok(Caller::Of(account.namespace)),
        _ => Err(Refusal::NotAllowed { account, root: root.to_string() }),
    }
}

/// The token of a request; istiod takes `Istio` for `Bearer` too.
fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let known = ["bearer", "istio"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    known.then(|| token.trim()).filter(|token| !token.is_empty())
}

/// Whether a caller is on this machine.
pub(super) fn is_local(peer: SocketAddr) -> bool {
    // A socket for both families shows callers by IPv4 as `::ffff:127.0.0.1`.
    peer.ip().to_canonical().is_loopback()
}

/// Lets requests from this machine pass that call this server `localhost` or by an address, as who forwards a port does. A
/// page of a stranger in a browser on this machine may have a name of its own lead here, and would then be let in as if it
/// were ours. It has no token; who has one may call this server what they like, as a proxy before it does.
pub(super) async fn named_locally(headers: HeaderMap, request: Request, next: Next) -> Response {
    // In HTTP/2 the name is part of the address that is asked for.
    let header = headers.get(HOST).and_then(|host| host.to_str().ok());
    let name = request.uri().authority().map(|a| a.as_str()).or(header).unwrap_or_default();
    if is_local_name(name) || request.extensions().get::<Caller>().is_some_and(|caller| *caller != Caller::Here) {
        return next.run(request).await;
    }
    let said =
        "ask for this page as localhost or by an address: by another name any page in your browser could read it\n";
    (StatusCode::MISDIRECTED_REQUEST, said).into_response()
}

/// Whether a name, perhaps with a port, is `localhost` or an address.
fn is_local_name(name: &str) -> bool {
    let without_port = match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => name,
    };
    let bare = without_port.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_names_are_addresses_and_localhost() {
        for name in
            ["localhost", "LocalHost:15014", "127.0.0.1", "127.0.0.1:15014", "[::1]:15014", "[::1]", "10.1.2.3:80"]
        {
            assert!(is_local_name(name), "{name}");
        }
        for name in
            ["", "evil.example", "evil.example:15014", "localhost.evil.example", "127.0.0.1.evil.example", ":15014"]
        {
            assert!(!is_local_name(name), "{name}");
        }
    }

    #[test]
    fn a_token_is_behind_one_of_two_words() {
        let of = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            token(&headers).map(str::to_owned)
        };
        for value in ["Bearer a.b.c", "bearer  a.b.c", "Istio a.b.c"] {
            assert_eq!(of(value).as_deref(), Some("a.b.c"), "{value}");
        }
        for value in ["a.b.c", "Basic a.b.c", "Bearer ", "Bearer", ""] {
            assert_eq!(of(value), None, "{value}");
        }
    }
}
