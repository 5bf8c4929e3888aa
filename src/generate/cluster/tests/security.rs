//! TLS of every kind.

use envoy_types::pb::envoy::config::core::v3::TransportSocket;
use envoy_types::pb::envoy::config::core::v3::transport_socket::ConfigType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, UpstreamTlsContext,
};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;

use super::*;
use crate::api::destination_rule::{ClientTls, ClientTlsMode, ProxyProtocol};
use crate::base::Str;

fn with_tls(mode: ClientTlsMode, change: impl FnOnce(&mut ClientTls)) -> OutboundCluster {
    let mut tls = ClientTls { mode, ..ClientTls::default() };
    change(&mut tls);
    under(|p| p.tls = Some(tls))
}

fn context(socket: &TransportSocket) -> UpstreamTlsContext {
    let Some(ConfigType::TypedConfig(config)) = &socket.config_type else { panic!() };
    UpstreamTlsContext::decode(&config.value[..]).unwrap()
}

fn of(cluster: &OutboundCluster) -> UpstreamTlsContext {
    context(cluster.build().unwrap().transport_socket.as_ref().unwrap())
}

#[expect(deprecated, reason = "istiod sends this field")]
fn names(context: &UpstreamTlsContext) -> Vec<String> {
    let common = context.common_tls_context.as_ref().unwrap();
    let peer: &CertificateValidationContext = match common.validation_context_type.as_ref().unwrap() {
        ValidationContextType::CombinedValidationContext(combined) => {
            combined.default_validation_context.as_ref().unwrap()
        }
        ValidationContextType::ValidationContext(peer) => peer,
        _ => panic!(),
    };
    let exact = |m: &_| match m {
        Some(MatchPattern::Exact(name)) => name.clone(),
        _ => panic!(),
    };
    peer.match_subject_alt_names.iter().map(|m| exact(&m.match_pattern)).collect()
}

fn auto() -> OutboundCluster {
    let accounts: BTreeSet<Str> = ["spiffe://cluster.local/ns/shop/sa/cart".into()].into();
    let accounts = Accounts { found: Some(Handle::new(accounts)), stated: BTreeSet::new() };
    OutboundCluster { mutual: true, accounts, ..plain() }
}

#[test]
fn the_meshs_tls_is_used_with_endpoints_that_take_it() {
    let built = auto().build().unwrap();
    let [takes, others] = &built.transport_socket_matches[..] else { panic!() };
    assert!(built.transport_socket.is_none() && others.r#match.as_ref().unwrap().fields.is_empty());
    let tls = context(takes.transport_socket.as_ref().unwrap());
    assert_eq!(tls.sni, "outbound_.80_._.cart.shop.svc.cluster.local");
    assert_eq!(names(&tls), ["spiffe://cluster.local/ns/shop/sa/cart"]);
    assert_eq!(tls.common_tls_context.unwrap().alpn_protocols, ["istio-peer-exchange", "istio"]);
}

#[test]
fn calls_that_go_past_the_choice_of_an_endpoint_have_one_kind_of_socket() {
    let built = OutboundCluster { discovery: Discovery::Original { port: None }, ..auto() }.build().unwrap();
    assert!(built.transport_socket.is_some() && built.transport_socket_matches.is_empty());
}

#[test]
fn identities_count_in_every_trust_domain_that_is_an_alias() {
    let mut cluster = auto();
    cluster.accounts.stated.insert("cart.example.com".into());
    cluster.mesh = mesh(|m| m.trust_domain_aliases = vec!["old.example".into()]);
    let built = cluster.build().unwrap();
    let tls = context(built.transport_socket_matches[0].transport_socket.as_ref().unwrap());
    let expected =
        ["cart.example.com", "spiffe://cluster.local/ns/shop/sa/cart", "spiffe://old.example/ns/shop/sa/cart"];
    assert_eq!(names(&tls), expected);
}

#[test]
fn a_stock_envoy_offers_the_version_of_http_that_it_speaks() {
    let offered = |protocol| {
        let mut cluster = OutboundCluster { traits: Traits { exchange: false, ..traits() }, ..auto() };
        cluster.service.protocol = protocol;
        let built = cluster.build().unwrap();
        let tls = context(built.transport_socket_matches[0].transport_socket.as_ref().unwrap());
        tls.common_tls_context.unwrap().alpn_protocols
    };
    assert_eq!(offered(Protocol::Http), ["istio-http/1.1", "istio", "http/1.1"]);
    assert_eq!(offered(Protocol::Grpc), ["istio-h2", "istio", "h2"]);
    assert_eq!(offered(Protocol::Tcp), ["istio"]);
}

#[test]
fn a_rule_that_asks_for_the_meshs_tls_gets_it_with_every_endpoint() {
    let tls = of(&with_tls(ClientTlsMode::IstioMutual, |tls| tls.sni = "cart.internal".into()));
    assert_eq!(tls.sni, "cart.internal");
    let built = with_tls(ClientTlsMode::Disable, |_| {}).build().unwrap();
    assert!(built.transport_socket.is_none() && built.transport_socket_matches.is_empty());
}

#[test]
fn without_an_identity_the_meshs_tls_is_no_call_at_all_rather_than_clear_text() {
    let traits = Traits { identity: false, ..traits() };
    let built = OutboundCluster { traits, ..with_tls(ClientTlsMode::IstioMutual, |_| {}) }.build().unwrap();
    assert!(is(&built, DiscoveryType::Static) && built.load_assignment.is_none());
    assert!(built.eds_cluster_config.is_none());
}

#[test]
fn the_name_that_was_called_is_sent_and_checked_where_the_rule_names_no_server() {
    let options = |cluster: OutboundCluster| {
        let upstream = http(&cluster.build().unwrap()).and_then(|h| h.upstream_http_protocol_options);
        upstream.map(|o| (o.auto_sni, o.auto_san_validation))
    };
    assert_eq!(options(with_tls(ClientTlsMode::Simple, |_| {})), Some((true, true)));
    let named = with_tls(ClientTlsMode::Simple, |tls| tls.subject_alt_names = vec!["a".into()]);
    assert_eq!(options(named), Some((true, false)));
    assert_eq!(options(with_tls(ClientTlsMode::Simple, |tls| tls.sni = "a".into())), None);
    let lax = with_tls(ClientTlsMode::Simple, |tls| tls.insecure_skip_verify = Some(true));
    assert_eq!(options(lax), Some((true, false)));
}

#[test]
fn names_that_an_entry_states_are_those_of_its_servers() {
    let mut cluster = with_tls(ClientTlsMode::Simple, |_| {});
    cluster.accounts.stated.insert("db.example.com".into());
    assert!(names(&of(&cluster)).is_empty());
    cluster.service.registry = Registry::External;
    assert_eq!(names(&of(&cluster)), ["db.example.com"]);
}

#[test]
fn files_come_from_the_agent_or_without_one_are_read_by_envoy() {
    let said = |tls: &mut ClientTls| {
        tls.client_certificate = "/c.pem".into();
        tls.private_key = "/k.pem".into();
        tls.ca_certificates = "/ca.pem".into();
    };
    let with_agent = of(&with_tls(ClientTlsMode::Mutual, said)).common_tls_context.unwrap();
    assert_eq!(with_agent.tls_certificate_sds_secret_configs[0].name, "file-cert:/c.pem~/k.pem");
    let traits = Traits { identity: false, ..traits() };
    let alone = OutboundCluster { traits, ..with_tls(ClientTlsMode::Mutual, said) };
    let alone = of(&alone).common_tls_context.unwrap();
    assert!(alone.tls_certificate_sds_secret_configs.is_empty() && alone.tls_certificates.len() == 1);
    assert!(matches!(alone.validation_context_type, Some(ValidationContextType::ValidationContext(_))));
}

#[test]
fn mutual_tls_without_a_certificate_is_refused() {
    assert!(with_tls(ClientTlsMode::Mutual, |_| {}).build().is_err());
}

#[test]
fn sidecars_get_secrets_only_by_rules_for_selected_workloads() {
    let asked = || with_tls(ClientTlsMode::Simple, |tls| tls.credential_name = "db-roots".into());
    assert!(asked().build().unwrap().transport_socket.is_none());
    let mut selective = asked();
    selective.rule.as_mut().unwrap().selective = true;
    assert!(selective.build().unwrap().transport_socket.is_some());
    let gateway = OutboundCluster { traits: Traits { gateway: true, ..traits() }, ..asked() };
    assert!(gateway.build().unwrap().transport_socket.is_some());
    let config_map = with_tls(ClientTlsMode::Simple, |tls| tls.credential_name = "configmap://roots".into());
    assert!(config_map.build().unwrap().transport_socket.is_some());
}

#[test]
fn istios_alpn_is_kept_from_servers_outside_the_mesh() {
    let simple = with_tls(ClientTlsMode::Simple, |_| {}).build().unwrap();
    assert_eq!(metadata_text(&simple, "alpn_override").as_deref(), Some("false"));
    let mesh = with_tls(ClientTlsMode::IstioMutual, |_| {}).build().unwrap();
    assert_eq!(metadata_text(&mesh, "alpn_override"), None);
}

#[test]
fn certificates_of_the_proxys_own_replace_the_meshs() {
    let own = OwnCertificates { certificate: "/c".into(), key: "/k".into(), roots: "/r".into() };
    let cluster = OutboundCluster { traits: Traits { certificates: Some(own), ..traits() }, ..auto() };
    let tls = of(&cluster);
    assert_eq!(names(&tls), ["spiffe://cluster.local/ns/shop/sa/cart"]);
    let secrets = tls.common_tls_context.unwrap().tls_certificate_sds_secret_configs;
    assert_eq!(secrets[0].name, "file-cert:/c~/k");
}

#[test]
fn the_proxy_protocol_goes_before_every_socket() {
    const NAME: &str = "envoy.transport_sockets.upstream_proxy_protocol";
    let clear = under(|p| p.proxy_protocol = Some(ProxyProtocol::default()));
    assert_eq!(clear.build().unwrap().transport_socket.unwrap().name, NAME);
    let auto = OutboundCluster { rule: clear.rule, ..auto() }.build().unwrap();
    let sockets = auto.transport_socket_matches.into_iter().filter_map(|m| m.transport_socket);
    assert!(auto.transport_socket.is_none() && sockets.map(|s| s.name).all(|name| name == NAME));
}
