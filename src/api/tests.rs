//! Documents that become objects, and what is said of those that do not.

mod damage;
mod mesh;
mod patches;

use serde_json::{Value, json};

use super::destination_rule::{ClientTlsMode, Policy, SimpleBalancing};
use super::service::{TargetPort, Transport, Type};
use super::virtual_service::{RedirectPort, RedirectPortSelection, StringMatch};
use super::{Kind, Object, Recognised, Spec, decode};
use crate::base::Duration;

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// The object of a document that has nothing wrong.
fn object(text: &str) -> Object {
    let decoded = decode(yaml(text), None);
    assert_eq!(decoded.findings, []);
    decoded.object.unwrap()
}

/// The findings of a document, as `SEVERITY code field: text`.
fn findings(text: &str) -> Vec<String> {
    let decoded = decode(yaml(text), None);
    let fatal = decoded.findings.iter().any(|f| f.code == "invalid" || f.code == "unknown-kind");
    assert_eq!(decoded.object.is_none(), fatal);
    let line = |f: &crate::base::Finding| format!("{:?} {} {}: {}", f.severity, f.code, f.field, f.text);
    decoded.findings.iter().map(line).collect()
}

#[test]
fn every_kind_is_recognised_in_all_its_versions() {
    for kind in Kind::all() {
        assert_eq!(Kind::recognise(&kind.api_version(), kind.as_str()), Recognised::Kind(kind));
    }
    assert_eq!(Kind::recognise("networking.istio.io/v1alpha3", "Sidecar"), Recognised::Kind(Kind::Sidecar));
    assert_eq!(Kind::VirtualService.api_version(), "networking.istio.io/v1");
    assert_eq!(Kind::Pod.api_version(), "v1");
    assert!(!Kind::Node.namespaced());
}

#[test]
fn kinds_of_others_are_passed_over() {
    for (version, kind) in [("apps/v1", "Deployment"), ("v1", "ServiceAccount"), ("serving.knative.dev/v1", "Service")]
    {
        let decoded = decode(json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}}), None);
        assert!(decoded.object.is_none() && decoded.findings.is_empty(), "{kind}");
    }
    let decoded = decode(Value::Null, None);
    assert!(decoded.object.is_none() && decoded.findings.is_empty());
}

#[test]
fn unknown_kinds_are_findings_with_a_guess() {
    for (version, kind, text) in [
        (
            "networking.istio.io/v1",
            "VirtualServise",
            "networking.istio.io/v1 has no kind VirtualServise that mizzen knows (perhaps VirtualService of networking.istio.io/v1 is meant)",
        ),
        (
            "v1",
            "DestinationRule",
            "v1 has no kind DestinationRule that mizzen knows (perhaps DestinationRule of networking.istio.io/v1 is meant)",
        ),
        ("networking.istio.io/v2", "Sidecar", "Sidecar has no version \"v2\", only v1, v1beta1, v1alpha3"),
        ("networking.istio.io/v1", "Oven", "networking.istio.io/v1 has no kind Oven that mizzen knows"),
    ] {
        let text = format!("Warning unknown-kind kind: {text}; the object is ignored");
        assert_eq!(findings(&format!("{{apiVersion: {version}, kind: {kind}, metadata: {{name: a}}}}")), [text]);
    }
}

#[test]
fn documents_that_are_no_objects_are_findings() {
    let end = "; this version of the object is not used";
    assert_eq!(
        findings("just text"),
        [format!(
            "Error invalid : must be a mapping with apiVersion, kind and metadata, found the string \"just text\"{end}"
        )]
    );
    assert_eq!(
        findings("trustDomain: example.com"),
        [format!(
            "Error invalid apiVersion: must be a string that says what this is, as in every object of Kubernetes{end}"
        )]
    );
    assert_eq!(
        findings("{apiVersion: v1, kind: Service, spec: {}}"),
        [format!("Error invalid metadata.name: must not be empty{end}")]
    );
}

#[test]
fn findings_name_object_field_and_file() {
    let text = "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: www, namespace: shop},
                 spec: {hosts: [www], http: [{route: [{destination: {host: web}, weight: heavy}]}]}}";
    let decoded = decode(yaml(text), Some(("mesh/www.yaml".into(), 12)));
    assert!(decoded.object.is_none());
    assert_eq!(
        decoded.findings[0].to_string(),
        "mesh/www.yaml:12 VirtualService shop/www spec.http[0].route[0].weight: must be a number, found the string \
         \"heavy\"; this version of the object is not used"
    );
}

#[test]
fn unknown_fields_of_istio_are_findings_and_the_object_stays() {
    let text = "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: a}, host: b,
                 spec: {host: b, trafficpolicy: {}}}";
    assert_eq!(
        findings(text),
        [
            "Warning unknown-field host: there is no such field (perhaps spec.host is meant); it is ignored",
            "Warning unknown-field spec.trafficpolicy: there is no such field (perhaps trafficPolicy is meant); it is ignored",
        ]
    );
}

#[test]
fn metadata_is_read_with_defaults() {
    let meta = object(
        "{apiVersion: v1, kind: Service, metadata: {name: web, creationTimestamp: '2026-11-22T14:32:34Z', uid: u-1,
          labels: {app: web}, annotations: {a: b, kubectl.kubernetes.io/last-applied-configuration: '{}'},
          generation: 3, resourceVersion: '77', managedFields: [{}],
          ownerReferences: [{kind: X, name: other, apiVersion: z/v1, controller: true, uid: u-2}]}}",
    )
    .meta;
    assert_eq!((meta.name.as_str(), meta.namespace.as_str(), meta.created), ("web", "default", 1_795_357_954));
    assert_eq!((meta.generation, meta.resource_version.as_str(), meta.uid.as_str()), (3, "77", "u-1"));
    assert_eq!(meta.annotations.keys().map(|k| k.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(meta.owners[0].controller);
    let node = object("{apiVersion: v1, kind: Node, metadata: {name: n1, namespace: oops}}");
    assert!(node.meta.namespace.is_empty());
    assert_eq!(node.key().to_string(), "Node n1");
}

#[test]
fn services_have_the_defaults_of_kubernetes() {
    let web = object(
        "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop},
          spec: {clusterIP: 10.0.0.1, sessionAffinity: None, selector: {app: web}, ports: [
            {name: http, port: 80}, {name: dns, port: 53, targetPort: dns-udp, protocol: UDP}]},
          status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}}",
    );
    let Spec::Service(service) = &web.spec else { panic!("{web:?}") };
    assert_eq!((service.r#type, service.cluster_ips.as_slice()), (Type::ClusterIp, &["10.0.0.1".into()][..]));
    assert_eq!(service.ports[0].target_port, TargetPort::Number(80));
    assert_eq!(service.ports[1].target_port, TargetPort::Name("dns-udp".into()));
    assert_eq!((service.ports[0].protocol, service.ports[1].protocol), (Transport::Tcp, Transport::Udp));
    assert_eq!(service.load_balancer[0].ip, "192.0.2.1");
    assert!(!service.is_headless());
}

#[test]
fn pods_and_slices_have_the_defaults_of_kubernetes() {
    let pod = object(
        "{apiVersion: v1, kind: Pod, metadata: {name: p, deletionTimestamp: '2026-11-22T14:32:34Z'},
          spec: {containers: [{name: app, image: x, ports: [{containerPort: 80}]}],
            initContainers: [{name: side, restartPolicy: Always}, {name: once}]},
          status: {podIP: 10.1.0.1, phase: Running, conditions: [{type: Ready, status: 'True'}]}}",
    );
    let Spec::Pod(pod) = pod.spec else { panic!("{pod:?}") };
    assert_eq!((pod.service_account.as_str(), pod.ready, pod.terminating), ("default", true, true));
    assert_eq!(pod.ips, ["10.1.0.1"]);
    assert_eq!(pod.containers.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["app", "side"]);
    let slice = object(
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: s}, addressType: IPv4,
          endpoints: [{addresses: [10.1.0.1]}, {addresses: [10.1.0.2], conditions: {ready: false, serving: true}}],
          ports: [{name: http, port: 80}]}",
    );
    let Spec::EndpointSlice(slice) = slice.spec else { panic!("{slice:?}") };
    assert!(slice.endpoints[0].conditions.ready && !slice.endpoints[1].conditions.ready);
    assert_eq!(slice.ports[0].protocol, Transport::Tcp);
}

#[test]
fn virtual_services_are_read_in_either_spelling() {
    let read = object(
        "{apiVersion: networking.istio.io/v1beta1, kind: VirtualService, metadata: {name: www}, spec: {
          hosts: [www.example.com], gateways: [istio-system/public], export_to: ['.'], http: [
            {match: [{headers: {x-user: {}, x-group: {exact: a}}, uri: {prefix: /a}, ignore_uri_case: true}],
             redirect: {uri: /b, derivePort: FROM_REQUEST_PORT}},
            {route: [{destination: {host: web, port: {number: '80'}}}], timeout: 1.5s, retries: {attempts: 2}}]}}",
    );
    let Spec::VirtualService(service) = &read.spec else { panic!("{read:?}") };
    let condition = &service.http[0].r#match[0];
    assert_eq!(condition.headers["x-user"], StringMatch::Present);
    assert_eq!(condition.headers["x-group"], StringMatch::Exact("a".into()));
    assert!(condition.ignore_uri_case);
    let redirect = service.http[0].redirect.as_ref().unwrap();
    assert_eq!(redirect.port, Some(RedirectPort::DerivePort(RedirectPortSelection::FromRequestPort)));
    assert_eq!(service.http[1].timeout, Some(Duration::from_millis(1500)));
    assert_eq!(service.http[1].route[0].destination.port.unwrap().number, 80);
    assert_eq!(service.export_to, ["."]);
}

#[test]
fn objects_become_documents_again() {
    let document = yaml(
        "{apiVersion: networking.istio.io/v1, kind: DestinationRule,
          metadata: {name: web, namespace: shop, labels: {a: b}, creationTimestamp: '2026-11-22T14:32:34Z', generation: 2},
          spec: {host: web, trafficPolicy: {loadBalancer: {simple: RANDOM}, tls: {mode: SIMPLE},
            outlierDetection: {consecutive5xxErrors: 0, interval: 5s}}, subsets: [{name: v1, labels: {version: v1}}]}}",
    );
    let decoded = decode(document.clone(), None).object.unwrap();
    assert_eq!(decoded.to_json(), document);
    let Spec::DestinationRule(rule) = decoded.spec else { panic!("{decoded:?}") };
    let policy = rule.traffic_policy.unwrap();
    assert_eq!(policy.load_balancer.unwrap().policy, Some(Policy::Simple(SimpleBalancing::Random)));
    assert_eq!(policy.tls.unwrap().mode, ClientTlsMode::Simple);
    assert_eq!(policy.outlier_detection.unwrap().consecutive_5xx_errors, Some(0));
}

#[test]
fn status_is_kept_where_it_matters() {
    let entry = yaml(
        "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: db, namespace: shop},
          spec: {hosts: [db.example.com], ports: [{number: 3306, name: tcp, protocol: TCP}], resolution: DNS},
          status: {addresses: [{value: 240.240.0.1, host: db.example.com}]}}",
    );
    let object = decode(entry.clone(), None).object.unwrap();
    assert_eq!(object.to_json(), entry);
    let machine = yaml(
        "{apiVersion: networking.istio.io/v1, kind: WorkloadEntry, metadata: {name: vm, namespace: shop},
          spec: {address: 192.0.2.1}, status: {conditions: [{type: Healthy, status: 'False'}]}}",
    );
    let object = decode(machine.clone(), None).object.unwrap();
    assert_eq!(object.to_json(), machine);
    let Spec::WorkloadEntry(entry) = object.spec else { panic!("{object:?}") };
    assert_eq!(entry.healthy, Some(false));
}

#[test]
fn secrets_do_not_show() {
    let secret = object(
        "{apiVersion: v1, kind: Secret, metadata: {name: tls}, type: Opaque,
          data: {tls.key: c2VjcmV0LWtleQ==}, stringData: {other: secret-text}}",
    );
    let Spec::Secret(content) = &secret.spec else { panic!() };
    assert_eq!(content.data["tls.key"].as_slice(), b"secret-key");
    assert_eq!(content.data["other"].as_slice(), b"secret-text");
    let shown = format!("{secret:?} {}", secret.to_json());
    assert!(shown.contains("tls.key") && !shown.contains("secret-") && !shown.contains("c2Vj"), "{shown}");
    assert!(!format!("{:?}", content.data).contains("115"), "bytes of a Secret are shown");
}

#[test]
fn kinds_without_a_type_are_kept_whole() {
    let plugin = yaml(
        "{apiVersion: extensions.istio.io/v1alpha1, kind: WasmPlugin, metadata: {name: t, namespace: a}, spec: {selector: {x: y}}}",
    );
    let object = decode(plugin.clone(), None).object.unwrap();
    assert_eq!((object.kind(), object.to_json()), (Kind::WasmPlugin, plugin));
}
