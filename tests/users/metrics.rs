//! Istio's metrics of calls: exact at both ends, and complete in their labels.

use std::time::Instant;

use crate::graph;
use crate::mesh::{GREETER, Users, WEB};
use crate::parts::calls::repeat;
use crate::parts::greeter::{ANSWERS, hello, talk};
use crate::support::process::{PATIENCE, eventually};

const CALLS: usize = 10_000;

/// The sum of a counter over all proxies, for what the client calls of a service.
fn counted(users: &Users, metric: &str, reporter: &str, service: &str) -> f64 {
    let labels = format!(r#"reporter="{reporter}",source_workload="client",destination_service="{service}""#);
    users.prometheus.value(&format!("sum({metric}{{{labels}}})"))
}

pub(crate) fn exact(users: &mut Users) {
    const METRICS: [&str; 3] =
        ["istio_requests_total", "istio_request_duration_milliseconds_count", "istio_request_bytes_count"];
    // Histograms are put together every five seconds, counters at once.
    let settled = |users: &Users, reporter: &str| {
        eventually(PATIENCE, "all that was called to be counted", || {
            let all = METRICS.map(|metric| counted(users, metric, reporter, WEB));
            (all[0] > 0.0 && all.iter().all(|count| *count == all[0])).then_some(all[0])
        })
    };
    const REPORTERS: [&str; 2] = ["source", "destination"];
    graph::everybody_calls(users);
    users.prometheus.wait_for_a_scrape();
    let before = REPORTERS.map(|reporter| settled(users, reporter));
    let begun = Instant::now();
    repeat(users.client.namespace(), (users.resolve(WEB), 80).into(), WEB, "/counted", CALLS);
    println!("{CALLS} calls in {:.1} s", begun.elapsed().as_secs_f64());
    users.prometheus.wait_for_a_scrape();
    let after = REPORTERS.map(|reporter| settled(users, reporter));
    for ((reporter, before), after) in REPORTERS.iter().zip(before).zip(after) {
        println!("{reporter}: {before} calls before, {after} after");
        assert_eq!(after - before, CALLS as f64, "{reporter}");
    }
    let failed = format!(r#"istio_requests_total{{destination_service="{WEB}",response_code!="200"}}"#);
    assert_eq!(users.prometheus.query(&failed), []);
}

pub(crate) fn messages(users: &mut Users) {
    const QUESTIONS: usize = 40;
    const METRICS: [&str; 2] = ["istio_request_messages_total", "istio_response_messages_total"];
    let counts = |users: &Users| {
        users.prometheus.wait_for_a_scrape();
        ["source", "destination"].map(|reporter| METRICS.map(|metric| counted(users, metric, reporter, GREETER)))
    };
    let talks = |users: &Users, questions: usize| {
        let greeter = users.greeter();
        users.client.namespace().inside(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let channel = greeter.connect(&std::sync::Arc::default()).await.unwrap();
                assert_eq!(talk(channel.clone(), questions).await.unwrap(), questions * ANSWERS);
                hello(channel, &[]).await.unwrap();
            });
        });
    };
    talks(users, 1);
    let before = counts(users);
    talks(users, QUESTIONS);
    let after = counts(users);
    for (after, before) in after.iter().zip(before) {
        // The single call has a message each way.
        assert_eq!(after[0] - before[0], (QUESTIONS + 1) as f64);
        assert_eq!(after[1] - before[1], (QUESTIONS * ANSWERS + 1) as f64);
    }
    let of_web = format!(r#"istio_request_messages_total{{destination_service="{WEB}"}}"#);
    assert_eq!(users.prometheus.query(&of_web), [], "calls that are no gRPC have no messages");
}

pub(crate) fn labels(users: &mut Users) {
    graph::everybody_calls(users);
    complete(users);
}

/// Every series of everything that was counted so far has every label.
pub(crate) fn complete(users: &Users) {
    users.prometheus.wait_for_a_scrape();
    let more =
        ["reporter", "response_flags", "connection_security_policy", "source_principal", "destination_principal"];
    let calls: Vec<&str> = graph::CALLS.iter().chain(&more).copied().collect();
    let connections: Vec<&str> = graph::CALLS[..graph::OF_CONNECTIONS].iter().chain(&more).copied().collect();
    for (metric, wanted, reporters) in [
        ("istio_requests_total", calls, 2),
        ("istio_request_messages_total", connections.iter().copied().filter(|l| *l != "response_flags").collect(), 2),
        ("istio_response_messages_total", connections.iter().copied().filter(|l| *l != "response_flags").collect(), 2),
        ("istio_tcp_sent_bytes_total", connections.clone(), 1),
        ("istio_tcp_received_bytes_total", connections, 1),
    ] {
        let all = users.prometheus.query(metric);
        let mut seen: Vec<&str> = all.iter().map(|(labels, _)| labels["reporter"].as_str()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), reporters, "{metric}: {seen:?}");
        for (labels, _) in &all {
            let missing: Vec<&&str> = wanted.iter().filter(|name| !labels.contains_key(**name)).collect();
            assert_eq!(missing, [] as [&&str; 0], "{metric}: {labels:?}");
        }
    }
}
