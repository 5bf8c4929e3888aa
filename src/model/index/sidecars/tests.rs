//! What is said of Sidecars that are fine each by itself.

use std::sync::Arc;

use crate::api::decode;
use crate::api::mesh::MeshConfig;
use crate::model::index::{Allocations, Index, Options};

const CART: &str = "
{apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop}, spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: cart-0, namespace: shop, labels: {app: cart, tier: web}}, spec: {containers: [{name: a}]},
 status: {podIP: 10.1.0.5}}
---
{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: private, namespace: bank},
 spec: {hosts: [vault.example.com], exportTo: ['.'], ports: [{number: 443, name: tls, protocol: TLS}], resolution: DNS}}
---
";

fn sidecar(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {{name: {name}, namespace: shop}}, spec: {{{spec}}}}}"
    )
}

fn oddities(sidecars: &[String]) -> Vec<String> {
    let text = format!("{CART}{}", sidecars.join("\n---\n"));
    let object = |text: &str| decode(serde_saphyr::from_str(text).unwrap(), None).object.map(Arc::new).unwrap();
    let batch = text.split("\n---\n").map(object).map(|o| (o.key(), Some(o))).collect();
    let mut index = Index::new(Options::default(), MeshConfig::default(), Allocations::default());
    index.apply(&batch, None);
    index
        .survey()
        .findings()
        .into_iter()
        .map(|f| format!("{} {} {}: {}", f.object.name, f.code, f.field, f.text))
        .collect()
}

#[test]
fn a_host_that_no_service_has_is_named_with_its_place() {
    let hosts = "egress: [{hosts: ['./*', './cart.shop.svc.cluster.local', 'bank/cart.shop.svc.cluster.local', '*/no.example.com', 'bank/vault.example.com']}]";
    assert_eq!(
        oddities(&[sidecar("s", hosts)]),
        [
            "s unknown-host spec.egress[0].hosts[2]: \"cart.shop.svc.cluster.local\" is not in the namespace bank, but in shop; write shop/cart.shop.svc.cluster.local",
            "s unknown-host spec.egress[0].hosts[3]: no service has the host \"no.example.com\"; the Sidecar lets nothing through by it",
            "s unknown-host spec.egress[0].hosts[4]: the service \"vault.example.com\" in bank is not exported to shop, so that the Sidecar lets nothing through by it",
        ]
    );
}

#[test]
fn of_two_sidecars_for_one_workload_the_one_that_is_not_used_is_named() {
    let egress = "egress: [{hosts: ['./*']}]";
    let found = oddities(&[
        sidecar("a", egress),
        sidecar("b", egress),
        sidecar("c", &format!("workloadSelector: {{labels: {{app: cart}}}}, {egress}")),
        sidecar("d", &format!("workloadSelector: {{labels: {{tier: web}}}}, {egress}")),
        sidecar("e", &format!("workloadSelector: {{labels: {{app: other}}}}, {egress}")),
    ]);
    assert_eq!(
        found,
        [
            "b duplicate-sidecar spec.workloadSelector: Sidecar a is for all workloads of the namespace too, and is older or first by name; this one is not used",
            "d duplicate-sidecar spec.workloadSelector: Sidecar c selects the pod cart-0 too, and is older or first by name; this one is not used for it",
            "e selects-nothing spec.workloadSelector.labels: no workload of the namespace shop has these labels; the Sidecar is for none",
        ]
    );
}

#[test]
fn an_endpoint_at_which_the_proxy_itself_listens_is_an_error() {
    let listener = |endpoint: &str| {
        format!(
            "ingress: [{{port: {{number: 8080, protocol: HTTP, name: h}}, bind: 127.0.0.1, captureMode: NONE, defaultEndpoint: '{endpoint}'}}]"
        )
    };
    assert_eq!(oddities(&[sidecar("s", &listener("127.0.0.1:8081"))]), Vec::<String>::new());
    let found = oddities(&[sidecar("s", &listener("127.0.0.1:8080"))]);
    assert!(found[0].starts_with("s endpoint-loop spec.ingress[0].defaultEndpoint: "), "{found:?}");
}
