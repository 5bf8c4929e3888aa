//! The users' own mesh, end to end, with every part of observability real: Prometheus, Zipkin, a collector of
//! OpenTelemetry, log files, and stock Envoys beside applications in network namespaces.
//!
//! One mesh is started for all tests, which are run one after the other in the order of `TESTS`: what they look at is
//! what the traffic of all leaves behind. `cargo test --test users -- WORD…` runs those whose names contain a word.
//!
//! Needs root on Linux and what `tests/setup.sh` installs.
#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

mod configuration;
mod dashboards;
mod external;
mod graph;
mod logs;
mod mesh;
mod metrics;
mod mistakes;
mod rotation;
mod scraping;
mod traces;

/// Parts of this mesh.
mod parts {
    pub(crate) mod calls;
    pub(crate) mod collector;
    pub(crate) mod greeter;
    pub(crate) mod prometheus;
    pub(crate) mod web;
    pub(crate) mod zipkin;
}

/// Parts that the other end-to-end tests have too.
#[path = "../e2e/support"]
#[expect(dead_code, reason = "the other end-to-end tests use the rest")]
mod support {
    pub(crate) mod backend;
    pub(crate) mod capture;
    pub(crate) mod dns;
    pub(crate) mod envoy;
    pub(crate) mod http;
    pub(crate) mod mesh;
    pub(crate) mod netns;
    pub(crate) mod network;
    pub(crate) mod process;
    pub(crate) mod require;
    pub(crate) mod servers;
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use mesh::Users;

/// The name of a test, a sentence, and what it does.
type Test = (&'static str, fn(&mut Users));

/// In this order: a test may count on what the traffic of those before has left, never the other way round.
const TESTS: &[Test] = &[
    ("what_is_shipped_for_prometheus_is_what_scrapes_this_mesh", scraping::everything_is_scraped),
    ("kialis_questions_give_the_services_that_are_called_by_their_own_names", graph::edges),
    ("ten_thousand_requests_are_counted_exactly_at_both_ends", metrics::exact),
    ("messages_of_grpc_are_counted_exactly_at_both_ends", metrics::messages),
    ("every_series_has_every_label_that_kiali_reads", metrics::labels),
    ("databases_on_one_port_are_counted_each_under_its_own_name", external::databases),
    ("a_long_connection_is_seen_while_it_lasts_and_counted_once", external::long_connection),
    ("spans_of_two_services_join_up_in_zipkin_with_the_tags_of_the_telemetry", traces::joined),
    ("as_many_calls_are_traced_as_the_telemetry_says", traces::sampled),
    ("opentelemetry_gets_spans_over_grpc_and_http_and_log_records", traces::opentelemetry),
    ("every_kind_of_traffic_is_a_line_of_json_that_strict_readers_take", logs::every_kind),
    ("a_log_that_is_rotated_loses_no_line", rotation::nothing_lost),
    ("telemetries_that_are_wrong_are_findings_and_no_listener_is_refused", mistakes::nothing_refused),
    ("every_panel_of_every_dashboard_has_data", dashboards::every_panel),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let tests: Vec<&Test> = TESTS.iter().filter(|(name, _)| wanted(name)).collect();
    println!("\nrunning {} tests", tests.len());
    if tests.is_empty() {
        return ExitCode::SUCCESS;
    }
    let begun = Instant::now();
    let mut users = Users::open();
    println!("the mesh is up after {:.1} s", begun.elapsed().as_secs_f64());
    let mut failed: Vec<&str> = Vec::new();
    for (name, test) in tests.iter().copied() {
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&mut users)));
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("test {name} ... {word} ({:.1} s)", begun.elapsed().as_secs_f64());
        failed.extend(outcome.err().map(|_| name));
    }
    let (result, passed) = (if failed.is_empty() { "ok" } else { "FAILED" }, tests.len() - failed.len());
    let seconds = begun.elapsed().as_secs_f64();
    println!("\ntest result: {result}. {passed} passed; {} failed; 0 ignored; finished in {seconds:.2}s", failed.len());
    if !failed.is_empty() {
        println!("what its processes said is in {}", users.keep().display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
