//! The mesh config.

use std::net::IpAddr;

use super::at::At;
use super::name::{is_fqdn, is_label};
use super::observer;
use crate::api::mesh::{
    AuthenticationPolicy, ClusterName, ConnectionSettings, MeshConfig, PrivateKeyProvider, ProxyConfig, Tracer,
};
use crate::api::report::Report;
use crate::base::{Duration, Str};

const CURVES: [&str; 7] = ["P-224", "P-256", "P-521", "P-384", "X25519", "X25519Kyber768Draft00", "X25519MLKEM768"];

/// Reports everything that is wrong with the mesh config.
pub(in crate::api) fn mesh(mesh: &MeshConfig, report: &Report) {
    let at = &At::new("", report);
    at.field("proxyListenPort").listener(mesh.proxy_listen_port);
    at.field("proxyInboundListenPort").listener(mesh.proxy_inbound_listen_port);
    if mesh.proxy_http_port != 0 {
        at.field("proxyHttpPort").listener(mesh.proxy_http_port);
    }
    let connect = at.field("connectTimeout");
    connect.duration(Some(mesh.connect_timeout));
    connect.require(mesh.connect_timeout <= Duration::from_secs(3600), "must be at most an hour");
    let detection = mesh.protocol_detection_timeout;
    at.field("protocolDetectionTimeout").duration(Some(detection).filter(|t| *t != Duration::ZERO));
    at.field("dnsRefreshRate").duration(Some(mesh.dns_refresh_rate));
    at.field("hboneIdleTimeout").span(mesh.hbone_idle_timeout);
    at.field("tcpKeepalive").tcp_keepalive(mesh.tcp_keepalive);
    proxy_config(&mesh.default_config, &at.field("defaultConfig"));
    at.field("localityLbSetting").locality_balancing(mesh.locality_lb_setting.as_ref(), true);
    at.field("zoneAwareLbSetting").zone_aware_balancing(mesh.zone_aware_lb_setting.as_ref(), true);
    at.field("serviceSettings").each(&mesh.service_settings, |settings, at| {
        at.field("hosts").each(&settings.hosts, |host, at| at.wildcard(host));
    });
    at.field("discoverySelectors").each(&mesh.discovery_selectors, |selector, at| at.label_selector(selector));
    at.field("trustDomain").trust_domain(&mesh.trust_domain);
    at.field("trustDomainAliases").each(&mesh.trust_domain_aliases, |domain, at| at.trust_domain(domain));
    at.field("defaultHttpRetryPolicy").retries(mesh.default_http_retry_policy.as_ref());
    at.field("defaultInboundHttpRetryPolicy").retries(mesh.default_inbound_http_retry_policy.as_ref());
    at.field("outboundTrafficPolicy").field("tls").client_tls(mesh.outbound_traffic_policy.tls.as_ref(), "");
    default_providers(mesh, &at.field("defaultProviders"));
    observer::mesh_log(mesh, at);
    tls(mesh, at);
    if let Some(policy) = &mesh.default_traffic_policy {
        let at = at.field("defaultTrafficPolicy");
        at.field("connectionPool").connection_pool(policy.connection_pool.as_ref());
        at.field("outlierDetection").outlier_detection(policy.outlier_detection.as_ref());
    }
}

fn default_providers(mesh: &MeshConfig, at: &At<'_>) {
    let said = &mesh.default_providers;
    for (field, names) in
        [("tracing", &said.tracing), ("metrics", &said.metrics), ("accessLogging", &said.access_logging)]
    {
        at.field(field).each(names, |name, at| {
            if !mesh.extension_providers.iter().any(|p| p.name.eq_ignore_ascii_case(name)) {
                at.ineffective(format_args!("extensionProviders has no provider {name:?}"));
            }
        });
    }
}

fn tls(mesh: &MeshConfig, at: &At<'_>) {
    if let Some(inside) = &mesh.mesh_mtls {
        let text = "is not supported inside the mesh";
        at.field("meshMTLS").field("ecdhCurves").require(inside.ecdh_curves.is_empty(), text);
        at.field("meshMTLS").field("cipherSuites").cipher_suites(&inside.cipher_suites);
    }
    if let Some(outside) = &mesh.tls_defaults {
        let at = at.field("tlsDefaults");
        at.field("cipherSuites").cipher_suites(&outside.cipher_suites);
        at.field("ecdhCurves").each(&outside.ecdh_curves, |curve, at| {
            if !CURVES.contains(&curve.as_str()) {
                at.ineffective(format_args!("{curve:?} is no known curve"));
            }
        });
    }
}

fn proxy_config(config: &ProxyConfig, at: &At<'_>) {
    at.field("configPath").require(!config.config_path.is_empty(), "must not be empty");
    at.field("binaryPath").require(!config.binary_path.is_empty(), "must not be empty");
    let named = config.cluster_name != Some(ClusterName::ServiceCluster(Str::default()));
    at.field("serviceCluster").require(named, "must not be empty");
    at.field("drainDuration").duration(config.drain_duration);
    let whole = config.drain_duration.is_none_or(|d| d.split().1 == 0);
    at.field("drainDuration").require(whole, "must be in whole seconds");
    at.field("terminationDrainDuration").span(config.termination_drain_duration);
    at.field("discoveryAddress").address(&config.discovery_address);
    for (name, address) in [
        ("statsdUdpAddress", &config.statsd_udp_address),
        ("envoyMetricsServiceAddress", &config.envoy_metrics_service_address),
    ] {
        at.field(name).optional_address(address);
    }
    for (name, service) in [
        ("envoyMetricsService", &config.envoy_metrics_service),
        ("envoyAccessLogService", &config.envoy_access_log_service),
    ] {
        if let Some(service) = service {
            at.field(name).field("address").optional_address(&service.address);
            at.field(name).field("tlsSettings").client_tls(service.tls_settings.as_ref(), "");
        }
    }
    at.field("proxyAdminPort").listener(config.proxy_admin_port);
    at.field("statusPort").listener(config.status_port);
    if config.control_plane_auth_policy == AuthenticationPolicy::Inherit {
        at.field("controlPlaneAuthPolicy").invalid("must be NONE or MUTUAL_TLS");
    }
    tracing(config, &at.field("tracing"));
    if let Some(PrivateKeyProvider::Cryptomb(settings) | PrivateKeyProvider::Qat(settings)) =
        config.private_key_provider
    {
        let set = settings.poll_delay.is_some_and(|d| d != Duration::ZERO);
        at.field("privateKeyProvider").require(set, "must have a pollDelay that is not zero");
    }
    if let Some(settings) = &config.connection_settings {
        connection_settings(settings, &at.field("connectionSettings"));
    }
}

fn tracing(config: &ProxyConfig, at: &At<'_>) {
    let Some(tracing) = &config.tracing else { return };
    at.field("sampling").percentage(Some(tracing.sampling));
    observer::proxy_tags(tracing, at);
    at.field("tlsSettings").client_tls(tracing.tls_settings.as_ref(), "");
    let on_node = |address: &Str| address.replace("$(HOST_IP)", "127.0.0.1");
    match &tracing.tracer {
        Some(Tracer::Zipkin(zipkin)) => at.field("zipkin").field("address").address(&on_node(&zipkin.address)),
        Some(Tracer::Datadog(datadog)) => at.field("datadog").field("address").address(&on_node(&datadog.address)),
        Some(Tracer::Lightstep(lightstep)) => {
            let at = at.field("lightstep");
            at.field("address").address(&lightstep.address);
            at.field("accessToken").require(!lightstep.access_token.is_empty(), "must not be empty");
        }
        Some(Tracer::Stackdriver(_) | Tracer::OpenCensusAgent(_)) | None => {}
    }
}

fn connection_settings(settings: &ConnectionSettings, at: &At<'_>) {
    for (name, duration) in [
        ("httpIdleTimeout", settings.http_idle_timeout),
        ("httpMaxConnectionDuration", settings.http_max_connection_duration),
        ("httpDrainTimeout", settings.http_drain_timeout),
        ("httpRequestTimeout", settings.http_request_timeout),
        ("httpRequestHeadersTimeout", settings.http_request_headers_timeout),
        ("httpStreamIdleTimeout", settings.http_stream_idle_timeout),
        ("httpMaxStreamDuration", settings.http_max_stream_duration),
    ] {
        at.field(name).span(duration);
    }
    for (name, number, least) in [
        ("listenerPerConnectionBufferLimitBytes", settings.listener_per_connection_buffer_limit_bytes, 0),
        ("clusterPerConnectionBufferLimitBytes", settings.cluster_per_connection_buffer_limit_bytes, 0),
        ("httpMaxConcurrentStreams", settings.http_max_concurrent_streams, 1),
        ("http2InitialStreamWindowSize", settings.http2_initial_stream_window_size, 65535),
        ("http2InitialConnectionWindowSize", settings.http2_initial_connection_window_size, 65535),
        ("listenerConnectionLimit", settings.listener_connection_limit, 1),
        ("globalDownstreamConnectionLimit", settings.global_downstream_connection_limit, 1),
    ] {
        at.field(name).require(number.is_none_or(|n| n >= least), format_args!("must be at least {least}"));
    }
}

impl At<'_> {
    /// The port of a listener of the proxy.
    fn listener(&self, port: i32) {
        self.port(u32::try_from(port).unwrap_or_default());
    }

    /// Host and port of a server.
    fn address(&self, address: &str) {
        let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let host = |host: &str| {
            let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
            is_fqdn(host) || inner.unwrap_or(host).parse::<IpAddr>().is_ok_and(|ip| inner.is_some() == ip.is_ipv6())
        };
        let valid = parts.is_some_and(|(name, port)| port != 0 && host(name));
        self.require(valid, format_args!("must be the host and port of a server, found {address:?}"));
    }

    /// Host and port of a server, or nothing.
    fn optional_address(&self, address: &str) {
        if !address.is_empty() {
            self.address(address);
        }
    }

    /// A trust domain.
    fn trust_domain(&self, domain: &str) {
        let valid = domain.strip_suffix('.').unwrap_or(domain).split('.').all(is_label);
        self.require(valid, format_args!("must be a trust domain such as example.com, found {domain:?}"));
    }
}
