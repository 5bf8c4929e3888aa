//! Telemetry.

use super::at::At;
use super::format::header_format;
use super::header::is_token;
use crate::api::cel;
use crate::api::telemetry::{
    AccessLogging, CustomTag, MetricName, Metrics, ProviderRef, TagOperation, TagOverride, Telemetry, Tracing,
};

pub(super) fn telemetry(telemetry: &Telemetry, at: &At<'_>) {
    at.field("selector").match_labels(telemetry.selector.as_ref());
    let ways = [telemetry.selector.is_some(), telemetry.target_ref.is_some(), !telemetry.target_refs.is_empty()];
    let several = ways.into_iter().filter(|said| *said).count() > 1;
    at.require(!several, "may have only one of selector, targetRef and targetRefs");
    at.field("tracing").each(&telemetry.tracing, tracing);
    if telemetry.tracing.iter().filter(|t| t.r#match.is_none()).count() > 1 {
        at.field("tracing").ineffective("has several entries for all calls; later ones go over earlier ones");
    }
    at.field("metrics").each(&telemetry.metrics, metrics);
    at.field("accessLogging").each(&telemetry.access_logging, access_logging);
}

fn providers(list: &[ProviderRef], at: &At<'_>) {
    at.field("providers").each(list, |provider, at| {
        at.field("name").require(!provider.name.is_empty(), "must not be empty");
    });
}

fn tracing(tracing: &Tracing, at: &At<'_>) {
    providers(&tracing.providers, at);
    if tracing.providers.len() > 1 {
        at.field("providers").ineffective("has several names; only the first counts");
    }
    at.field("randomSamplingPercentage").percentage(tracing.random_sampling_percentage);
    let Some(tags) = &tracing.custom_tags else { return };
    at.field("customTags").entries(tags, |name, tag, at| {
        at.require(!name.is_empty(), "must have a name");
        custom_tag(tag, at);
    });
}

/// A tag that Envoy would refuse, and the listener with it, is left out (`plan::telemetry`).
fn custom_tag(tag: &CustomTag, at: &At<'_>) {
    match tag {
        CustomTag::Unset => {
            at.ineffective("must have one of literal, environment, header and formatter; this tag is left out");
        }
        CustomTag::Literal(literal) => {
            at.field("literal").field("value").require(!literal.value.is_empty(), "must not be empty");
        }
        CustomTag::Environment(variable) => {
            at.field("environment").field("name").require(!variable.name.is_empty(), "must not be empty");
        }
        CustomTag::Header(header) => {
            let at = at.field("header");
            let at = at.field("name");
            at.require(!header.name.is_empty(), "must not be empty");
            if !is_tag_header(&header.name) {
                at.ineffective(format_args!(
                    "must be the name of a header, found {:?}; this tag is left out",
                    header.name
                ));
            }
        }
        CustomTag::Formatter(formatter) => {
            let at = at.field("formatter");
            if formatter.value.is_empty() {
                at.field("value").ineffective("must not be empty; this tag is left out");
            } else if let Err(problem) = header_format(&formatter.value) {
                let text = format_args!("must be a text of Envoy's log format: {problem}; this tag is left out");
                at.field("value").ineffective(text);
            }
        }
    }
}

/// Whether a tag can be taken from a header of this name.
pub fn is_tag_header(name: &str) -> bool {
    is_token(name.strip_prefix(':').unwrap_or(name))
}

fn metrics(metrics: &Metrics, at: &At<'_>) {
    providers(&metrics.providers, at);
    at.field("reportingInterval").duration(metrics.reporting_interval);
    at.field("overrides").each(&metrics.overrides, |change, at| {
        at.field("tagOverrides").entries(&change.tag_overrides, tag_override);
        if let Some(MetricName::CustomMetric(name)) = change.r#match.as_ref().and_then(|m| m.metric.as_ref()) {
            at.field("match").field("customMetric").require(!name.is_empty(), "must not be empty");
        }
    });
}

fn tag_override(name: &str, tag: &TagOverride, at: &At<'_>) {
    if name.is_empty() {
        at.ineffective("should have a name");
    }
    let at = at.field("value");
    match tag.operation {
        TagOperation::Remove => at.require(tag.value.is_empty(), "may be set only where operation is UPSERT"),
        TagOperation::Upsert if tag.value.is_empty() => at.invalid("must be set where operation is UPSERT"),
        TagOperation::Upsert => {
            if let Err(problem) = cel::check(&tag.value) {
                at.ineffective(format_args!(
                    "must be a CEL expression, found {:?}: {problem}; text is written in quotes, as \"'text'\"",
                    tag.value
                ));
            } else if tag.value.contains('%') {
                // It stands in Envoy's %CEL(…)% there, which has no way to write one.
                at.ineffective("holds a per cent sign: Istio's proxies have this label, stock Envoys do not");
            }
        }
    }
}

fn access_logging(logging: &AccessLogging, at: &At<'_>) {
    providers(&logging.providers, at);
    let Some(filter) = &logging.filter else { return };
    let at = at.field("filter");
    if let Err(problem) = cel::check(&filter.expression) {
        at.field("expression")
            .invalid(format_args!("must be a CEL expression, found {:?}: {problem}", filter.expression));
    }
    if logging.providers.is_empty() {
        at.ineffective("has no effect without providers beside it");
    }
}
