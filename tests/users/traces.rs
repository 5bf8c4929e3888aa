//! Traces: joined in Zipkin, sampled as a Telemetry says, and sent to a collector of OpenTelemetry after an edit.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::mesh::{GATEWAY, Users, WEB, WWW};
use crate::parts::calls::{Connection, repeat};
use crate::support::process::{PATIENCE, eventually};

pub(crate) fn joined(users: &mut Users) {
    const TRACE: &str = "463ac35c9f6413ad48485a3953bb6124";
    let headers =
        [("x-b3-traceid", TRACE), ("x-b3-spanid", "a2fb4a1d1a96d312"), ("x-b3-sampled", "1"), ("x-tenant-id", "osaka")];
    let address = (users.resolve(WEB), 80).into();
    let (status, reached) = users.client.namespace().inside(|| Connection::open(address, WEB).get("/greet", &headers));
    assert_eq!((status, reached.as_str()), (200, TRACE), "the greeter is told the trace of the first caller");

    // The client's and the web's sidecar of the first call, the web's and a greeter's of the second.
    let spans = users.zipkin.trace(users.mesh.centre(), TRACE, 4);
    let seen: BTreeSet<(&str, &str)> = spans
        .iter()
        .map(|span| {
            let service = span["localEndpoint"]["serviceName"].as_str().unwrap_or_default();
            (service, span["kind"].as_str().unwrap_or_default())
        })
        .collect();
    let wanted =
        [("client.shop", "CLIENT"), ("web.shop", "SERVER"), ("web.shop", "CLIENT"), ("greeter.shop", "SERVER")];
    assert_eq!(seen, wanted.into(), "{spans:?}");
    assert_eq!(spans.len(), 4);

    // Each follows from the one before: it has that for its parent, or shares its id as the other end of one call.
    let mut before = Value::from("a2fb4a1d1a96d312");
    for (service, kind) in wanted {
        let span = spans.iter().find(|s| s["localEndpoint"]["serviceName"] == service && s["kind"] == kind).unwrap();
        assert!(span["parentId"] == before || span["id"] == before, "{service} {kind} after {before}: {spans:#?}");
        before = span["id"].clone();
    }
    for span in &spans {
        let tags = &span["tags"];
        assert_eq!(tags["cluster"], "tokyo-prod", "{tags}");
        assert_eq!(tags["pod"], "unknown", "the variable is not set here: {tags}");
        assert_eq!(tags["istio.mesh_id"], "cluster.local", "{tags}");
        assert_eq!(tags["istio.namespace"], "shop", "{tags}");
        assert!(tags["istio.canonical_service"].is_string(), "{tags}");
        // The header goes no further than the application passes it on.
        let inner = span["localEndpoint"]["serviceName"] == "greeter.shop"
            || (span["localEndpoint"]["serviceName"] == "web.shop" && span["kind"] == "CLIENT");
        assert_eq!(tags["tenant"], if inner { "none" } else { "osaka" }, "{span}");
    }
}

pub(crate) fn sampled(users: &mut Users) {
    const CALLS: usize = 2000;
    let statistic = |users: &Users, name: &str| users.client.statistic(&format!("tracing.zipkin.{name}"));
    let quiet = |users: &Users| {
        // Spans are sent when there are five, or by a timer.
        let timer = statistic(users, "timer_flushed");
        eventually(PATIENCE, "all spans to be sent", || {
            (statistic(users, "timer_flushed") > timer).then(|| statistic(users, "spans_sent"))
        })
    };
    let before = quiet(users);
    repeat(users.client.namespace(), (users.resolve(WEB), 80).into(), WEB, "/sampled", CALLS);
    let spans = quiet(users) - before;
    // 12.5 % of 2000 calls are 250, with a standard deviation of 15.
    println!("{spans} of {CALLS} calls were traced");
    assert!((175..=325).contains(&spans), "{spans} of {CALLS} calls were traced, 250 are wanted");
    eventually(PATIENCE, &format!("{spans} traces of web in Zipkin"), || {
        (users.zipkin.count(users.mesh.centre(), "web.shop") as u64 >= spans).then_some(())
    });
}

pub(crate) fn opentelemetry(users: &mut Users) {
    let telemetry = |namespace: &str, app: &str, spec: &str| {
        format!(
            "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {{name: otel-{app}, namespace: {namespace}}}\n\
             spec:\n  selector: {{matchLabels: {{app: {app}}}}}\n{spec}"
        )
    };
    let web = telemetry(
        "shop",
        "web",
        "  tracing:\n  - providers: [{name: otel-grpc}]\n    randomSamplingPercentage: 100\n  \
         accessLogging:\n  - providers: [{name: otel-log}, {name: envoy-json}]\n",
    );
    let gateway = telemetry(
        "istio-system",
        "istio-ingressgateway",
        "  tracing:\n  - providers: [{name: otel-http}]\n    randomSamplingPercentage: 100\n    \
         customTags: {cluster: {literal: {value: osaka}}}\n",
    );
    users.mesh.configure("otel-edit.yaml", &format!("{web}---\n{gateway}"));
    eventually(PATIENCE, "spans both ways, and records", || {
        repeat(users.mesh.centre(), GATEWAY, WWW, "/otel", 4);
        let spans = users.collector.spans();
        let both = spans.iter().any(|span| span.tenant.is_none()) && spans.iter().any(|span| span.tenant.is_some());
        (both && !users.collector.records().is_empty()).then_some(())
    });
    let spans = users.collector.spans();
    let [over_grpc, over_http] = [false, true].map(|http| spans.iter().find(|s| s.tenant.is_some() == http).unwrap());
    assert_eq!(over_grpc.resource["service.name"], "web.shop");
    assert_eq!(over_http.resource["service.name"], "istio-ingressgateway.istio-system");
    assert_eq!(over_http.tenant.as_deref(), Some("tokyo"), "the header of the provider");
    assert_eq!(over_http.attributes["cluster"], "osaka");
    assert_eq!(over_grpc.attributes["cluster"], "tokyo-prod", "the tags of the mesh's Telemetry stay");
    assert!(over_grpc.name.contains(WEB), "a span is called as the route is: {}", over_grpc.name);
    // A call through both is one trace.
    let of = |http: bool| -> BTreeSet<&[u8]> {
        spans.iter().filter(|span| span.tenant.is_some() == http).map(|span| span.trace.as_slice()).collect()
    };
    assert!(of(false).intersection(&of(true)).next().is_some(), "the gateway's and the web's spans join up");
    let record = users.collector.records().into_iter().find(|record| record.body == "GET /otel");
    assert_eq!(record.expect("a record of such a call").attributes["code"], "200");
}
