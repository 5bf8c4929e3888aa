//! Tags of spans.

use crate::api::mesh::{CustomTag as ProxyTag, Tracing};
use crate::api::telemetry::CustomTag;
use crate::api::{is_header_format, is_tag_header};
use crate::base::{Double, Str};
use crate::generate::filter::{Tag, TagValue};
use crate::plan::telemetry::{Telemetries, allowed};

/// How many calls in a hundred are traced where no Telemetry says; the default where nobody says, and 1 for too much.
pub(super) fn sampling(said: Option<&Tracing>, default: Double) -> Double {
    match said.map_or(0.0, |t| t.sampling.get()) {
        0.0 => default,
        percent if percent > 100.0 => Double::new(1.0),
        percent => Double::new(percent),
    }
}

/// Tags of the proxy's settings, but for those that Envoy would refuse.
pub(super) fn of_proxy(said: &Tracing) -> impl Iterator<Item = Tag> {
    let all = said.custom_tags.iter().filter_map(|(name, tag)| {
        let value = match tag {
            ProxyTag::Unset => return None,
            ProxyTag::Literal(literal) => TagValue::Literal(literal.value.clone()),
            ProxyTag::Environment(e) => TagValue::Environment(e.name.clone(), e.default_value.clone()),
            ProxyTag::Header(h) => TagValue::Header(h.name.clone(), h.default_value.clone()),
        };
        Some(Tag { name: name.clone(), value })
    });
    all.filter(is_taken)
}

/// Whether Envoy takes a tag; it would refuse the whole listener for one that it does not.
fn is_taken(tag: &Tag) -> bool {
    let readable = match &tag.value {
        TagValue::Header(name, _) => is_tag_header(name),
        TagValue::Format(format) => !format.is_empty() && is_header_format(format),
        TagValue::Literal(_) | TagValue::Environment(..) | TagValue::Policy(_) => true,
    };
    readable && allowed(&tag.build())
}

/// What authorization policies on trial would have decided.
const POLICY_TAGS: [(&str, &str); 4] = [
    ("istio.authorization.dry_run.allow_policy.name", "istio_dry_run_allow_shadow_effective_policy_id"),
    ("istio.authorization.dry_run.allow_policy.result", "istio_dry_run_allow_shadow_engine_result"),
    ("istio.authorization.dry_run.deny_policy.name", "istio_dry_run_deny_shadow_effective_policy_id"),
    ("istio.authorization.dry_run.deny_policy.result", "istio_dry_run_deny_shadow_engine_result"),
];

impl Telemetries<'_> {
    /// A tag of a Telemetry; none if Envoy would refuse it.
    pub(in crate::plan::telemetry) fn custom_tag(&self, name: &Str, tag: &CustomTag) -> Option<Tag> {
        let value = match tag {
            CustomTag::Unset => return None,
            CustomTag::Literal(literal) => TagValue::Literal(literal.value.clone()),
            CustomTag::Environment(e) => TagValue::Environment(e.name.clone(), e.default_value.clone()),
            CustomTag::Header(h) => TagValue::Header(h.name.clone(), h.default_value.clone()),
            CustomTag::Formatter(_) if self.proxy.version() < (1, 29) => return None,
            CustomTag::Formatter(formatter) => TagValue::Format(formatter.value.clone()),
        };
        Some(Tag { name: name.clone(), value }).filter(is_taken)
    }

    /// Istio's own tags: which workload the proxy is beside, and policies on trial.
    pub(super) fn istio_tags(&self) -> Vec<Tag> {
        let or = |value: &str, default: &str| Str::from(if value.is_empty() { default } else { value });
        let label = |name: &str| self.labels.get(name).map(Str::as_str).unwrap_or_default();
        let metadata = |key: &str| self.proxy.metadata.text(key);
        let workload = [
            ("istio.canonical_revision", or(label("service.istio.io/canonical-revision"), "latest")),
            ("istio.canonical_service", or(label("service.istio.io/canonical-name"), "unknown")),
            ("istio.mesh_id", or(metadata("MESH_ID"), "unknown")),
            ("istio.namespace", or(metadata("NAMESPACE"), "default")),
            ("istio.cluster_id", or(metadata("CLUSTER_ID"), "unknown")),
        ];
        let workload = workload.map(|(name, value)| Tag { name: name.into(), value: TagValue::Literal(value) });
        let policies = POLICY_TAGS.map(|(name, key)| Tag { name: name.into(), value: TagValue::Policy(key) });
        workload.into_iter().chain(policies).collect()
    }
}
