use super::{Gateway, Gateways};

fn gateway(network: &str, cluster: &str, address: &str, port: u16) -> Gateway {
    Gateway { address: address.into(), port, network: network.into(), cluster: cluster.into() }
}

#[test]
fn weights_are_scaled_by_what_all_counts_of_gateways_divide() {
    let two_and_three = [
        gateway("a", "c1", "192.0.2.1", 443),
        gateway("a", "c1", "192.0.2.2", 443),
        gateway("b", "c2", "192.0.2.3", 443),
        gateway("b", "c2", "192.0.2.4", 443),
        gateway("b", "c2", "192.0.2.5", 443),
    ];
    assert_eq!(Gateways::new(two_and_three.to_vec()).scale(), 6);
    assert_eq!(Gateways::default().scale(), 1);
    let twice = [two_and_three[0].clone(), two_and_three[0].clone()];
    assert_eq!(Gateways::new(twice.to_vec()).scale(), 1);
}

#[test]
fn gateways_of_the_endpoints_own_cluster_go_first() {
    let all = Gateways::new(vec![gateway("a", "c1", "192.0.2.1", 443), gateway("a", "c2", "192.0.2.2", 443)]);
    let found = |cluster| all.into_network("a", cluster).iter().map(|g| g.address.as_str()).collect::<Vec<_>>();
    assert_eq!(found("c2"), ["192.0.2.2"]);
    assert_eq!(found("c3"), ["192.0.2.1", "192.0.2.2"]);
    assert!(all.into_network("b", "c1").is_empty());
}

#[test]
fn a_gateway_of_the_ambient_mesh_alone_leads_nowhere() {
    let all = Gateways::new(vec![gateway("a", "c1", "192.0.2.1", 0)]);
    assert!(!all.is_empty());
    assert!(all.into_network("a", "c1").is_empty());
}
