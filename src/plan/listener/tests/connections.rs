//! Routes of connections, and what rules say of them.

use serde_json::json;

use super::*;

fn routes(hosts: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{name: v, namespace: shop}}, \
         spec: {{hosts: [{hosts}], {spec}}}}}"
    )
}

fn rule(host: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {{name: r, namespace: shop}}, \
         spec: {{host: {host}, {spec}}}}}"
    )
}

fn with_labels(labels: serde_json::Value) -> Proxy {
    sidecar("shop", json!({"LABELS": labels}))
}

#[test]
fn connections_are_shared_out_and_a_destination_without_a_share_is_left_out() {
    let split = "tcp: [{route: [{destination: {host: a, subset: v1}, weight: 70}, {destination: {host: b, port: {number: 9}}, weight: 30}, {destination: {host: b}, weight: 0}]}]";
    let world = world(&[service("a", "10.96.0.1", 8300, "tcp"), routes("a", split)]);
    let listener = &listeners(&world, &client())["10.96.0.1_8300"];
    let want = "> 70 outbound|8300|v1|a.shop.svc.cluster.local, 30 outbound|9||b.shop.svc.cluster.local";
    assert_eq!(chains(listener), [want]);
    let metadata = listener.filter_chains[0].metadata.as_ref().unwrap();
    assert!(format!("{metadata:?}").contains("/apis/networking.istio.io/v1/namespaces/shop/virtual-service/v"));
}

#[test]
fn a_route_is_for_callers_with_its_labels_and_namespace() {
    let to_b = "tcp: [{match: [{sourceLabels: {app: vip}, sourceNamespace: shop}], route: [{destination: {host: b}}]}]";
    let world = world(&[service("a", "10.96.0.1", 8300, "tcp"), routes("a", to_b)]);
    let to = |proxy: &Proxy| chains(&listeners(&world, proxy)["10.96.0.1_8300"]).concat();
    assert_eq!(to(&with_labels(json!({"app": "vip"}))), "> outbound|8300||b.shop.svc.cluster.local");
    assert_eq!(to(&client()), "> outbound|8300||a.shop.svc.cluster.local");
    let elsewhere = sidecar("elsewhere", json!({"LABELS": {"app": "vip"}}));
    assert_eq!(to(&elsewhere), "> outbound|8300||a.shop.svc.cluster.local");
}

#[test]
fn labels_that_no_route_asks_for_make_no_class() {
    let to_b = "tcp: [{match: [{sourceLabels: {app: vip}}], route: [{destination: {host: b}}]}]";
    let world = world(&[service("a", "10.96.0.1", 8300, "tcp"), routes("a", to_b)]);
    let scope = world.snapshot().scope(&"shop".into());
    let view = View::new(world.snapshot(), &scope);
    let facets = |labels| byte_facets(&view, &with_labels(labels));
    assert!(facets(json!({"app": "cart", "team": "x"})) == facets(json!({"app": "till"})));
    assert!(facets(json!({"app": "vip"})) != facets(json!({"app": "till"})));
}

#[test]
fn subnets_have_chains_of_their_own_and_the_rest_goes_to_the_service() {
    let by_subnet = "tcp: [{match: [{destinationSubnets: [10.96.0.0/28], port: 8300}, {destinationSubnets: [10.97.0.1], port: 1}], route: [{destination: {host: b}}]}]";
    let world = world(&[service("a", "10.96.0.1", 8300, "tcp"), routes("a", by_subnet)]);
    let want = ["10.96.0.0/28 > outbound|8300||b.shop.svc.cluster.local", "> outbound|8300||a.shop.svc.cluster.local"];
    assert_eq!(chains(&listeners(&world, &client())["10.96.0.1_8300"]), want);
}

#[test]
fn of_equal_names_in_the_handshake_the_first_route_counts() {
    let to_b = "tls: [{match: [{sniHosts: [x.example]}], route: [{destination: {host: b, port: {number: 1}}}]}]";
    let to_c = "tls: [{match: [{sniHosts: [x.example]}, {sniHosts: [y.example]}], route: [{destination: {host: c, port: {number: 1}}}]}]";
    let second = routes("a, x.example, y.example", to_c).replace("name: v", "name: w");
    let world = world(&[service("a", "10.96.0.1", 443, "tls"), routes("a, x.example", to_b), second]);
    let want = [
        "x.example > outbound|1||b.shop.svc.cluster.local",
        "y.example > outbound|1||c.shop.svc.cluster.local",
        "> PassthroughCluster",
    ];
    assert_eq!(chains(&listeners(&world, &client())["10.96.0.1_443"]), want);
}

#[test]
fn names_and_ranges_that_an_earlier_chain_takes_are_left_out_of_later_ones() {
    let to_b = "tls: [{match: [{sniHosts: [x.example, z.example, x.example]}], route: [{destination: {host: b, port: {number: 1}}}]}]";
    let to_c =
        "tls: [{match: [{sniHosts: [x.example, y.example]}], route: [{destination: {host: c, port: {number: 1}}}]}]";
    let second = routes("a, x.example, y.example", to_c).replace("name: v", "name: w");
    let world = world(&[
        service("a", "10.96.0.1", 443, "tls"),
        routes("a, x.example, z.example", to_b),
        second,
        entry("p", "p.example", 8400, "TCP", "resolution: NONE, addresses: [10.1.0.0/16, 10.2.0.0/16]"),
        entry("q", "q.example", 8400, "TCP", "resolution: NONE, addresses: [10.2.7.7/16, 10.3.0.0/16]"),
    ]);
    let want = [
        "x.example z.example > outbound|1||b.shop.svc.cluster.local",
        "y.example > outbound|1||c.shop.svc.cluster.local",
        "> PassthroughCluster",
    ];
    let all = listeners(&world, &client());
    assert_eq!(chains(&all["10.96.0.1_443"]), want);
    let ranges = ["10.1.0.0/16 > ", "10.2.0.0/16 > ", "10.3.0.0/16 > "];
    let chains = chains(&all["0.0.0.0_8400"]);
    assert!(ranges.iter().zip(&chains).all(|(range, chain)| chain.starts_with(range)), "{chains:?}");
}

#[test]
fn routes_for_hosts_under_a_wildcard_count_for_the_wildcard() {
    let entry = entry("w", "*.w.example", 443, "TLS", "resolution: NONE, location: MESH_EXTERNAL");
    let to_b = "tls: [{match: [{sniHosts: [x.w.example]}], route: [{destination: {host: b, port: {number: 1}}}]}]";
    let mut world = world(&[entry]);
    let before = world.snapshot().clone();
    let changed = world.apply(&routes("x.w.example", to_b));
    let want = ["x.w.example > outbound|1||b.shop.svc.cluster.local", "> PassthroughCluster"];
    assert_eq!(chains(&listeners(&world, &client())["0.0.0.0_443"]), want);

    let (cache, facets) = (Cache::default(), byte_facets(&View::new(&before, &Scope::Public), &client()));
    let mut class: Class<ListenerPlanner> = Planned::new(&before, facets, &mut (), &cache);
    assert!(class.update(world.snapshot(), &changed, &cache), "a new exact host is seen");
}

#[test]
fn a_rule_limits_connections_and_binds_them_to_their_source() {
    let policy = "trafficPolicy: {connectionPool: {tcp: {idleTimeout: 30s, maxConnectionDuration: 1h}}, \
                  loadBalancer: {consistentHash: {useSourceIp: true}}, tunnel: {targetHost: t.example, targetPort: 443}}, \
                  subsets: [{name: v1, labels: {v: '1'}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}]";
    let to_v1 = "tcp: [{match: [{port: 8301}], route: [{destination: {host: a, subset: v1}}]}]";
    let ports = "{apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop}, \
                 spec: {clusterIP: 10.96.0.1, ports: [{name: tcp-a, port: 8300}, {name: tcp-b, port: 8301}]}}";
    let world = world(&[ports.to_owned(), rule("a", policy), routes("a", to_v1)]);
    let all = listeners(&world, &client());
    let proxy = |name: &str| {
        let filter = all[name].filter_chains[0].filters.last().unwrap();
        let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { panic!("no config") };
        TcpProxy::decode(&config.value[..]).unwrap()
    };
    let whole = proxy("10.96.0.1_8300");
    assert_eq!(whole.idle_timeout.unwrap().seconds, 30);
    assert_eq!(whole.max_downstream_connection_duration.unwrap().seconds, 3600);
    assert_eq!(whole.hash_policy.len(), 1);
    assert_eq!(whole.tunneling_config.unwrap().hostname, "t.example:443");
    let subset = proxy("10.96.0.1_8301");
    assert_eq!(subset.idle_timeout.unwrap().seconds, 30, "limits are those of the rule");
    assert!(subset.hash_policy.is_empty() && subset.tunneling_config.is_none());
}
