//! Access logs in JSON: lines of every kind of traffic, read as strictly as can be, and as Fluentd reads them.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::graph::everybody_calls;
use crate::mesh::{DATABASES, GREETER, REDIS, STRANGER, Users, WEB, output};
use crate::metrics;
use crate::support::http::{self, Request};
use crate::support::process::{PATIENCE, eventually};
use crate::support::require;

/// A line of Istio's JSON log, no key more and none less. A value that is not there is `null`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that values can be read is what counts")]
pub(crate) struct Line {
    authority: Option<String>,
    bytes_received: u64,
    bytes_sent: u64,
    connection_termination_details: Option<String>,
    downstream_local_address: String,
    downstream_remote_address: String,
    duration: u64,
    method: Option<String>,
    pub(crate) path: Option<String>,
    protocol: Option<String>,
    pub(crate) request_id: Option<String>,
    requested_server_name: Option<String>,
    response_code: u16,
    response_code_details: Option<String>,
    response_flags: String,
    route_name: Option<String>,
    pub(crate) start_time: String,
    upstream_cluster: Option<String>,
    upstream_host: Option<String>,
    upstream_local_address: Option<String>,
    /// A header, and so a text.
    upstream_service_time: Option<String>,
    upstream_transport_failure_reason: Option<String>,
    user_agent: Option<String>,
    x_forwarded_for: Option<String>,
}

const KEYS: usize = 24;

/// The lines of a file, after so many bytes, that are complete. What else is in it must be Envoy's own log, as in a
/// container's.
pub(crate) fn lines(file: &Path, after: usize) -> Vec<(String, Line)> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let text = text.get(after..).unwrap_or_default();
    let complete = text.rsplit_once('\n').map(|(complete, _)| complete).unwrap_or_default();
    let mut lines = Vec::new();
    for line in complete.lines() {
        if !line.starts_with('{') {
            assert!(line.starts_with("[20"), "neither JSON nor Envoy's own log: {line}");
            continue;
        }
        let keys: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert_eq!(keys.len(), KEYS, "{line}");
        lines.push((line.to_owned(), serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))));
    }
    lines
}

/// What kind of traffic a line tells of.
fn kind(line: &Line) -> String {
    let cluster = line.upstream_cluster.clone().unwrap_or_default();
    let over = match line.protocol.as_deref() {
        Some("HTTP/2") => "gRPC",
        Some(_) => "HTTP",
        None => "TCP",
    };
    let ended = if line.response_flags == "-" { "" } else { ", flags " };
    format!("{over} {cluster}{ended}{}", line.response_flags.trim_start_matches('-'))
}

const PROXIES: [&str; 5] =
    ["client-77aa-ddddd", "web-6f9d-ccccc", "greeter-5b7c-aaaaa", "greeter-5b7c-bbbbb", "istio-ingressgateway-7d9f"];

pub(crate) fn every_kind(users: &mut Users) {
    // Thousands of lines of other tests are of no interest. A line may have been written in part.
    let before = PROXIES.map(|proxy| {
        let text = std::fs::read_to_string(output(&users.mesh, proxy)).unwrap();
        text.rfind('\n').map_or(0, |end| end + 1)
    });
    everybody_calls(users);
    let client = users.client.namespace();
    let stranger = |port| SocketAddr::from((STRANGER.1, port));
    let call_stranger = || {
        client.inside(|| {
            let request = Request { method: "GET", authority: STRANGER.0, path: "/", headers: &[] };
            // Nobody listens there: the proxy is refused.
            let answer = http::call(stranger(80), &request).unwrap();
            // A port that is no service's: bytes are passed through.
            let mut bytes = TcpStream::connect(stranger(8000)).unwrap();
            let _ = bytes.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            let _ = std::io::Read::read_to_end(&mut bytes, &mut Vec::new());
            answer.status
        })
    };
    assert_eq!(call_stranger(), 503);
    users.mesh.configure(
        "sidecar.yaml",
        "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: client, namespace: shop}\nspec:\n  \
         workloadSelector: {labels: {app: client}}\n  outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n  \
         egress: [{hosts: ['*/*']}]\n",
    );
    eventually(PATIENCE, "what nobody knows to be refused", || (call_stranger() == 502).then_some(()));
    users.mesh.configure("sidecar.yaml", "");

    let database = format!("TCP outbound|3306||{}", DATABASES[0].0);
    let wanted = [
        ("client-77aa-ddddd", format!("HTTP outbound|80||{WEB}")),
        ("client-77aa-ddddd", format!("gRPC outbound|50051||{GREETER}")),
        ("client-77aa-ddddd", database),
        ("client-77aa-ddddd", format!("TCP outbound|6379||{}", REDIS.0)),
        ("client-77aa-ddddd", "TCP PassthroughCluster".to_owned()),
        ("client-77aa-ddddd", "HTTP PassthroughCluster, flags UF".to_owned()),
        ("client-77aa-ddddd", "TCP BlackHoleCluster, flags UH".to_owned()),
        ("client-77aa-ddddd", "HTTP ".to_owned()),
        ("web-6f9d-ccccc", "HTTP inbound|8000||".to_owned()),
        ("web-6f9d-ccccc", format!("gRPC outbound|50051||{GREETER}")),
        ("greeter-5b7c-aaaaa", "gRPC inbound|50051||".to_owned()),
        ("greeter-5b7c-bbbbb", "gRPC inbound|50051||".to_owned()),
        ("istio-ingressgateway-7d9f", format!("HTTP outbound|80||{WEB}")),
    ];
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let begun = Instant::now();
    let all = loop {
        seen.clear();
        let mut all = Vec::new();
        for (proxy, before) in PROXIES.iter().zip(before) {
            for (text, line) in lines(&output(&users.mesh, proxy), before) {
                *seen.entry(format!("{proxy} {}", kind(&line))).or_default() += 1;
                all.push(text);
            }
        }
        let missing: Vec<String> = wanted.iter().map(|(proxy, kind)| format!("{proxy} {kind}")).collect();
        let missing: Vec<&String> = missing.iter().filter(|kind| !seen.contains_key(*kind)).collect();
        if missing.is_empty() {
            break all;
        }
        assert!(begun.elapsed() < PATIENCE, "no line tells of {missing:#?}, but of {seen:#?}");
        std::thread::sleep(Duration::from_millis(200));
    };
    println!("{} lines of {} kinds", all.len(), seen.len());
    assert_eq!(read_as_fluentd(&all), all.len());
    // What failed was counted too.
    metrics::complete(users);
}

/// How many lines Fluentd's parser for JSON takes, with the start as the time of the event: Oj with the options that
/// Fluentd gives it, and Ruby's reader of ISO 8601. (No package brings Fluentd itself here.)
pub(crate) fn read_as_fluentd(lines: &[String]) -> usize {
    const PARSER: &str = "options = {bigdecimal_load: :float, mode: :compat, use_to_json: true}
        count = 0
        STDIN.each_line do |line|
          record = Oj.load(line.chomp, options)
          raise line unless record.is_a?(Hash)
          Time.iso8601(record.fetch('start_time'))
          count += 1
        end
        puts count";
    let mut command = Command::new(require::program("ruby", "ruby"));
    command.args(["-roj", "-rtime", "-e", PARSER]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("ruby starts");
    let mut input = child.stdin.take().expect("it is piped");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("ruby ends");
    assert!(output.status.success(), "ruby-oj reads the lines (tests/setup.sh installs it)");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}
