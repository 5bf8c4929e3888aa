//! Routes of HTTP.

use crate::api::validate::at::At;
use crate::api::validate::header::is_claim;
use crate::api::validate::name::is_label;
use crate::api::virtual_service::{HttpDestination, HttpMatch, HttpRoute, StringMatch};

/// Whether routes may depend on claims of the caller's token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Claims {
    /// Gateways check tokens before they route.
    Allowed,
    /// Sidecars do not.
    Refused,
}

pub(super) fn route(route: &HttpRoute, delegate: bool, claims: Claims, at: &At<'_>) {
    conflicts(route, delegate, at);
    at.field("match").each(&route.r#match, |m, at| condition(m, claims, at));
    at.field("headers").headers(route.headers.as_deref());
    if let Some(cors) = &route.cors_policy {
        at.field("corsPolicy").cors(cors);
    }
    if let Some(fault) = &route.fault {
        at.field("fault").fault(fault);
    }
    mirrors(route, at);
    if let Some(redirect) = &route.redirect {
        at.field("redirect").redirect(redirect, &route.r#match);
    }
    if let Some(response) = &route.direct_response {
        at.field("directResponse").direct_response(response);
    }
    at.field("retries").retries(route.retries.as_ref());
    if let Some(rewrite) = &route.rewrite {
        at.field("rewrite").rewrite(rewrite);
    }
    at.authority_is_set_once(route);
    at.field("route").each(&route.route, destination);
    at.field("route").weights(route.route.iter().map(|d| d.weight));
    at.field("timeout").duration(route.timeout);
}

/// A route sends calls on, or delegates, or answers itself.
fn conflicts(route: &HttpRoute, delegate: bool, at: &At<'_>) {
    if route.delegate.is_some() {
        if delegate {
            let text = "must not be set in a VirtualService without hosts: others delegate to it, and it cannot delegate further";
            return at.field("delegate").invalid(text);
        }
        let text = "must not be set beside delegate";
        at.field("route").require(route.route.is_empty(), text);
        return at.field("redirect").require(route.redirect.is_none(), text);
    }
    let answer = match (&route.redirect, &route.direct_response) {
        (Some(_), Some(_)) => return at.invalid("may have only one of redirect and directResponse"),
        (Some(_), None) => "redirect",
        (None, Some(_)) => "directResponse",
        (None, None) => {
            at.require(!route.route.is_empty(), "must have one of route, redirect, directResponse and delegate");
            let both = route.mirror.is_some() && !route.mirrors.is_empty();
            return at.require(!both, "may have only one of mirror and mirrors");
        }
    };
    let text = format!("must not be set beside {answer}");
    at.field("route").require(route.route.is_empty(), &text);
    at.field("fault").require(route.fault.is_none(), &text);
    at.field("rewrite").require(route.rewrite.is_none(), &text);
}

fn condition(condition: &HttpMatch, claims: Claims, at: &At<'_>) {
    for (name, headers) in [("headers", &condition.headers), ("withoutHeaders", &condition.without_headers)] {
        at.field(name).entries(headers, |header, value, at| {
            at.matched_header(header);
            let refused = claims == Claims::Refused && is_claim(header);
            at.require(!refused, "stands for a claim of a token, on which only routes of gateways may depend");
            // Istio reads the expression `*` as any value.
            if *value != StringMatch::Regex("*".into()) {
                at.string_match(value);
            }
        });
    }
    // Envoy takes an empty prefix for the path only.
    if let Some(StringMatch::Regex(pattern)) = &condition.uri {
        at.field("uri").field("regex").regex(pattern);
    }
    for (name, value) in
        [("scheme", &condition.scheme), ("method", &condition.method), ("authority", &condition.authority)]
    {
        if let Some(value) = value {
            at.field(name).string_match(value);
        }
    }
    at.field("queryParams").entries(&condition.query_params, |name, value, at| {
        at.require(!name.is_empty(), "must have a name");
        at.string_match(value);
    });
    at.field("port").optional_port(condition.port);
    at.field("sourceLabels").labels(&condition.source_labels);
    at.field("gateways").gateways(&condition.gateways);
    let namespace = &condition.source_namespace;
    let valid = namespace.is_empty() || is_label(namespace);
    at.field("sourceNamespace").require(valid, format_args!("must be a namespace, found {namespace:?}"));
}

fn mirrors(route: &HttpRoute, at: &At<'_>) {
    if let Some(mirror) = &route.mirror {
        at.field("mirror").destination(mirror);
    }
    if let Some(percent) = route.mirror_percent {
        let at = at.field("mirrorPercent");
        at.require(percent <= 100, format_args!("must be from 0 to 100, found {percent}"));
        at.deprecated("has the successor mirrorPercentage");
    }
    at.field("mirrorPercentage").field("value").percentage(route.mirror_percentage.map(|p| p.value));
    at.field("mirrors").each(&route.mirrors, |mirror, at| {
        at.field("destination").destination(&mirror.destination);
        at.field("percentage").field("value").percentage(mirror.percentage.map(|p| p.value));
    });
}

fn destination(destination: &HttpDestination, at: &At<'_>) {
    at.field("destination").destination(&destination.destination);
    at.field("headers").headers(destination.headers.as_deref());
}

impl At<'_> {
    /// A condition on a string; Envoy refuses an empty prefix.
    pub(super) fn string_match(&self, value: &StringMatch) {
        match value {
            StringMatch::Prefix(prefix) => self.field("prefix").require(!prefix.is_empty(), "must not be empty"),
            StringMatch::Regex(pattern) => self.field("regex").regex(pattern),
            StringMatch::Present | StringMatch::Exact(_) => {}
        }
    }
}
