//! What a Node says, and what is made of it.

use serde_json::json;

use super::*;

fn proxy(id: &str, metadata: serde_json::Value) -> Result<Proxy, Error> {
    Proxy::new(id, "client.shop", Locality::default(), &metadata, Default::default())
}

#[test]
fn a_node_id_has_four_parts() {
    let p = proxy("sidecar~10.1.0.5~client.shop~shop.svc.cluster.local", json!({})).unwrap();
    assert_eq!((p.role, &*p.namespace, &*p.addresses[0]), (Role::Sidecar, "shop", "10.1.0.5"));
    assert_eq!(p.cluster_domain(), "cluster.local");
    assert!(matches!(proxy("sidecar~10.1.0.5", json!({})), Err(Error::Id(_))));
    assert!(matches!(proxy("toaster~1~a.b~c", json!({})), Err(Error::Role(_))));
}

#[test]
fn strings_are_booleans_lists_and_json() {
    let p = proxy(
        "sidecar~10.1.0.5~client.shop~d",
        json!({"DNS_CAPTURE": "true", "INSTANCE_IPS": "10.1.0.5,fd00::5", "POD_PORTS": "[{\"containerPort\":80}]", "ENVOY_STATUS_PORT": 15021}),
    )
    .unwrap();
    assert!(p.captures_dns());
    assert_eq!(p.families(), (true, true));
    assert_eq!(p.metadata.json("POD_PORTS").unwrap()[0]["containerPort"], 80);
    assert_eq!(p.metadata.number("ENVOY_STATUS_PORT"), Some(15021));
    assert_eq!(p.metadata.flag("HTTP10"), Flag::Unset);
}

#[test]
fn a_proxy_without_a_list_or_with_istios_type_is_istios() {
    let able = |types: &[&str]| Capabilities::new(types.iter().copied().collect(), false);
    assert!(able(&[]).is_istio());
    assert!(able(&["stats.PluginConfig"]).is_istio());
    let stock = able(&["envoy.a.B"]);
    assert!(!stock.is_istio() && !stock.has_identity());
    assert!(stock.has("type.googleapis.com/envoy.a.B") && !stock.has("stats.PluginConfig"));
}

#[test]
fn the_version_tells_what_it_expects() {
    let version = |v: &str| proxy("sidecar~1~a.b~c", json!({ "ISTIO_VERSION": v })).unwrap().version();
    assert_eq!(version("1.28.1"), (1, 28));
    assert_eq!(version("1.32-alpha.0"), (1, 32));
    assert_eq!(version(""), (u16::MAX, 0));
}
