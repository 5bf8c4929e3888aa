//! Istio's metrics for others than Istio's proxies.

use envoy_types::pb::envoy::extensions::access_loggers::stats::v3::Config;
use envoy_types::pb::envoy::extensions::filters::http::grpc_stats::v3::FilterConfig as GrpcStats;
use envoy_types::pb::envoy::extensions::filters::http::header_mutation::v3::HeaderMutation;
use envoy_types::pb::envoy::extensions::filters::http::header_to_metadata::v3::Config as HeaderToMetadata;
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use prost::Name;

use crate::api::cel;
use crate::base::Str;
use crate::generate::filter::{HttpFilter, MetricChange, Own, Standard, WASM_RUNTIME};

use super::Telemetries;
use super::metrics::changes;

impl Telemetries<'_> {
    /// What counts at a proxy that is not Istio's and has a logger for statistics. `named` says whether the workload is
    /// written into it, which keeps the configuration small, and from being shared between workloads.
    pub(in crate::plan) fn standard(&self, inbound: bool, named: bool) -> Option<Standard> {
        let needed = [Config::full_name(), HeaderMutation::full_name(), HeaderToMetadata::full_name()];
        if self.proxy.capabilities.is_istio() || !needed.iter().all(|extension| self.has(extension)) {
            return None;
        }
        // Two that count would count twice.
        let counting = self.counting(inbound).into_iter().find(|counting| !counting.disabled)?;
        let mut changes = changes(&counting);
        changes.iter_mut().for_each(|change| change.added.retain(|(_, expression)| fits(expression)));
        changes.retain(|change| *change != MetricChange { name: change.name.clone(), ..MetricChange::default() });
        let counters = [Wasm::full_name(), GrpcStats::full_name(), WASM_RUNTIME.to_owned()];
        let messages = counters.iter().all(|extension| self.has(extension));
        Some(Standard { inbound, own: named.then(|| self.own()), messages, changes })
    }

    /// The filters that metrics need, where anything is counted: callers and those that are called know each other, and
    /// messages of gRPC have numbers.
    pub(in crate::plan) fn standard_filters(&self, inbound: bool) -> Vec<HttpFilter> {
        let Some(standard) = self.standard(inbound, false) else { return Vec::new() };
        let mut filters = match inbound {
            // Without an identity no caller can show a certificate.
            true if self.proxy.capabilities.has_identity() => vec![HttpFilter::Doubt, HttpFilter::Recognise],
            true => vec![HttpFilter::Recognise],
            false => {
                let to = format!(".svc.{}", self.view.mesh().domain).into();
                vec![HttpFilter::Introduce { own: self.own(), to }]
            }
        };
        filters.extend(standard.counts_messages().then_some(HttpFilter::Messages));
        filters
    }

    fn own(&self) -> Own {
        let label = |keys: &[&str]| keys.iter().find_map(|key| self.labels.get(*key)).map(Str::as_str);
        let metadata = |key| Some(self.proxy.metadata.text(key)).filter(|text| !text.is_empty());
        let known = |value: Option<&str>, default: &str| plain(value.unwrap_or(default));
        let pod = self.proxy.name.split('.').next();
        let workload = metadata("WORKLOAD_NAME").or(pod);
        let canonical = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"];
        let revision = ["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"];
        Own {
            workload: known(workload, "unknown"),
            namespace: known(Some(self.proxy.namespace.as_str()), "unknown"),
            canonical: known(label(&canonical).or(workload), "unknown"),
            revision: known(label(&revision), "latest"),
            app: known(label(&["app"]), "unknown"),
            version: known(label(&["version"]), "unknown"),
            cluster: known(metadata("CLUSTER_ID"), "unknown"),
        }
    }
}

/// Whether an expression can stand among Envoy's operators: it is one, and nothing in it ends the operator.
fn fits(expression: &str) -> bool {
    cel::check(expression).is_ok() && !expression.contains('%')
}

/// Without what would end a literal of CEL or a part of a header.
fn plain(text: &str) -> Str {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "-_./:@".contains(*c)).collect::<String>().into()
}
