//! Clusters that hand calls on to the workload.

use super::*;

fn target(host: &str, port: u16, number: u16) -> Target {
    Target {
        host: host.into(),
        name: host.into(),
        namespace: "shop".into(),
        registry: Registry::Kubernetes,
        port: Port { number: port, name: "http".into(), protocol: Protocol::Http, target: TargetPort::Number(number) },
        number,
    }
}

fn inbound(targets: Vec<Target>) -> InboundCluster {
    InboundCluster {
        targets,
        rule: None,
        application: Application::AsMesh,
        pool: None,
        nameless: false,
        v4: true,
        traits: traits(),
        mesh: mesh(|_| {}),
    }
}

#[test]
fn an_inbound_cluster_leaves_from_an_address_that_capture_knows() {
    let built = inbound(vec![target("cart", 80, 8080)]).build().unwrap();
    assert_eq!(built.name, "inbound|8080||");
    assert!(is(&built, DiscoveryType::OriginalDst));
    assert_eq!(built.upstream_bind_config.unwrap().source_address.unwrap().address, "127.0.0.6");
    let six = InboundCluster { v4: false, ..inbound(vec![target("cart", 80, 8080)]) };
    assert_eq!(six.build().unwrap().upstream_bind_config.unwrap().source_address.unwrap().address, "::6");
}

#[test]
fn an_inbound_cluster_goes_to_localhost_where_the_mesh_says_so() {
    let mesh = mesh(|m| m.inbound_traffic_policy.mode = crate::api::mesh::InboundMode::Localhost);
    let built = InboundCluster { mesh, ..inbound(vec![target("cart", 80, 8080)]) }.build().unwrap();
    assert!(is(&built, DiscoveryType::Static) && built.upstream_bind_config.is_none());
    assert_eq!(built.load_assignment.unwrap().endpoints.len(), 1);
}

#[test]
fn an_inbound_cluster_names_the_services_that_come_in_by_the_port_of_the_first() {
    let cluster = inbound(vec![target("cart", 80, 8080), target("cart-admin", 81, 8080), target("basket", 80, 8080)]);
    let fields = cluster.build().unwrap().metadata.unwrap().filter_metadata["istio"].fields.clone();
    let Some(Kind::ListValue(services)) = fields["services"].kind.clone() else { panic!() };
    assert_eq!(services.values.len(), 2);
}
