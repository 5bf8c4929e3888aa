//! TLS that ends at a gateway.

use envoy_types::pb::envoy::config::core::v3::transport_socket::ConfigType as Socket;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;

use super::*;

/// The TLS of the only chain at port 443.
fn context(tls: &str, protocol: &str) -> DownstreamTlsContext {
    let server =
        format!("{{port: {{number: 443, name: p, protocol: {protocol}}}, hosts: [a.example.com], tls: {{{tls}}}}}");
    let world = world(&[
        gateway("a", "g", 1, &[&server]),
        bound(
            "a",
            "v",
            "a.example.com",
            "g",
            "tcp: [{route: [{destination: {host: x.example.com, port: {number: 1}}}]}]",
        ),
    ]);
    let listener = listeners(&world, &gate()).remove("0.0.0.0_443").unwrap();
    assert_eq!(listener.filter_chains.len(), 1);
    match listener.filter_chains[0].transport_socket.clone().unwrap().config_type {
        Some(Socket::TypedConfig(any)) => DownstreamTlsContext::decode(&any.value[..]).unwrap(),
        None => panic!("no configuration"),
    }
}

/// The names of certificates, and that of the roots by which clients are checked.
fn secrets(context: &DownstreamTlsContext) -> (Vec<String>, Option<String>) {
    let common = context.common_tls_context.clone().unwrap();
    let own = common.tls_certificate_sds_secret_configs.into_iter().map(|s| s.name).collect();
    let roots = match common.validation_context_type {
        Some(ValidationContextType::CombinedValidationContext(c)) => c.validation_context_sds_secret_config,
        _ => None,
    };
    (own, roots.map(|r| r.name))
}

#[test]
fn a_credential_names_the_certificate_and_where_clients_are_checked_the_roots() {
    let one = |name: &str| vec![format!("kubernetes://{name}")];
    let roots = |name: &str| Some(format!("kubernetes://{name}"));
    for (mode, required, want) in
        [("SIMPLE", false, None), ("MUTUAL", true, roots("c-cacert")), ("OPTIONAL_MUTUAL", false, roots("c-cacert"))]
    {
        let context = context(&format!("mode: {mode}, credentialName: c"), "HTTPS");
        assert_eq!(secrets(&context), (one("c"), want), "{mode}");
        assert_eq!(context.require_client_certificate.unwrap().value, required, "{mode}");
    }
    let several = context("mode: MUTUAL, credentialNames: [rsa, ecdsa]", "HTTPS");
    assert_eq!(secrets(&several), ([one("rsa"), one("ecdsa")].concat(), roots("rsa-cacert")));
    let apart = context("mode: MUTUAL, credentialName: c, caCertCredentialName: roots", "HTTPS");
    assert_eq!(secrets(&apart), (one("c"), roots("roots")));
}

#[test]
fn files_are_served_by_the_agent() {
    let files = "serverCertificate: /c.pem, privateKey: /k.pem, caCertificates: /r.pem";
    let context = context(&format!("mode: MUTUAL, {files}"), "HTTPS");
    assert_eq!(secrets(&context), (vec!["file-cert:/c.pem~/k.pem".into()], Some("file-root:/r.pem".into())));
}

#[test]
fn the_meshs_own_tls_ends_with_the_meshs_own_certificates() {
    for (protocol, alpn) in
        [("HTTPS", &["h2", "http/1.1"][..]), ("TLS", &["istio-peer-exchange", "h2", "http/1.1"][..])]
    {
        let context = context("mode: ISTIO_MUTUAL", protocol);
        assert_eq!(secrets(&context), (vec!["default".into()], Some("ROOTCA".into())));
        let common = context.common_tls_context.unwrap();
        assert_eq!((common.alpn_protocols, common.tls_params), (alpn.iter().map(|&p| p.to_owned()).collect(), None));
    }
}

#[test]
fn versions_and_suites_are_as_said_but_for_unknown_ones() {
    let said = "mode: SIMPLE, credentialName: c, maxProtocolVersion: TLSV1_2, cipherSuites: [AES128-SHA]";
    let params = context(said, "HTTPS").common_tls_context.unwrap().tls_params.unwrap();
    assert_eq!((params.cipher_suites, params.tls_maximum_protocol_version), (vec!["AES128-SHA".to_owned()], 3));
    assert_eq!(context("mode: SIMPLE, credentialName: c", "HTTPS").common_tls_context.unwrap().tls_params, None);
}

#[test]
fn a_proxy_without_identity_ends_no_tls_of_the_mesh() {
    let server = |name: &str, tls: &str| {
        format!("{{port: {{number: 443, name: {name}, protocol: HTTPS}}, hosts: [{name}.example.com], tls: {{{tls}}}}}")
    };
    let world = world(&[gateway(
        "a",
        "g",
        1,
        &[&server("mesh", "mode: ISTIO_MUTUAL"), &server("own", "mode: SIMPLE, credentialName: c")],
    )]);
    let basics = [
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "envoy.extensions.filters.http.router.v3.Router",
        "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
    ];
    let metadata = json!({"NAMESPACE": "edge", "LABELS": {"istio": "gate"}});
    let id = "router~10.1.0.9~gate.edge~edge.svc.cluster.local";
    let stock = Proxy::new(id, "gate", Locality::default(), &metadata, basics.into_iter().collect()).unwrap();
    assert_eq!(chains(&world, &stock, "0.0.0.0_443"), ["own.example.com TLS > https.443.own.g.a"]);
    assert_eq!(chains(&world, &gate(), "0.0.0.0_443").len(), 2);
}
