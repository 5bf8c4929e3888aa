//! What a scrape reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{CacheCounts, ClassCount, Metrics, State};

const CDS: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

fn metrics() -> Metrics {
    Metrics::new("1.32.0", "1.32.0-abc-Clean")
}

/// Whether the text has this line.
fn has(metrics: &Metrics, line: &str) -> bool {
    metrics.text().lines().any(|l| l == line)
}

#[test]
fn counters_have_istiods_names_to_the_letter() {
    let m = metrics();
    m.delivery.sent("cds", CDS, 20_000, Duration::from_millis(20));
    m.delivery.nonce_expired("eds");
    m.delivery.failed();
    m.set_state(&State {
        config_events: [(("VirtualService", "add"), 2)].into(),
        registry_events: [(("Services", "update"), 1)].into(),
        updates: [("config", 2)].into(),
        triggers: [("service", 1)].into(),
        ..State::default()
    });
    for line in [
        "pilot_xds_pushes{type=\"cds\"} 1",
        "pilot_xds_expired_nonce{type=\"eds\"} 1",
        "pilot_total_xds_internal_errors 1",
        "pilot_k8s_cfg_events{event=\"add\",type=\"VirtualService\"} 2",
        "pilot_k8s_reg_events{event=\"update\",type=\"Services\"} 1",
        "pilot_inbound_updates{type=\"config\"} 2",
        "pilot_push_triggers{type=\"service\"} 1",
        "pilot_info{version=\"1.32.0-abc-Clean\"} 1",
        "istio_build{component=\"pilot\",tag=\"1.32.0\"} 1",
    ] {
        assert!(has(&m, line), "{line} is not in\n{}", m.text());
    }
    let text = m.text();
    let ours = text.lines().filter(|l| !l.starts_with("# ") && !l.starts_with("process_"));
    assert_eq!(ours.filter(|l| l.split(['{', ' ']).next().unwrap().ends_with("_total")).count(), 0);
}

#[test]
fn histograms_have_istiods_buckets() {
    let m = metrics();
    m.delivery.sent("cds", CDS, 20_000, Duration::from_millis(20));
    m.delivery.converged(Duration::from_millis(300));
    m.intake.settled(Duration::from_millis(100), Duration::from_millis(2));
    for line in [
        format!("pilot_xds_config_size_bytes_bucket{{type=\"{CDS}\",le=\"10000\"}} 0"),
        format!("pilot_xds_config_size_bytes_bucket{{type=\"{CDS}\",le=\"1000000\"}} 1"),
        "pilot_xds_push_time_bucket{type=\"cds\",le=\"0.1\"} 1".into(),
        "pilot_xds_send_time_bucket{le=\"0.01\"} 0".into(),
        "pilot_proxy_convergence_time_bucket{le=\"0.5\"} 1".into(),
        "pilot_proxy_convergence_time_bucket{le=\"30\"} 1".into(),
        "pilot_debounce_time_bucket{le=\"0.1\"} 1".into(),
        "pilot_pushcontext_init_seconds_bucket{le=\"5\"} 1".into(),
    ] {
        assert!(has(&m, &line), "{line} is not in\n{}", m.text());
    }
}

/// Families of istiod's page: type and labels by name.
fn istiods() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/debug/metrics.txt");
    let text = fs::read_to_string(file).unwrap();
    let family = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let labels = words.next().unwrap_or_default();
        (name, (kind, labels.split(',').filter(|l| !l.is_empty()).map(str::to_owned).collect()))
    };
    text.lines().map(family).collect()
}

#[test]
fn families_have_the_types_and_labels_of_istiods() {
    let m = metrics();
    m.delivery.connected("1.32.0", 1);
    m.delivery.sent("cds", CDS, 20_000, Duration::from_millis(20));
    m.intake.settled(Duration::from_millis(100), Duration::from_millis(2));
    m.set_state(&State {
        config_events: [(("VirtualService", "add"), 2)].into(),
        registry_events: [(("Services", "update"), 1)].into(),
        updates: [("config", 2)].into(),
        ..State::default()
    });
    let (text, istiods) = (m.text(), istiods());
    let mut compared = 0;
    for (name, kind) in text.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split_once(' ')) {
        let Some((istiods_kind, istiods_labels)) = istiods.get(name) else { continue };
        let is_sample = |l: &&str| l.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ', '_']));
        let sample = text.lines().find(is_sample).unwrap();
        let labels = sample.split_once('{').map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
        let labels = labels.split(',').filter_map(|l| Some(l.split_once('=')?.0.to_owned())).filter(|l| l != "le");
        assert_eq!((kind, &labels.collect()), (istiods_kind.as_str(), istiods_labels), "{name}");
        compared += 1;
    }
    assert!(compared >= 31, "only {compared} of istiod's {} families are here", istiods.len());
}

#[test]
fn istios_dashboard_of_the_control_plane_finds_all_that_mizzen_has_part_in() {
    let m = metrics();
    m.delivery.connected("1.32.0", 1);
    m.delivery.sent("cds", CDS, 20_000, Duration::from_millis(20));
    m.delivery.rejected("cds", "web-1.shop", "Internal");
    m.delivery.failed();
    m.set_state(&State {
        config_events: [(("VirtualService", "add"), 2)].into(),
        registry_events: [(("Services", "update"), 1)].into(),
        triggers: [("service", 1)].into(),
        ..State::default()
    });
    let text = m.text();
    // Every query of `pilot-dashboard.gen.json` with the labels by which it sums. The others are of what is not here: Go's
    // memory (`go_*`; ours are `process_*` and `mizzen_runtime_*`), webhooks (`galley_validation_*`, `sidecar_injection_*`),
    // and of what others count (`container_*`, `envoy_cluster_upstream_cx_active`).
    for (name, labels) in [
        ("istio_build", &["component", "tag"][..]),
        ("pilot_xds", &[]),
        ("pilot_total_xds_internal_errors", &[]),
        ("pilot_total_xds_rejects", &["type"]),
        ("pilot_xds_pushes", &["type"]),
        ("pilot_push_triggers", &["type"]),
        ("pilot_k8s_cfg_events", &["type", "event"]),
        ("pilot_k8s_reg_events", &["type", "event"]),
        ("pilot_xds_config_size_bytes_bucket", &["le"]),
        ("pilot_xds_push_time_bucket", &["le"]),
    ] {
        let sample = text.lines().find(|l| l.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        let sample = sample.unwrap_or_else(|| panic!("{name} is not in\n{text}"));
        let has = |label: &&str| sample.contains(&format!("{label}=\""));
        assert!(labels.iter().all(has), "{sample}");
    }
}

#[test]
fn what_has_no_value_is_not_printed() {
    let text = metrics().text();
    let names: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let of_ours: Vec<_> = names.into_iter().filter(|n| !n.starts_with("process_")).collect();
    assert_eq!(of_ours, ["istio_build", "istiod_managed_clusters", "istiod_uptime_seconds", "pilot_info"]);
}

#[test]
fn a_proxy_takes_its_series_along() {
    let m = metrics();
    let first = m.delivery.present("a.shop");
    let again = m.delivery.present("a.shop");
    for (kind, node, code) in [
        ("lds", "a.shop", "Internal"),
        ("lds", "a.shop", "Internal"),
        ("lds", "a.shop", "Unknown"),
        ("nds", "a.shop", "Internal"),
        ("cds", "stranger", "Internal"),
    ] {
        m.delivery.rejected(kind, node, code);
    }
    drop(first);
    assert!(has(&m, "pilot_xds_lds_reject{err=\"Internal\",node=\"a.shop\"} 2"));
    assert!(has(&m, "pilot_xds_lds_reject{err=\"Unknown\",node=\"a.shop\"} 1"));
    drop(again);
    assert!(!m.text().contains("a.shop") && !m.text().contains("stranger"));
    assert!(has(&m, "pilot_total_xds_rejects{type=\"lds\"} 3"), "counters go on");
    assert!(has(&m, "pilot_total_xds_rejects{type=\"nds\"} 1"));
}

#[test]
fn a_version_stays_at_zero_until_another_one_comes() {
    let m = metrics();
    m.delivery.connected("1.31.0", 1);
    m.delivery.connected("1.31.0", -1);
    assert!(has(&m, "pilot_xds{version=\"1.31.0\"} 0"));
    m.delivery.connected("1.32.0", 1);
    assert!(has(&m, "pilot_xds{version=\"1.32.0\"} 1"));
    assert!(!m.text().contains("1.31.0"));
}

#[test]
fn what_could_not_be_sent_is_counted_beside_what_was() {
    let m = metrics();
    m.delivery.not_sent("cds");
    m.delivery.not_sent("nds");
    assert!(has(&m, "pilot_xds_pushes{type=\"cds_senderr\"} 1"));
    assert!(!m.text().contains("nds_senderr"), "istiod has it for four types");
}

#[test]
fn the_longest_request_is_remembered() {
    let m = metrics();
    [10, 300, 20].into_iter().for_each(|bytes| m.delivery.received(bytes));
    assert!(has(&m, "pilot_xds_recv_max 300"));
}

#[test]
fn objects_behind_refusals_are_counted_by_name_those_that_were_refused_last() {
    let m = metrics();
    let refuse = |name: &str| m.delivery.refused_object("lds", ["EnvoyFilter", "shop", name]);
    let series =
        |name: &str| format!("mizzen_nacks{{kind=\"EnvoyFilter\",name=\"{name}\",namespace=\"shop\",type=\"lds\"}}");
    for i in 0..1000 {
        refuse(&format!("f{i}"));
        refuse("again and again");
    }
    assert!(has(&m, &format!("{} 1000", series("again and again"))));
    assert!(has(&m, &format!("{} 1", series("f999"))));
    assert!(!m.text().contains(&series("f0")), "it was mended long ago");
    assert_eq!(m.text().lines().filter(|l| l.starts_with("mizzen_nacks{")).count(), 200);
}

#[test]
fn how_long_changes_take_is_told_by_kind() {
    let m = metrics();
    m.delivery.arrived("Service", Duration::from_millis(200));
    assert!(has(&m, "mizzen_change_to_ack_seconds_bucket{kind=\"Service\",le=\"0.1\"} 0"));
    assert!(has(&m, "mizzen_change_to_ack_seconds_bucket{kind=\"Service\",le=\"0.25\"} 1"));
}

#[test]
fn who_answers_for_no_service_is_counted_by_reason() {
    let m = metrics();
    m.delivery.without_targets("no_matching_services");
    assert!(has(&m, "pilot_k8s_proxies_with_no_service_targets{reason=\"no_matching_services\"} 1"));
}

#[test]
fn a_rejected_gateway_stays_counted() {
    let m = metrics();
    m.set_state(&State { rejected_gateways: [("shop/a".into(), 2)].into(), ..State::default() });
    m.set_state(&State::default());
    assert!(has(&m, "pilot_total_rejected_configs{name=\"shop/a\",type=\"gateway\"} 2"));
    assert!(!m.text().contains("pilot_k8s_endpoints_with_no_pods"), "nothing was met");
}

#[test]
fn state_replaces_state() {
    let m = metrics();
    m.set_state(&State {
        services: 3,
        duplicate_domains: 1,
        duplicate_subsets: 2,
        classes: vec![ClassCount { sort: "clusters", classes: 2, resources: 40 }],
        cache: CacheCounts { hits: 5, ..CacheCounts::default() },
        findings: [(("syntax", "error"), 1)].into(),
        ..State::default()
    });
    assert!(has(&m, "mizzen_classes{sort=\"clusters\"} 2"));
    assert!(has(&m, "pilot_vservice_dup_domain 1") && has(&m, "pilot_destrule_subsets 2"));
    assert!(has(&m, "mizzen_findings{code=\"syntax\",severity=\"error\"} 1"));
    assert!(m.text().contains("# TYPE mizzen_cache_hits counter\nmizzen_cache_hits 5\n"));
    m.set_state(&State { services: 2, cache: CacheCounts { hits: 7, ..CacheCounts::default() }, ..State::default() });
    assert!(has(&m, "pilot_services 2"));
    assert!(has(&m, "mizzen_cache_hits 7"));
    assert!(!m.text().contains("mizzen_findings{"));
}

#[test]
fn the_process_is_measured() {
    let text = metrics().text();
    for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"] {
        let value = text.lines().find_map(|l| l.strip_prefix(name)?.trim().parse::<f64>().ok());
        assert!(value.is_some_and(|v| v >= 0.0), "{name} in\n{text}");
    }
    let start = text.lines().find_map(|l| l.strip_prefix("process_start_time_seconds ")?.parse::<f64>().ok());
    assert!(start.unwrap() > 1.6e9);
}

#[tokio::test]
async fn the_runtime_is_measured_from_within() {
    let m = metrics();
    assert!(has(&m, "mizzen_runtime_workers 1"));
    assert!(m.text().contains("\nmizzen_runtime_tasks "));
}
