//! Which VirtualServices decide, and for which hosts.

use super::*;

fn server(hosts: &str) -> String {
    format!("{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [{hosts}]}}")
}

#[test]
fn a_host_with_a_namespace_is_for_virtual_services_of_that_namespace() {
    let world = world(&[
        gateway("a", "g", 1, &[&server("./a.example.com, shop/b.example.com, '*/c.example.com'")]),
        bound("a", "own", "a.example.com, b.example.com", "g", &http("own", "x.example.com")),
        bound("shop", "other", "a.example.com, b.example.com, c.example.com", "a/g", &http("other", "x.example.com")),
    ]);
    assert_eq!(hosts(&world, &gate(), "http.80"), ["a.example.com: own", "b.example.com c.example.com: other"]);
}

#[test]
fn of_two_hosts_that_overlap_the_narrower_one_is_taken() {
    let world = world(&[
        gateway("a", "g", 1, &[&server("'*.example.com', api.example.org")]),
        bound("a", "v", "www.example.com, '*.org', x.example.net", "g", &http("r", "x.example.com")),
    ]);
    assert_eq!(hosts(&world, &gate(), "http.80"), ["api.example.org www.example.com: r"]);
}

#[test]
fn several_virtual_services_share_a_host_and_those_that_take_all_go_last() {
    let two = "http: [{name: narrow-a, match: [{uri: {prefix: /a}}], route: [{destination: {host: x.example.com}}]},
                      {name: all-a, route: [{destination: {host: x.example.com}}]}]";
    let world = world(&[
        gateway("a", "g", 1, &[&server("'*'")]),
        bound("a", "first", "w.example.com", "g", two),
        bound("a", "second", "w.example.com", "g", &two.replace("-a", "-b").replace("/a", "/b")),
    ]);
    assert_eq!(hosts(&world, &gate(), "http.80"), ["w.example.com: narrow-a narrow-b all-a all-b"]);
}

#[test]
fn conditions_are_for_the_gateways_and_the_port_that_they_name() {
    let rules = "http: [
        {name: mesh, match: [{gateways: [mesh], uri: {prefix: /m}}], route: [{destination: {host: x.example.com}}]},
        {name: here, match: [{gateways: [g], uri: {prefix: /h}}], route: [{destination: {host: x.example.com}}]},
        {name: port, match: [{port: 443, uri: {prefix: /p}}], route: [{destination: {host: x.example.com}}]},
        {name: rest, route: [{destination: {host: x.example.com}}]}]";
    let world = world(&[gateway("a", "g", 1, &[&server("'*'")]), bound("a", "v", "w.example.com", "g, mesh", rules)]);
    assert_eq!(hosts(&world, &gate(), "http.80"), ["w.example.com: here rest"]);
}

#[test]
fn a_redirect_to_https_needs_no_virtual_service() {
    let redirects = "{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example.com, b.example.com], tls: {httpsRedirect: true}}";
    let world = world(&[
        gateway("a", "g", 1, &[redirects]),
        bound("a", "v", "a.example.com", "g", &http("r", "x.example.com")),
    ]);
    assert_eq!(hosts(&world, &gate(), "http.80"), ["a.example.com redirects: r", "b.example.com redirects:"]);
}

#[test]
fn a_gateway_without_routes_answers_404() {
    let world = world(&[gateway("a", "g", 1, &[&server("'*'")])]);
    assert_eq!(hosts(&world, &gate(), "http.80"), ["*:"]);
    assert_eq!(routes(&world, &gate())["http.80"].virtual_hosts[0].name, "blackhole:80");
}

#[test]
fn a_virtual_service_is_for_gateways_of_namespaces_that_see_it() {
    let world = world(&[
        gateway("a", "g", 1, &[&server("'*'")]),
        bound("a", "v", "w.example.com", "g", &format!("exportTo: [edge], {}", http("r", "x.example.com"))),
    ]);
    assert_eq!(hosts(&world, &gate(), "http.80"), ["w.example.com: r"]);
    assert_eq!(hosts(&world, &router("elsewhere", json!({})), "http.80"), ["*:"]);
}

#[test]
fn a_destination_without_a_port_is_called_on_the_only_one_of_its_service() {
    let world = world(&[
        gateway("a", "g", 1, &[&server("'*'")]),
        service("a", "one", "{name: http, port: 9090}"),
        service("a", "two", "{name: http, port: 9090}, {name: http-b, port: 9091}"),
        bound("a", "v", "one.example.com", "g", &http("r", "one")),
        bound("a", "w", "two.example.com", "g", &http("r", "two")),
    ]);
    let cluster = |index: usize| {
        use envoy_types::pb::envoy::config::route::v3::{route, route_action};
        let host = routes(&world, &gate()).remove("http.80").unwrap().virtual_hosts.remove(index);
        match host.routes.into_iter().next().unwrap().action {
            Some(route::Action::Route(action)) => match action.cluster_specifier {
                Some(route_action::ClusterSpecifier::Cluster(name)) => name,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(cluster(0), "outbound|9090||one.a.svc.cluster.local");
    assert_eq!(cluster(1), "outbound|80||two.a.svc.cluster.local");
}

#[test]
fn callers_outside_are_believed_as_far_as_the_proxies_in_front() {
    let topology = json!({"PROXY_CONFIG": {"gatewayTopology": {"numTrustedProxies": 2,
        "forwardClientCertDetails": "FORWARD_ONLY", "proxyProtocol": {}}}});
    let world = world(&[gateway("a", "g", 1, &[&server("'*'")])]);
    let of = |proxy: &Proxy| listeners(&world, proxy).remove("0.0.0.0_80").unwrap();
    let read = |l: &Listener| manager(&l.filter_chains[0].filters[0]);
    let (plain, behind) = (of(&gate()), of(&router("edge", topology)));
    assert!(plain.listener_filters.is_empty());
    assert_eq!((read(&plain).xff_num_trusted_hops, read(&plain).use_remote_address.unwrap().value), (0, true));
    assert!(read(&plain).set_current_client_cert_details.is_some());
    assert_eq!(behind.listener_filters[0].name, "envoy.filters.listener.proxy_protocol");
    assert_eq!(read(&behind).xff_num_trusted_hops, 2);
    assert!(read(&behind).set_current_client_cert_details.is_none());
}

#[test]
fn addresses_of_the_meshs_networks_count_as_its_own() {
    let mut world = world(&[
        gateway("a", "g", 1, &["{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}"]),
        bound("a", "v", "w.example.com", "g", &http("r", "x.example.com")),
    ]);
    let internal = |world: &World| {
        let listener = listeners(world, &gate()).remove("0.0.0.0_80").unwrap();
        let config = manager(&listener.filter_chains[0].filters[0]).internal_address_config;
        let ranges = config.into_iter().flat_map(|config| config.cidr_ranges);
        ranges.map(|range| format!("{}/{}", range.address_prefix, range.prefix_len.unwrap().value)).collect::<Vec<_>>()
    };
    assert_eq!(internal(&world), Vec::<String>::new());
    let endpoints = json!([{"fromCidr": "10.2.0.0/16"}, {"fromRegistry": "Kubernetes"}, {"fromCidr": "10.1.0.0/16"}]);
    world.networks(
        json!({"networks": {"near": {"endpoints": endpoints, "gateways": [{"address": "1.2.3.4", "port": 1}]}}}),
    );
    assert_eq!(internal(&world), ["10.1.0.0/16", "10.2.0.0/16"]);
}
