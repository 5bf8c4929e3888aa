//! Which callers a port takes, by what is spoken there and by the mode of mutual TLS (istio
//! `pilot/pkg/networking/core/filterchain_options.go`).

use crate::api::mesh::{MeshConfig, TlsProtocol};
use crate::base::Str;
use crate::generate::inbound::ServerTls;
use crate::generate::listener::{CLEAR_HTTP, Transport};
use crate::model::facts::{Handle, PeerMode, Protocol};
use crate::proxy::Proxy;

/// Callers that get a chain of their own.
pub(super) struct Taken {
    /// The protocols that they offer or that are detected; empty for any.
    pub(super) protocols: &'static [&'static str],
    pub(super) transport: Transport,
    /// Whether calls are read.
    pub(super) calls: bool,
    /// Whether the mesh's TLS ends here.
    pub(super) terminates: bool,
}

/// What sidecars offer for calls, for bytes, and for anything.
const MESH_CALLS: &[&str] = &["istio-http/1.0", "istio-http/1.1", "istio-h2"];
const MESH_BYTES: &[&str] = &["istio-peer-exchange", "istio"];
const MESH: &[&str] = &["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"];

const fn mesh(protocols: &'static [&'static str], calls: bool) -> Taken {
    Taken { protocols, transport: Transport::Tls, calls, terminates: true }
}

const fn clear(protocols: &'static [&'static str], calls: bool) -> Taken {
    Taken { protocols, transport: Transport::Raw, calls, terminates: false }
}

/// TLS of the application's own.
pub(super) const FOREIGN_TLS: Taken =
    Taken { protocols: &[], transport: Transport::Tls, calls: false, terminates: false };

/// Who gets a chain on a port.
pub(super) fn taken(protocol: Protocol, mode: PeerMode) -> &'static [Taken] {
    use PeerMode::{Disable, Permissive, Strict};
    let detected = protocol.is_detected() || matches!(protocol, Protocol::Hbone | Protocol::DoubleHbone);
    match (protocol.is_http(), detected, mode) {
        (true, _, Strict) => const { &[mesh(&[], true)] },
        (true, _, Permissive) => const { &[mesh(MESH, true), clear(&[], true)] },
        (true, _, Disable) => const { &[clear(&[], true)] },
        (_, true, Strict) => const { &[mesh(MESH_CALLS, true), mesh(&[], false)] },
        (_, true, Permissive) => {
            const {
                &[
                    mesh(MESH_CALLS, true),
                    clear(CLEAR_HTTP, true),
                    mesh(MESH_BYTES, false),
                    clear(&[], false),
                    FOREIGN_TLS,
                ]
            }
        }
        (_, true, Disable) => const { &[clear(CLEAR_HTTP, true), clear(&[], false)] },
        (_, false, Strict) => const { &[mesh(&[], false)] },
        (_, false, Permissive) => const { &[mesh(MESH, false), FOREIGN_TLS, clear(&[], false)] },
        (_, false, Disable) => const { &[clear(&[], false)] },
    }
}

/// The TLS that a proxy can end: for bytes, and for calls.
pub(super) struct Certificates([Handle<ServerTls>; 2]);

impl Certificates {
    /// `None` for a proxy that cannot prove who it is.
    pub(super) fn new(mesh: &MeshConfig, proxy: &Proxy) -> Option<Self> {
        const BYTES: &[&str] = &["istio-peer-exchange", "h2", "http/1.1"];
        const CALLS: &[&str] = &["h2", "http/1.1"];
        let tls = |alpn| Handle::new(server_tls(mesh, proxy, alpn));
        proxy.capabilities.has_identity().then(|| Self([tls(BYTES), tls(CALLS)]))
    }

    /// The TLS of a chain, by whether it reads calls.
    pub(super) fn of(&self, calls: bool) -> Handle<ServerTls> {
        self.0[usize::from(calls)].clone()
    }
}

fn server_tls(mesh: &MeshConfig, proxy: &Proxy, alpn: &'static [&'static str]) -> ServerTls {
    const CIPHERS: [&str; 6] = [
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
    ];
    let said = mesh.mesh_mtls.as_ref();
    let ciphers = said.map(|tls| tls.cipher_suites.clone()).filter(|ciphers| !ciphers.is_empty());
    let text = |key: &str| proxy.metadata.text(key);
    let (chain, key, root) = (text("TLS_SERVER_CERT_CHAIN"), text("TLS_SERVER_KEY"), text("TLS_SERVER_ROOT_CERT"));
    ServerTls {
        alpn,
        ciphers: ciphers.unwrap_or_else(|| CIPHERS.map(Str::from).to_vec()),
        only_v13: said.is_some_and(|tls| tls.min_protocol_version == TlsProtocol::V13),
        trust_domains: trust_domains(mesh),
        certificate: (!chain.is_empty() && !key.is_empty()).then(|| format!("file-cert:{chain}~{key}").into()),
        roots: (!root.is_empty()).then(|| format!("file-root:{root}").into()),
        own_server: text("file-credential") == "true",
    }
}

/// Whose workloads may call, each once, the mesh's own first (istio `TrustDomainsForValidation`).
fn trust_domains(mesh: &MeshConfig) -> Vec<Str> {
    let roots = mesh.ca_certificates.iter().flat_map(|c| &c.trust_domains);
    let mut domains: Vec<Str> = Vec::new();
    for domain in [&mesh.trust_domain].into_iter().chain(&mesh.trust_domain_aliases).chain(roots) {
        if !domain.is_empty() && !domains.contains(domain) {
            domains.push(domain.clone());
        }
    }
    domains
}
