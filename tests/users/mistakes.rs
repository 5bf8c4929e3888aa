//! Telemetries that are wrong in every way: findings, and proxies that go on.

use std::collections::BTreeMap;

use crate::mesh::{Users, WEB};
use crate::parts::calls::repeat;

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
    let found = users.prometheus.query("sum by (code) (mizzen_findings)");
    let before: BTreeMap<String, f64> = found.into_iter().map(|(labels, n)| (labels["code"].clone(), n)).collect();
    users.mesh.configure("wrong.yaml", WRONG);
    // `tests/analyze` has the sentences.
    let wanted = [("invalid", 1.0), ("unknown-provider", 1.0), ("unreachable-provider", 2.0), ("wrong-provider", 1.0)];
    for (code, more) in wanted {
        let known = before.get(code).copied().unwrap_or(0.0);
        let count = format!(r#"sum(mizzen_findings{{code="{code}"}})"#);
        let now = users.prometheus.wait_for("findings", &count, |now| now >= known + more);
        assert_eq!(now, known + more, "{code}");
    }
    let known = before.get("ineffective").copied().unwrap_or(0.0);
    let tags = users.prometheus.value(r#"sum(mizzen_findings{code="ineffective"})"#) - known;
    assert_eq!(tags, 6.0, "three tags and three labels");

    users.prometheus.wait_for("proxies to take what follows", "time()", |_| updates(users, "success") > taken);
    repeat(users.client.namespace(), (users.resolve(WEB), 80).into(), WEB, "/after-mistakes", 20);
    users.prometheus.wait_for_a_scrape();
    assert_eq!(updates(users, "rejected"), 0.0);
    assert_eq!(users.prometheus.query("pilot_total_xds_rejects"), []);
    users.mesh.configure("wrong.yaml", "");
}
