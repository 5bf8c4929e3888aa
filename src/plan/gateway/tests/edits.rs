//! What an edit touches.

use super::*;

/// Plans a gateway, edits, and says whether listeners and routes were planned again to another result.
fn moved(documents: &[String], edit: &str) -> (bool, bool) {
    let mut world = world(documents);
    let cache = Cache::default();
    let mut listeners: Class<GatewayListeners> =
        Planned::new(world.snapshot(), of_proxy(&world, &gate(), listener_facets), &mut (), &cache);
    let mut routes: Class<GatewayRoutes> =
        Planned::new(world.snapshot(), of_proxy(&world, &gate(), route_facets), &mut (), &cache);
    let changed = world.apply(edit);
    let snapshot = world.snapshot();
    (listeners.update(snapshot, &changed, &cache), routes.update(snapshot, &changed, &cache))
}

#[test]
fn a_virtual_service_of_a_gateway_moves_its_routes_and_nothing_else() {
    let documents = [
        gateway("a", "g", 1, &["{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}"]),
        bound("a", "v", "w.example.com", "g", &http("r", "x.example.com")),
    ];
    let other = bound("a", "v", "w.example.com", "g", &http("r2", "x.example.com"));
    assert_eq!(moved(&documents, &other), (false, true));
    let elsewhere = bound("a", "w", "w.example.com", "other", &http("r", "x.example.com"));
    assert_eq!(moved(&documents, &elsewhere), (false, false));
}

#[test]
fn a_new_service_under_a_pattern_gets_its_chain() {
    let auto = "{port: {number: 15443, name: tls, protocol: TLS}, hosts: ['*.local'], tls: {mode: AUTO_PASSTHROUGH}}";
    let documents = [gateway("a", "g", 1, &[auto]), service("shop", "api", "{name: http, port: 80}")];
    assert_eq!(moved(&documents, &service("shop", "cart", "{name: http, port: 80}")), (true, false));
}
