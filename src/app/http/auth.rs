//! Who may see debug pages.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

/// Lets callers on this machine pass, which is where `mizzen request` and port forwarding come from. Others would have
/// to authenticate as for xDS; while there is no way to, they are refused (istiod's `allowAuthenticatedOrLocalhost`).
pub(super) async fn local_only(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    // A socket for both families shows callers by IPv4 as `::ffff:127.0.0.1`.
    if peer.ip().to_canonical().is_loopback() {
        return next.run(request).await;
    }
    tracing::warn!(%peer, path = request.uri().path(), "refused a debug page to a caller that is not on this machine");
    StatusCode::UNAUTHORIZED.into_response()
}
