//! Telemetries that are wrong in every way: findings, and proxies that go on.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::mesh::{Users, WEB};
use crate::parts::calls::repeat;
use crate::support::http;
use crate::support::mesh::{CENTRE, MONITORING};
use crate::support::process::eventually;

/// A provider that nobody has, one whose service is missing, conditions and labels that are no CEL or that Envoy could not
/// read between its operators, and tags that are none.
const WRONG: &str = "\
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: wrong-providers, namespace: shop}
spec:
  selector: {matchLabels: {app: greeter}}
  tracing: [{providers: [{name: nobody}]}]
  accessLogging: [{providers: [{name: lost-log}]}]
  metrics: [{providers: [{name: zipkin-outside}]}]
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: wrong-collector, namespace: istio-system}
spec:
  selector: {matchLabels: {app: istio-ingressgateway}}
  tracing: [{providers: [{name: lost}]}]
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: wrong-expressions, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  accessLogging: [{providers: [{name: envoy-json}], filter: {expression: 'response.code >= 400 and true'}}]
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: wrong-tags, namespace: shop}
spec:
  selector: {matchLabels: {app: client}}
  tracing:
  - customTags:
      nothing: {}
      spaced: {header: {name: 'x tenant'}}
      open: {formatter: {value: '%REQ(x'}}
  metrics:
  - overrides:
    - match: {metric: REQUEST_COUNT}
      tagOverrides:
        version: {value: v1.2 beta}
        absent: {value: \"nobody.knows(this)\"}
        ends_the_operator: {value: \"'a)%b'\"}
";

/// How often proxies took and refused listeners and clusters.
fn updates(users: &Users, outcome: &str) -> f64 {
    let names = format!("envoy_(listener_manager_lds|cluster_manager_cds)_update_{outcome}");
    users.prometheus.value(&format!(r#"sum({{__name__=~"{names}"}})"#))
}

pub(crate) fn nothing_refused(users: &mut Users) {
    users.prometheus.wait_for_a_scrape();
    let taken = updates(users, "success");
    users.mesh.configure("wrong.yaml", WRONG);
    let monitoring = SocketAddr::from((CENTRE, MONITORING));
    let found: BTreeSet<(String, String)> = eventually(Duration::from_secs(20), "findings", || {
        let (_, body) = users.mesh.centre().inside(|| http::get(monitoring, "/debug/findings"))?;
        let findings: Vec<Value> = serde_json::from_str(&body).expect("findings are JSON");
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let wrong = findings.iter().filter(|finding| text(finding, "name").starts_with("wrong-"));
        let found: BTreeSet<_> = wrong.map(|finding| (text(finding, "name"), text(finding, "code"))).collect();
        (found.len() >= 6).then_some(found)
    });
    let wanted = [
        ("wrong-collector", "unreachable-provider"),
        ("wrong-expressions", "invalid"),
        ("wrong-providers", "unknown-provider"),
        ("wrong-providers", "unreachable-provider"),
        ("wrong-providers", "wrong-provider"),
        ("wrong-tags", "ineffective"),
    ];
    assert_eq!(found, wanted.map(|(name, code)| (name.to_owned(), code.to_owned())).into());

    users.prometheus.wait_for("proxies to take what follows", "time()", |_| updates(users, "success") > taken);
    repeat(users.client.namespace(), (users.resolve(WEB), 80).into(), WEB, "/after-mistakes", 20);
    users.prometheus.wait_for_a_scrape();
    assert_eq!(updates(users, "rejected"), 0.0);
    assert_eq!(users.prometheus.query("pilot_total_xds_rejects"), []);
    users.mesh.configure("wrong.yaml", "");
}
