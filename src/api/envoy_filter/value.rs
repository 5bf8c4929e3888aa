//! What a patch adds or merges, read as a message of Envoy's; and whether the patch can be applied at all.
//!
//! Istio's webhook refuses an EnvoyFilter for any of these reasons (`pkg/config/validation/envoyfilter`). Here the one
//! patch is left out, and the others of the object hold.

use std::fmt::Display;

use super::{ApplyTo, ConfigPatch, EnvoyFilter, FilterMatch, ObjectMatch, Operation, Patch, PatchContext};
use crate::api::report::Report;
use crate::base::Severity;
use crate::wire::{reflect, schema};

/// The longest regular expression for versions that is obeyed; with a longer one a patch is for no proxy.
const LONGEST_VERSION: usize = 1024;

const CONNECTION_MANAGER: &str = "envoy.filters.network.http_connection_manager";

/// Reads the values of all patches and reports what is wrong with each.
pub(in crate::api) fn read_values(filter: &mut EnvoyFilter, report: &Report) {
    for (index, patch) in filter.config_patches.iter_mut().enumerate() {
        let found = Found { index, report };
        match read(patch, &found) {
            Ok(usable) => patch.patch.iter_mut().for_each(|p| p.usable = usable),
            Err((field, why)) => {
                let text = format!("{why}; this patch is left out, and the others of the object hold");
                found.add(Severity::Error, "patch", field, text);
            }
        }
    }
}

/// Where findings about one patch go.
struct Found<'r> {
    index: usize,
    report: &'r Report,
}

impl Found<'_> {
    fn add(&self, severity: Severity, code: &'static str, field: &str, text: impl Display) {
        let dot = if field.is_empty() { "" } else { "." };
        self.report.add(severity, code, format_args!("spec.configPatches[{}]{dot}{field}", self.index), text);
    }
}

/// The field that is wrong, and why.
type Wrong = (&'static str, String);

fn wrong<T>(field: &'static str, why: impl Display) -> Result<T, Wrong> {
    Err((field, why.to_string()))
}

/// Says whether the patch can be applied by mizzen at all; those for an Envoy's start are the agent's business.
fn read(config: &mut ConfigPatch, found: &Found<'_>) -> Result<bool, Wrong> {
    matched(config, found)?;
    let Some(message) = config.apply_to.message() else { return wrong("applyTo", "must say what is patched") };
    let context = config.r#match.as_ref().map(|m| m.context);
    let ConfigPatch { apply_to, patch, .. } = config;
    let Some(patch) = patch else { return wrong("patch", "must be set") };
    match patch.operation {
        Operation::Invalid => return wrong("patch.operation", "must be set"),
        operation if is_idle(*apply_to, operation) => {
            let (operation, apply_to) = (operation.as_str(), apply_to.as_str());
            let text = format!("{operation} does nothing to {apply_to}; the patch has no effect");
            found.add(Severity::Warning, "ineffective", "patch.operation", text);
            return Ok(false);
        }
        Operation::Remove => {}
        _ => value(message, *apply_to, patch, found)?,
    }
    Ok(*apply_to != ApplyTo::Bootstrap && context != Some(PatchContext::Waypoint))
}

/// What an operation does nothing to (istio `pilot/pkg/networking/core/envoyfilter`).
fn is_idle(apply_to: ApplyTo, operation: Operation) -> bool {
    use ApplyTo::{Cluster, ExtensionConfig, FilterChain, HttpFilter, HttpRoute, Listener, ListenerFilter};
    use ApplyTo::{NetworkFilter, RouteConfiguration};
    match apply_to {
        RouteConfiguration => !operation.is_merge(),
        ExtensionConfig => operation.is_merge() || operation == Operation::Remove || operation == Operation::Replace,
        Cluster | Listener | FilterChain | HttpRoute => operation == Operation::Replace,
        HttpFilter | NetworkFilter | ListenerFilter => operation == Operation::MergeAndReplaceList,
        ApplyTo::Invalid | ApplyTo::VirtualHost | ApplyTo::Bootstrap => false,
    }
}

fn value(message: &'static str, apply_to: ApplyTo, patch: &mut Patch, found: &Found<'_>) -> Result<(), Wrong> {
    let Some(json) = &patch.value else { return wrong("patch.value", "must be set") };
    let read = reflect::from_json(message, json);
    let (mut bytes, unknown) = read.or_else(|why| wrong("patch.value", format_args!("is no {message}: {why}")))?;
    if let Some(unknown) = unknown {
        let text = format!("{unknown}; what Envoy is not known to have is passed over");
        found.add(Severity::Warning, "unknown-field", "patch.value", text);
    }
    if !patch.operation.is_merge() {
        schema::check(&format!("type.googleapis.com/{message}"), &mut bytes)
            .or_else(|why| wrong("patch.value", format_args!("Envoy would refuse it: {why}")))?;
        if !is_configured(apply_to, json) {
            return wrong("patch.value", "has no typedConfig, and Envoy finds no filter by its name alone");
        }
    }
    let types = reflect::extension_types(message, &bytes).unwrap_or_default();
    patch.extensions = types.into_iter().map(|name| name.as_str().into()).collect();
    patch.message = Some(bytes.as_slice().into());
    Ok(())
}

/// Whether a filter says what it is.
fn is_configured(apply_to: ApplyTo, value: &crate::api::Json) -> bool {
    let is_filter = matches!(apply_to, ApplyTo::HttpFilter | ApplyTo::NetworkFilter | ApplyTo::ListenerFilter);
    let says = ["typedConfig", "typed_config", "configDiscovery", "config_discovery"];
    !is_filter || says.iter().any(|name| value.get(name).is_some_and(|v| !v.is_null()))
}

fn matched(config: &ConfigPatch, found: &Found<'_>) -> Result<(), Wrong> {
    let Some(matches) = &config.r#match else { return Ok(()) };
    if let Some(version) = matches.proxy.as_ref().map(|p| &p.proxy_version) {
        if version.len() > LONGEST_VERSION {
            let text = format!("is longer than {LONGEST_VERSION} letters; the patch is for no proxy");
            found.add(Severity::Warning, "ineffective", "match.proxy.proxyVersion", text);
        } else if let Err(why) = regex::Regex::new(version) {
            return wrong("match.proxy.proxyVersion", format_args!("must be a regular expression (RE2): {why}"));
        }
    }
    let listeners = "must be listener for this applyTo";
    match (config.apply_to, &matches.object) {
        (_, None | Some(ObjectMatch::Waypoint(_))) => Ok(()),
        (ApplyTo::Cluster, Some(ObjectMatch::Cluster(_))) => Ok(()),
        (ApplyTo::Cluster, Some(_)) => wrong("match", "must be cluster for this applyTo"),
        (
            ApplyTo::RouteConfiguration | ApplyTo::VirtualHost | ApplyTo::HttpRoute,
            Some(ObjectMatch::RouteConfiguration(_)),
        ) => Ok(()),
        (ApplyTo::RouteConfiguration | ApplyTo::VirtualHost | ApplyTo::HttpRoute, Some(_)) => {
            wrong("match", "must be routeConfiguration for this applyTo")
        }
        (apply_to, Some(ObjectMatch::Listener(listener))) => {
            let filter = listener.filter_chain.as_ref().and_then(|c| c.filter.as_ref());
            filter.map_or(Ok(()), |filter| matched_filter(apply_to, filter, found))
        }
        (ApplyTo::Listener | ApplyTo::FilterChain | ApplyTo::NetworkFilter | ApplyTo::HttpFilter, Some(_)) => {
            wrong("match", listeners)
        }
        _ => Ok(()),
    }
}

fn matched_filter(apply_to: ApplyTo, filter: &FilterMatch, found: &Found<'_>) -> Result<(), Wrong> {
    const FIELD: &str = "match.listener.filterChain.filter";
    const SUB: &str = "match.listener.filterChain.filter.subFilter";
    if matches!(apply_to, ApplyTo::Listener | ApplyTo::FilterChain) {
        let text = format!("has no effect with applyTo {}", apply_to.as_str());
        found.add(Severity::Warning, "ineffective", FIELD, text);
    }
    if filter.name.is_empty() {
        return wrong(FIELD, "must have a name");
    }
    let Some(sub) = &filter.sub_filter else { return Ok(()) };
    if apply_to != ApplyTo::HttpFilter {
        return wrong(SUB, "is for applyTo HTTP_FILTER only");
    }
    if ![CONNECTION_MANAGER, "envoy.http_connection_manager"].contains(&&*filter.name) {
        return wrong(SUB, format_args!("needs a filter with the name {CONNECTION_MANAGER}"));
    }
    if sub.name.is_empty() { wrong(SUB, "must have a name") } else { Ok(()) }
}
