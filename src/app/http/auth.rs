//! Who may see debug pages.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::{HeaderMap, StatusCode};

/// Lets callers on this machine pass, which is where `mizzen request` and port forwarding come from. Others would have
/// to authenticate as for xDS; while there is no way to, they are refused (istiod's `allowAuthenticatedOrLocalhost`).
pub(super) async fn local_only(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    if is_local(peer) {
        return next.run(request).await;
    }
    tracing::warn!(%peer, path = request.uri().path(), "refused a page to a caller that is not on this machine");
    StatusCode::UNAUTHORIZED.into_response()
}

/// Whether a caller is on this machine.
pub(super) fn is_local(peer: SocketAddr) -> bool {
    // A socket for both families shows callers by IPv4 as `::ffff:127.0.0.1`.
    peer.ip().to_canonical().is_loopback()
}

/// Lets requests pass that call this server `localhost` or by an address, as who forwards a port does. A page of a stranger
/// in a browser on this machine may have a name of its own lead here, and would then be let in as if it were ours.
pub(super) async fn named_locally(headers: HeaderMap, request: Request, next: Next) -> Response {
    // In HTTP/2 the name is part of the address that is asked for.
    let header = headers.get(HOST).and_then(|host| host.to_str().ok());
    let name = request.uri().authority().map(|a| a.as_str()).or(header).unwrap_or_default();
    if is_local_name(name) {
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
    use super::is_local_name;

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
}
