//! Who may see debug pages and the page for people: callers of this machine, and service accounts by their tokens.

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, eventually};
use crate::support::replica::{Replica, SOON};

const AUDIENCE: &[&str] = &["istio-ca"];

fn account(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name}})
}

#[test]
fn a_token_of_the_control_planes_namespace_opens_all_pages_and_one_of_another_its_own() {
    let cluster = Cluster::with_crds();
    cluster.api().apply(vec![account("istio-system", "reader"), account("shop", "web"), account("kiali", "kiali")]);
    let variables = [("DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES", "kiali,grafana")];
    let replica = Replica::with(&cluster.kubeconfig(), "mizzen-1", &variables);
    replica.wait();
    let of = |namespace: &str, name: &str| cluster.api().token_for(namespace, name, AUDIENCE);
    let (reader, web, kiali) = (of("istio-system", "reader"), of("shop", "web"), of("kiali", "kiali"));
    let asked = |path: &str, token: &str| replica.page_from_elsewhere(path, Some(token));

    for path in ["/debug/syncz", "/ui/", "/ui/api/overview"] {
        assert_eq!(replica.page_from_elsewhere(path, None).0, 401, "{path}");
        assert_eq!((asked(path, &reader).0, asked(path, &kiali).0, asked(path, &web).0), (200, 200, 403), "{path}");
    }
    // Nobody is connected.
    let (status, said) = asked("/debug/edsz?proxyID=web-1.shop", &web);
    assert!(status == 404 && said.starts_with("Proxy not connected"), "{status} {said}");
    assert!(asked("/debug/registryz", &web).1.contains("service accounts of shop may see /debug/config_dump"));

    // Whoever has a token that is for the API server, as every Pod does, might have got it from anybody.
    let other = cluster.api().token("istio-system", "reader");
    let mut forged = reader.clone();
    forged.replace_range(reader.len() - 8.., "AAAAAAAA");
    for bad in [&other, &forged, "e30.e30.c2ln"] {
        let (status, said) = asked("/debug/syncz", bad);
        assert!(status == 401 && said.contains("--audience istio-ca"), "{status} {said}");
    }
    // One whose account is gone is good for a moment at most.
    cluster.api().delete(&account("kiali", "kiali"));
    eventually("the token to be refused", SOON, || asked("/debug/syncz", &kiali).0 == 401);
    let log = replica.log();
    assert!(log.contains("refused a page: shop/web may not see it"), "{log}");
    for token in [&reader, &web, &kiali, &other, &forged] {
        let signature = token.rsplit_once('.').unwrap().1;
        assert!(!log.contains(signature), "a token is in the log");
    }
}

#[test]
fn without_the_right_to_ask_whose_tokens_are_that_is_said_and_this_machine_may_look() {
    let cluster = Cluster::with_crds();
    let read = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "read"},
                      "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]});
    let bound = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                       "metadata": {"name": "read"}, "subjects": [{"kind": "ServiceAccount", "name": "istiod",
                       "namespace": "istio-system"}],
                       "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "read"}});
    cluster.api().apply(vec![account("istio-system", "istiod"), read, bound]);
    let replica = Replica::ready(&cluster.kubeconfig_of("istio-system/istiod"), "mizzen-1");
    let token = cluster.api().token_for("istio-system", "istiod", AUDIENCE);
    let (status, said) = replica.page_from_elsewhere("/debug/syncz", Some(&token));
    assert!(status == 503 && said.contains("resources: [tokenreviews], verbs: [create]"), "{status} {said}");
    assert!(replica.log().contains("mizzen may not ask whose the token is"), "{}", replica.log());
    assert!(replica.page("/debug/syncz").is_some());
}
