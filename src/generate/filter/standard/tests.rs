//! What Istio's metrics look like for an Envoy that is not Istio's build.

use prost::Message;

use super::*;

fn standard(inbound: bool, changes: Vec<MetricChange>) -> Standard {
    let own = Own(["web-v1", "shop", "web", "v1", "web", "v1", "Kubernetes"].map(|text| Fact::Is(text.into())));
    Standard { inbound, own, identity: true, messages: true, changes }
}

fn config(log: &AccessLog) -> Config {
    let Some(ConfigType::TypedConfig(config)) = &log.config_type else { panic!("no configuration") };
    Config::decode(&config.value[..]).unwrap()
}

/// The names of the metrics, each with its labels.
fn metrics(log: &AccessLog) -> Vec<(String, Vec<String>)> {
    let config = config(log);
    let counters = config.counters.into_iter().filter_map(|c| c.stat);
    let stats = counters.chain(config.histograms.into_iter().filter_map(|h| h.stat));
    stats.map(|stat| (stat.name, stat.tags.into_iter().map(|tag| tag.name).collect())).collect()
}

fn names(log: &AccessLog) -> Vec<String> {
    metrics(log).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn calls_and_connections_have_istios_metrics_and_no_label_twice() {
    for inbound in [false, true] {
        let calls = standard(inbound, Vec::new()).of_calls();
        let all = ["requests_total", "request_duration_milliseconds", "request_bytes", "response_bytes"];
        assert_eq!(names(&calls[0]), all.map(|name| format!("istio_{name}")));
        let all = ["istio_request_messages_total", "istio_response_messages_total"];
        assert_eq!(names(&calls[1]), all);
        let bytes = standard(inbound, Vec::new()).of_bytes(None);
        assert_eq!(names(&bytes[0]), ["istio_tcp_connections_opened_total"]);
        assert_eq!(names(&bytes[1]).len(), 3);
        for (name, labels) in calls.iter().chain(&bytes).flat_map(metrics) {
            let mut once = labels.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), labels.len(), "{name}: {labels:?}");
            let wanted = [("tcp", 23), ("messages", 22), ("", 25)].iter().find(|(part, _)| name.contains(part));
            assert_eq!(Some(labels.len()), wanted.map(|(_, count)| *count), "{name}");
        }
    }
}

#[test]
fn changes_drop_metrics_and_labels_and_put_others_in() {
    let change = |name: &str, dropped| MetricChange { name: name.into(), dropped, ..MetricChange::default() };
    let labels = MetricChange {
        added: vec![("reporter".into(), "'me'".into()), ("x".into(), "request.host".into())],
        removed: vec!["source_app".into()],
        ..change("requests_total", false)
    };
    let log = standard(true, vec![labels, change("request_bytes", true)]).of_calls().remove(0);
    assert_eq!(names(&log).len(), 3);
    let stat = config(&log).counters.remove(0).stat.unwrap();
    let label = |name: &str| stat.tags.iter().find(|tag| tag.name == name).map(|tag| tag.value_format.as_str());
    assert_eq!(
        (label("reporter"), label("x"), label("source_app")),
        (Some("%CEL('me')%"), Some("%CEL(request.host)%"), None)
    );
    let nothing: Vec<MetricChange> = CALLS.iter().chain(&MESSAGES).map(|(name, _)| change(name, true)).collect();
    let standard = standard(true, nothing);
    assert!(standard.of_calls().is_empty() && !standard.counts_messages());
}

#[test]
fn what_a_chain_is_known_to_lead_to_is_written_and_everything_else_is_never_empty_where_graphs_are_drawn_from_it() {
    let called = Called { host: "db.example.com".into(), name: "db".into(), namespace: "shop".into() };
    let closed = config(&standard(false, Vec::new()).of_bytes(Some(&called)).remove(1));
    let labels = |index: usize| closed.counters[index].stat.as_ref().unwrap().tags.clone();
    let value = |tags: &[Tag], name: &str| tags.iter().find(|tag| tag.name == name).unwrap().value_format.clone();
    for tags in [labels(0), labels(1)] {
        let all = ["destination_service", "destination_service_name", "destination_service_namespace"];
        assert_eq!(all.map(|name| value(&tags, name)), ["db.example.com", "db", "shop"]);
    }
    let workload = |index| value(&labels(index), "destination_workload");
    assert!(!workload(0).contains("unknown") && workload(1).contains(":'unknown'"), "{}", workload(1));
}

#[test]
fn the_configuration_stays_small() {
    let size = |logs: Vec<AccessLog>| logs.iter().map(Message::encoded_len).sum::<usize>();
    let node = |key| Fact::OfNode(key);
    let label = |key| Fact::OfLabel(key);
    let shared = || {
        let revision = label("service.istio.io/canonical-revision");
        let app = || label("app");
        Own([node("WORKLOAD_NAME"), node("NAMESPACE"), app(), revision, app(), label("version"), node("CLUSTER_ID")])
    };
    let called = Called { host: "db.example.com".into(), name: "db".into(), namespace: "shop".into() };
    let of = |standard: Standard, to| (size(standard.of_calls()), size(standard.of_bytes(to)));
    let out = |identity| Standard { own: shared(), identity, ..standard(false, Vec::new()) };
    let sizes = [of(out(false), Some(&called)), of(out(true), None), of(standard(true, Vec::new()), None)];
    println!("calls and connections, in bytes: out {:?}, out with mTLS {:?}, in {:?}", sizes[0], sizes[1], sizes[2]);
    assert!(sizes.iter().all(|(calls, bytes)| *calls < 17_000 && *bytes < 11_500), "{sizes:?}");
    assert!(sizes[0].1 < 9_000, "{sizes:?}");
}
