//! What is shipped for Prometheus: jobs, annotations, rules.

use std::collections::BTreeSet;

use crate::mesh::Users;
use crate::parts::prometheus::promtool;
use crate::support::process::{PATIENCE, eventually};

pub(crate) fn everything_is_scraped(users: &mut Users) {
    assert!(promtool(&users.mesh, "config", "prometheus.yaml").contains("SUCCESS"));
    let checked = promtool(&users.mesh, "rules", "rules.yaml");
    assert!(checked.contains("SUCCESS"), "{checked}");

    // Every target once, under the job that it asks for, with the labels that dashboards select by.
    let found: BTreeSet<[String; 4]> = users
        .prometheus
        .query("up == 1")
        .into_iter()
        .map(|(labels, _)| ["job", "app", "namespace", "pod"].map(|name| labels[name].clone()))
        .collect();
    let wanted = [
        ["client", "client", "shop", "client-77aa-ddddd"],
        ["envoy-stats", "istio-ingressgateway", "istio-system", "istio-ingressgateway-7d9f"],
        ["greeter", "greeter", "shop", "greeter-5b7c-aaaaa"],
        ["greeter", "greeter", "shop", "greeter-5b7c-bbbbb"],
        ["istiod", "istiod", "istio-system", "istiod-5f7b-fffff"],
        ["web", "web", "shop", "web-6f9d-ccccc"],
    ];
    assert_eq!(found, wanted.map(|target| target.map(str::to_owned)).into());

    let rules = eventually(PATIENCE, "all rules to be evaluated", || {
        let groups = users.prometheus.api("/api/v1/rules");
        let groups = groups["groups"].as_array().expect("groups").clone();
        let rules: Vec<_> = groups.iter().flat_map(|group| group["rules"].as_array().expect("rules").clone()).collect();
        rules.iter().all(|rule| rule["health"] != "unknown").then_some(rules)
    });
    assert!(rules.len() > 5);
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
        assert_ne!(rule["state"], "firing", "{rule}");
    }
}
