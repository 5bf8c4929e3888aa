//! Which route takes a request, and what it does (Envoy `source/common/router/config_impl.cc`).

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::text::{fits, list, matches, string};
use super::{Held, Outcome, Request, Sent, shares};

impl Held {
    /// What the routes of a connection manager make of a request.
    pub(super) fn routed(&self, manager: &Value, request: &Request) -> Outcome {
        let named = || &self.0["routes"][manager["rds"]["routeConfigName"].as_str().unwrap_or_default()];
        let routes = manager.get("routeConfig").unwrap_or_else(named);
        let Some(host) = virtual_host(routes, &request.headers["host"]) else { return Outcome::NotFound };
        if host["requireTls"] == "ALL" && !request.secure {
            let to = format!("https://{}{}", request.headers["host"], request.path);
            return Outcome::Redirected("MOVED_PERMANENTLY".to_owned(), to);
        }
        let Some(route) = list(&host["routes"]).iter().find(|r| takes(&r["match"], request)) else {
            return Outcome::NotFound;
        };
        if let Some(redirect) = route.get("redirect") {
            let status = redirect["responseCode"].as_str().unwrap_or("MOVED_PERMANENTLY").to_owned();
            return Outcome::Redirected(status, location(redirect, &route["match"], request));
        }
        if let Some(answer) = route.get("directResponse") {
            let body = string(&answer["body"]["inlineString"]);
            return Outcome::Answered(answer["status"].as_u64().unwrap_or(0), body);
        }
        Outcome::Sent(sent(route, request))
    }
}

/// The virtual host of an authority: the very name, the longest suffix, the longest prefix, everything.
fn virtual_host<'r>(routes: &'r Value, authority: &str) -> Option<&'r Value> {
    let mut name = authority.to_lowercase();
    if routes["ignorePortInHostMatching"].as_bool().unwrap_or(false)
        && let Some((host, _)) = name.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok())
    {
        name = host.to_owned();
    }
    let domains = || {
        let hosts = list(&routes["virtualHosts"]).iter();
        hosts.flat_map(|host| list(&host["domains"]).iter().filter_map(move |d| Some((d.as_str()?, host))))
    };
    let rank = |domain: &str| match (domain, domain.strip_prefix('*'), domain.strip_suffix('*')) {
        ("*", ..) => Some((0, 0)),
        (_, Some(end), _) => (name.len() > end.len() && name.ends_with(end)).then_some((2, end.len())),
        (_, None, Some(start)) => (name.len() > start.len() && name.starts_with(start)).then_some((1, start.len())),
        (exact, ..) => (exact.to_lowercase() == name).then_some((3, 0)),
    };
    domains().filter_map(|(domain, host)| Some((rank(domain)?, host))).max_by_key(|(rank, _)| *rank).map(|(_, h)| h)
}

fn takes(condition: &Value, request: &Request) -> bool {
    let path = request.path.split('?').next().unwrap_or_default();
    let folds = condition["caseSensitive"].as_bool() == Some(false);
    let fold = |text: &str| if folds { text.to_lowercase() } else { text.to_owned() };
    let (path, had) = (fold(path), |field: &str| condition.get(field).and_then(Value::as_str).map(fold));
    let by_path = if let Some(prefix) = had("prefix") {
        path.starts_with(&prefix)
    } else if let Some(exact) = had("path") {
        path == exact
    } else if let Some(prefix) = had("pathSeparatedPrefix") {
        path == prefix || path.starts_with(&format!("{prefix}/"))
    } else {
        matches(condition["safeRegex"]["regex"].as_str().expect("a route has a path"), &path)
    };
    by_path
        && list(&condition["headers"]).iter().all(|m| header(m, request))
        && list(&condition["queryParameters"]).iter().all(|m| parameter(m, request))
        && list(&condition["dynamicMetadata"]).iter().all(|m| m["invert"].as_bool().unwrap_or(false))
}

pub(super) fn header(matcher: &Value, request: &Request) -> bool {
    let name = string(&matcher["name"]).to_lowercase();
    let value = match name.as_str() {
        ":method" => Some(request.method.clone()),
        ":path" => Some(request.path.clone()),
        ":authority" => request.headers.get("host").cloned(),
        ":scheme" => Some(if request.secure { "https" } else { "http" }.to_owned()),
        name => request.headers.get(name).cloned(),
    };
    let as_empty = matcher["treatMissingHeaderAsEmpty"].as_bool().unwrap_or(false);
    let inverted = matcher["invertMatch"].as_bool().unwrap_or(false);
    let value = value.or_else(|| as_empty.then(String::new));
    match (matcher.get("presentMatch").and_then(Value::as_bool), value) {
        (Some(wanted), value) => (value.is_some() == wanted) != inverted,
        // Without the header nothing matches, not even the opposite.
        (None, None) => false,
        (None, Some(value)) => fits(&matcher["stringMatch"], &value) != inverted,
    }
}

fn parameter(matcher: &Value, request: &Request) -> bool {
    let query = request.path.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let value = pairs.into_iter().find(|(name, _)| matcher["name"] == *name).map(|(_, value)| value);
    match matcher["presentMatch"].as_bool() {
        Some(wanted) => value.is_some() == wanted,
        None => value.is_some_and(|value| fits(&matcher["stringMatch"], value)),
    }
}

/// Where a redirect leads.
fn location(redirect: &Value, condition: &Value, request: &Request) -> String {
    let said = |field: &str| redirect[field].as_str().filter(|text| !text.is_empty());
    let scheme = said("schemeRedirect").unwrap_or(if request.secure { "https" } else { "http" });
    let host = request.headers["host"].as_str();
    let bare = host.split(':').next().unwrap_or_default();
    let host = match (said("hostRedirect"), redirect["portRedirect"].as_u64().filter(|p| *p > 0)) {
        (host, Some(port)) => format!("{}:{port}", host.unwrap_or(bare)),
        (Some(host), None) => host.to_owned(),
        (None, None) => host.to_owned(),
    };
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let path = match (said("pathRedirect"), said("prefixRewrite")) {
        (Some(path), _) => path.to_owned(),
        (None, Some(prefix)) => replace_matched(condition, path, prefix),
        (None, None) => path.to_owned(),
    };
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{scheme}://{host}{path}{query}")
}

/// A path with what the condition matched replaced.
fn replace_matched(condition: &Value, path: &str, new: &str) -> String {
    let matched = ["prefix", "path", "pathSeparatedPrefix"].iter().find_map(|field| condition[*field].as_str());
    format!("{new}{}", matched.map_or("", |matched| &path[matched.len()..]))
}

fn sent(route: &Value, request: &Request) -> Sent {
    let action = &route["route"];
    let to = match action["weightedClusters"]["clusters"].as_array() {
        Some(clusters) => shares(clusters),
        None => vec![(string(&action["cluster"]), 1)],
    };
    let (path, query) =
        (request.path.split('?').next().unwrap_or_default(), request.path.split_once('?').map(|(_, query)| query));
    let path = if let Some(new) = action["prefixRewrite"].as_str() {
        replace_matched(&route["match"], path, new)
    } else if let Some(pattern) = action["regexRewrite"]["pattern"]["regex"].as_str() {
        let substitution = string(&action["regexRewrite"]["substitution"]).replace('\\', "$");
        Regex::new(pattern).expect("Envoy takes only valid expressions").replace_all(path, &*substitution).into_owned()
    } else {
        path.to_owned()
    };
    let path = match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut headers = request.headers.clone();
    change(route, &mut headers);
    if let Some(authority) = action["hostRewriteLiteral"].as_str() {
        headers.insert("host".to_owned(), authority.to_owned());
    }
    let copies = list(&action["requestMirrorPolicies"]).iter();
    let copies = copies.map(|copy| (string(&copy["cluster"]), percent(&copy["runtimeFraction"]["defaultValue"])));
    let (copies, filters) = (copies.collect(), route["typedPerFilterConfig"].clone());
    Sent { to, path, headers, copies, action: action.clone(), filters, tunnel: None }
}

/// Changes of request headers at one place of the configuration.
fn change(place: &Value, headers: &mut BTreeMap<String, String>) {
    for name in list(&place["requestHeadersToRemove"]) {
        headers.remove(&string(name).to_lowercase());
    }
    for option in list(&place["requestHeadersToAdd"]) {
        let name = string(&option["header"]["key"]).to_lowercase();
        let value = string(&option["header"]["value"]);
        let old = headers.get(&name).filter(|_| option["appendAction"] != "OVERWRITE_IF_EXISTS_OR_ADD");
        let value = match old {
            Some(old) => format!("{old},{value}"),
            None => value,
        };
        headers.insert(name, value);
    }
}

/// A fraction as a percentage.
pub(crate) fn percent(fraction: &Value) -> f64 {
    let numerator = fraction["numerator"].as_f64().unwrap_or(0.0);
    match fraction["denominator"].as_str() {
        Some("TEN_THOUSAND") => numerator / 100.0,
        Some("MILLION") => numerator / 10_000.0,
        _ => numerator,
    }
}
