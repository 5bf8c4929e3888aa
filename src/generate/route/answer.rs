//! Calls that the proxy answers itself.

use envoy_types::pb::envoy::config::core::v3::DataSource;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::route::v3::redirect_action::{
    PathRewriteSpecifier, RedirectResponseCode, SchemeRewriteSpecifier,
};
use envoy_types::pb::envoy::config::route::v3::{DirectResponseAction, RedirectAction};

use super::rule::Rule;
use crate::api::virtual_service::{Body, DirectResponse, Redirect, RedirectPort, RedirectPortSelection};

/// A redirect of calls to a port; none where Envoy knows no redirect with that status.
pub(super) fn redirect(said: &Redirect, rule: &Rule) -> Option<RedirectAction> {
    let code = match said.redirect_code {
        0 | 301 => RedirectResponseCode::MovedPermanently,
        302 => RedirectResponseCode::Found,
        303 => RedirectResponseCode::SeeOther,
        307 => RedirectResponseCode::TemporaryRedirect,
        308 => RedirectResponseCode::PermanentRedirect,
        _ => return None,
    };
    let path = match said.prefix_rewrite.is_empty() {
        true => PathRewriteSpecifier::PathRedirect(said.uri.to_string()),
        false => PathRewriteSpecifier::PrefixRewrite(said.prefix_rewrite.to_string()),
    };
    let scheme = Some(said.scheme.to_string()).filter(|s| !s.is_empty());
    Some(RedirectAction {
        host_redirect: said.authority.to_string(),
        port_redirect: redirect_port(said, rule),
        response_code: code.into(),
        scheme_rewrite_specifier: scheme.map(SchemeRewriteSpecifier::SchemeRedirect),
        path_rewrite_specifier: Some(path),
        ..RedirectAction::default()
    })
}

/// 0 where the scheme's own port is meant. Envoy cannot take the port from the call; but a route is always for calls to
/// one port.
fn redirect_port(said: &Redirect, rule: &Rule) -> u32 {
    let port = match said.port {
        Some(RedirectPort::Port(port)) => port,
        Some(RedirectPort::DerivePort(RedirectPortSelection::FromRequestPort)) => rule.port.into(),
        Some(RedirectPort::DerivePort(RedirectPortSelection::FromProtocolDefault)) | None => 0,
    };
    let scheme = match (said.scheme.as_str(), &rule.edge) {
        ("", Some(edge)) if edge.tls => "https",
        (said, _) => said,
    };
    match (port, scheme) {
        (80, "" | "http") | (443, "https") => 0,
        (port, _) => port,
    }
}

/// A fixed answer.
pub(super) fn direct(said: &DirectResponse) -> DirectResponseAction {
    let specifier = match &said.body {
        Some(Body::String(text)) => Some(Specifier::InlineString(text.to_string())),
        Some(Body::Bytes(bytes)) => Some(Specifier::InlineBytes(bytes.as_slice().to_vec())),
        Some(Body::Empty) | None => None,
    };
    let body = specifier.map(|s| DataSource { specifier: Some(s), ..DataSource::default() });
    DirectResponseAction { status: said.status, body, ..DirectResponseAction::default() }
}
