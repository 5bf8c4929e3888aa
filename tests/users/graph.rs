//! Kiali's graph: its questions to Prometheus, and the edges that it would draw.

use std::collections::BTreeSet;

use mizzen::demo::load::Target;

use crate::mesh::{DATABASES, GATEWAY, GREETER, REDIS, Users, WEB, WWW};
use crate::parts::calls::repeat;
use crate::parts::greeter::{hello, talk};
use crate::parts::prometheus::Prometheus;
use crate::support::process::{PATIENCE, eventually, run};
use crate::support::servers::{redis_cli, server_id};

/// By what Kiali groups; a series that lacks one of them is no edge.
pub(crate) const CALLS: [&str; 15] = [
    "source_workload_namespace",
    "source_workload",
    "source_canonical_service",
    "source_canonical_revision",
    "source_cluster",
    "destination_service_namespace",
    "destination_service",
    "destination_service_name",
    "destination_workload_namespace",
    "destination_workload",
    "destination_canonical_service",
    "destination_canonical_revision",
    "destination_cluster",
    "request_protocol",
    "response_code",
];
/// How many of them connections have.
pub(crate) const OF_CONNECTIONS: usize = 13;

/// Who calls, which service, over what, and which workload answers.
pub(crate) type Edge = [String; 4];

/// The edges that Kiali draws for a namespace: what workloads of others call there, what its own call, and calls of
/// callers that nobody knows.
pub(crate) fn edges_of(prometheus: &Prometheus, namespace: &str) -> BTreeSet<Edge> {
    let selectors = [
        format!(r#"reporter="destination",source_workload="unknown",destination_workload_namespace="{namespace}""#),
        format!(
            r#"reporter="source",source_workload_namespace!="{namespace}",destination_service_namespace="{namespace}""#
        ),
        format!(r#"reporter="source",source_workload_namespace="{namespace}""#),
    ];
    let mut edges = BTreeSet::new();
    for selector in &selectors {
        for (metric, labels) in
            [("istio_requests_total", &CALLS[..]), ("istio_tcp_sent_bytes_total", &CALLS[..OF_CONNECTIONS])]
        {
            let by = labels.join(",");
            let question =
                format!("sum(rate({metric}{{{selector}}}[60s])) by ({by},grpc_response_status,response_flags) > 0");
            for (found, _) in prometheus.query(&question) {
                let all = labels.iter().all(|label| found.contains_key(*label));
                assert!(all && found.contains_key("response_flags"), "{metric} lacks a label: {found:?}");
                let protocol = found.get("request_protocol").map_or("tcp", String::as_str);
                let label = |name: &str| found[name].clone();
                edges.insert([
                    label("source_workload"),
                    label("destination_service"),
                    protocol.to_owned(),
                    label("destination_workload"),
                ]);
            }
        }
    }
    edges
}

/// One call or connection of each kind that the users make.
pub(crate) fn everybody_calls(users: &Users) {
    let client = users.client.namespace();
    repeat(client, (users.resolve(WEB), 80).into(), WEB, "/greet", 4);
    repeat(users.mesh.centre(), GATEWAY, WWW, "/", 4);
    let greeter: Target = users.greeter();
    client.inside(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let channel = greeter.connect(&std::sync::Arc::default()).await.unwrap();
            // More calls than endpoints: each of them answers some.
            for _ in 0..8 {
                hello(channel.clone(), &[]).await.unwrap();
            }
            assert_eq!(talk(channel, 2).await.unwrap(), 6);
        });
    });
    for (host, address, _) in DATABASES {
        assert_eq!(run(&mut server_id(client, host)).trim(), address.octets()[3].to_string(), "{host}");
    }
    assert_eq!(run(&mut redis_cli(client, REDIS.0, &["PING"])).trim(), "PONG");
}

pub(crate) fn edges(users: &mut Users) {
    let mut wanted: BTreeSet<Edge> = [
        ["client", WEB, "http", "web"],
        ["client", GREETER, "grpc", "greeter"],
        ["web", GREETER, "grpc", "greeter"],
        ["istio-ingressgateway", WEB, "http", "web"],
        ["client", REDIS.0, "tcp", "redis-session"],
    ]
    .map(|edge| edge.map(str::to_owned))
    .into();
    wanted.extend(DATABASES.map(|(host, _, entry)| ["client", host, "tcp", entry].map(str::to_owned)));

    // A series that appears with its first count has no rate: what counts is called again after a scrape.
    let found = eventually(PATIENCE, "the edges", || {
        everybody_calls(users);
        users.prometheus.wait_for_a_scrape();
        let found = edges_of(&users.prometheus, "shop");
        (found.len() >= wanted.len()).then_some(found)
    });
    assert_eq!(found, wanted);

    // Not even something that Kiali would pass over has no name.
    let strangers = users.prometheus.query(
        r#"{__name__=~"istio_requests_total|istio_tcp_.*_total",reporter="source",destination_service=~"unknown|"}"#,
    );
    assert_eq!(strangers, []);
}
