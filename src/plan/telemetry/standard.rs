//! Istio's metrics for others than Istio's proxies.

use envoy_types::pb::envoy::extensions::access_loggers::stats::v3::Config;
use envoy_types::pb::envoy::extensions::filters::http::grpc_stats::v3::FilterConfig as GrpcStats;
use envoy_types::pb::envoy::extensions::filters::http::header_mutation::v3::HeaderMutation;
use envoy_types::pb::envoy::extensions::filters::http::header_to_metadata::v3::Config as HeaderToMetadata;
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use prost::Name;

use crate::api::cel;
use crate::base::Str;
use crate::generate::filter::{Fact, HttpFilter, Introduction, MetricChange, Own, Standard, WASM_RUNTIME};

use super::Telemetries;
use super::metrics::changes;
use crate::model::facts::Handle;
use crate::model::{FactKey, Scope, View};
use crate::plan::caller::place;
use crate::plan::class::{Output, Planner};
use crate::proxy::Proxy;

impl Telemetries<'_> {
    /// What counts at a proxy that is not Istio's and has a logger for statistics. `shared` says whether it is read from
    /// the Node which workload the proxy is beside, so that others can share the configuration.
    pub(in crate::plan) fn standard(&self, inbound: bool, shared: bool) -> Option<Standard> {
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
        let identity = self.proxy.capabilities.has_identity();
        Some(Standard { inbound, own: self.own(shared), identity, messages, changes })
    }

    /// The filters that metrics need, where anything is counted: callers and those that are called know each other, and
    /// messages of gRPC have numbers.
    pub(in crate::plan) fn standard_filters(&self, inbound: bool) -> Vec<HttpFilter> {
        let Some(standard) = self.standard(inbound, false) else { return Vec::new() };
        let mut filters = match inbound {
            // Without an identity no caller can show a certificate.
            true if self.proxy.capabilities.has_identity() => vec![HttpFilter::Doubt, HttpFilter::Recognise],
            true => vec![HttpFilter::Recognise],
            false => vec![HttpFilter::Introduce],
        };
        filters.extend(standard.counts_messages().then_some(HttpFilter::Messages));
        filters
    }

    /// How the proxy tells servers which workload it is beside, if its listeners do so.
    fn introduction(&self) -> Option<Introduction> {
        self.standard(false, true)?;
        let to = format!(".svc.{}", self.view.mesh().domain).into();
        Some(Introduction { own: self.facts().map(|(text, _)| text).join(";").into(), to })
    }

    fn own(&self, shared: bool) -> Own {
        Own(self.facts().map(|(text, of_node)| of_node.filter(|_| shared).unwrap_or(Fact::Is(text))))
    }

    /// What is known of the workload, and where the Node says the same.
    fn facts(&self) -> [(Str, Option<Fact>); 7] {
        let is = |text: &str| (plain(text), None);
        let stated = |key: &'static str, default: &str| match self.proxy.metadata.text(key) {
            "" => is(default),
            text => (plain(text), Some(Fact::OfNode(key))),
        };
        let label = |keys: &[&'static str]| {
            let (key, text) = keys.iter().find_map(|key| Some((*key, self.labels.get(*key)?)))?;
            let of_node = (self.proxy.labels.get(key) == Some(text)).then_some(Fact::OfLabel(key));
            Some((plain(text), of_node)).filter(|(text, _)| !text.is_empty())
        };
        let pod = self.proxy.name.split('.').next().filter(|name| !name.is_empty());
        let workload = stated("WORKLOAD_NAME", pod.unwrap_or("unknown"));
        let canonical = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"];
        let revision = ["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"];
        let namespace = if self.proxy.namespace.is_empty() { "unknown" } else { self.proxy.namespace.as_str() };
        [
            workload.clone(),
            stated("NAMESPACE", namespace),
            label(&canonical).unwrap_or(workload),
            label(&revision).unwrap_or_else(|| is("latest")),
            label(&["app"]).unwrap_or_else(|| is("unknown")),
            label(&["version"]).unwrap_or_else(|| is("unknown")),
            stated("CLUSTER_ID", "unknown"),
        ]
    }
}

/// Plans how proxies tell servers which workload they are beside.
pub(in crate::plan) struct Introductions;

/// What a proxy tells, if anything.
pub(in crate::plan) fn introduction(view: &View<'_>, proxy: &Proxy) -> Option<Handle<Introduction>> {
    if proxy.capabilities.is_istio() {
        return None;
    }
    Telemetries::of(view, proxy, &place(view, proxy).0).introduction().map(Handle::new)
}

impl Planner for Introductions {
    type Facets = Option<Handle<Introduction>>;
    type Unit = ();

    fn scope(_: &Self::Facets) -> &Scope {
        &Scope::Public
    }

    fn units(_: &View<'_>, _: &Self::Facets) -> Vec<()> {
        vec![()]
    }

    fn unit_of(_: &FactKey) -> Option<()> {
        None
    }

    fn plan(_: &View<'_>, own: &Self::Facets, (): &(), out: &mut Output<'_>) {
        own.iter().for_each(|own| out.resource(&**own));
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
