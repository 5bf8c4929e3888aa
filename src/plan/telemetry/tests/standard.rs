//! Istio's metrics for others than Istio's proxies.

use envoy_types::pb::envoy::extensions::access_loggers::stats::v3::Config;
use envoy_types::pb::envoy::extensions::filters::http::grpc_stats::v3::FilterConfig as GrpcStats;
use envoy_types::pb::envoy::extensions::filters::http::header_mutation::v3::HeaderMutation;
use envoy_types::pb::envoy::extensions::filters::http::header_to_metadata::v3::Config as HeaderToMetadata;
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use prost::Name;

use super::*;
use crate::generate::filter::{Fact, HttpFilter, Standard, WASM_RUNTIME};

fn counting(proxy: &Proxy, telemetries: &[String], inbound: bool) -> Option<Standard> {
    let mesh = world(json!({"defaultProviders": {"metrics": ["prometheus"]}}), telemetries);
    ask(&mesh, proxy, |t| t.standard(inbound, false))
}

fn counter() -> Proxy {
    stock(&[Config::full_name(), HeaderMutation::full_name(), HeaderToMetadata::full_name()])
}

#[test]
fn who_has_a_logger_for_statistics_and_not_istios_filter_counts_by_it() {
    assert!(counting(&counter(), &[], true).is_some());
    assert!(counting(&stock(&[Config::full_name()]), &[], true).is_none());
    assert!(counting(&shop(), &[], true).is_none());
    let unasked = ask(&world(json!({}), &[]), &counter(), |t| t.standard(true, false));
    assert!(unasked.is_none());
}

#[test]
fn a_side_that_counts_nothing_says_nothing_of_itself_either() {
    let off = telemetry("shop", "own", "metrics: [{overrides: [{match: {mode: CLIENT}, disabled: true}]}]");
    let mesh = world(json!({"defaultProviders": {"metrics": ["prometheus"]}}), &[off]);
    let filters = |inbound| ask(&mesh, &counter(), |t| t.standard_filters(inbound));
    assert_eq!(filters(false), []);
    assert_eq!(filters(true), [HttpFilter::Recognise]);
}

#[test]
fn messages_of_grpc_are_counted_by_who_has_all_that_it_takes_unless_a_telemetry_drops_them() {
    let mesh = |specs: &[&str]| {
        let telemetries: Vec<String> = specs.iter().map(|spec| telemetry("shop", "own", spec)).collect();
        world(json!({"defaultProviders": {"metrics": ["prometheus"]}}), &telemetries)
    };
    let parts = [Config::full_name(), HeaderMutation::full_name(), HeaderToMetadata::full_name()];
    let more = [Wasm::full_name(), GrpcStats::full_name(), WASM_RUNTIME.to_owned()];
    let all: Vec<String> = parts.iter().chain(&more).cloned().collect();
    let counts = |proxy: &Proxy, specs: &[&str]| {
        let filters = ask(&mesh(specs), proxy, |t| t.standard_filters(false));
        filters.contains(&HttpFilter::Messages)
    };
    assert!(counts(&stock(&all), &[]));
    for lacking in &more {
        let some: Vec<String> = all.iter().filter(|part| *part != lacking).cloned().collect();
        assert!(!counts(&stock(&some), &[]), "without {lacking}");
    }
    let drop = |metric: &str| format!("{{match: {{metric: {metric}}}, disabled: true}}");
    let [one, other] = ["GRPC_REQUEST_MESSAGES", "GRPC_RESPONSE_MESSAGES"].map(drop);
    assert!(counts(&stock(&all), &[&format!("metrics: [{{overrides: [{one}]}}]")]));
    assert!(!counts(&stock(&all), &[&format!("metrics: [{{overrides: [{one}, {other}]}}]")]));
}

#[test]
fn the_workload_is_named_by_its_labels_and_by_the_node() {
    let is = |text: &str| Fact::Is(text.into());
    let own = counting(&counter(), &[], false).unwrap().own;
    assert_eq!(own.0, ["c", "shop", "cart", "latest", "cart", "unknown", "unknown"].map(is));
}

#[test]
fn what_workloads_can_share_reads_from_the_node_what_it_states() {
    let mesh = world(json!({"defaultProviders": {"metrics": ["prometheus"]}}), &[]);
    let is = |text: &str| Fact::Is(text.into());
    let of = |proxy: &Proxy| ask(&mesh, proxy, |t| t.standard(false, true)).unwrap().own.0;
    let (space, unknown) = (|| Fact::OfNode("NAMESPACE"), || is("unknown"));
    // What is known of it from elsewhere is written.
    assert_eq!(of(&counter()), [is("c"), space(), is("cart"), is("latest"), is("cart"), unknown(), unknown()]);
    let app = || Fact::OfLabel("app");
    let telling = Proxy { labels: Labels::from([("app".into(), "cart".into())]), ..counter() };
    assert_eq!(of(&telling), [is("c"), space(), app(), is("latest"), app(), unknown(), unknown()]);
}

#[test]
fn a_label_whose_expression_cannot_stand_among_operators_is_left_out() {
    let spec = "metrics: [{overrides: [{match: {metric: REQUEST_COUNT}, tagOverrides: {a: {value: 'request.host'}, b: {value: '5 % 2'}}}]}]";
    let mut mesh = world(json!({"defaultProviders": {"metrics": ["prometheus"]}}), &[]);
    mesh.apply_odd(&telemetry("shop", "own", spec));
    let changes = ask(&mesh, &counter(), |t| t.standard(true, false)).unwrap().changes;
    assert_eq!(changes[0].added, [("a".into(), "request.host".into())]);
}
