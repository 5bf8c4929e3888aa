//! How endpoints are spoken to: in clear text, in the mesh's mutual TLS, or in TLS as a rule describes it.

mod context;

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::cluster::v3::cluster::TransportSocketMatch;
use envoy_types::pb::envoy::config::core::v3::proxy_protocol_config::Version;
use envoy_types::pb::envoy::config::core::v3::{ProxyProtocolConfig, TransportSocket};
use envoy_types::pb::envoy::extensions::transport_sockets::proxy_protocol::v3::ProxyProtocolUpstreamTransport;
use envoy_types::pb::envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer;

use crate::api::destination_rule::{ClientTls, ClientTlsMode, ProxyProtocol, ProxyProtocolVersion};
use crate::base::Str;
use crate::generate::proto::{fields_of, string};
use crate::generate::tls;
use crate::model::facts::{ClusterDefaults, Handle};
use crate::wire::Refusal;

use super::Traits;
use super::draft::Draft;

/// Certificates in files that a proxy's metadata names (`TLS_CLIENT_…`), used in place of the mesh's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnCertificates {
    /// The certificate.
    pub certificate: Str,
    /// Its key.
    pub key: Str,
    /// The roots by which servers are checked.
    pub roots: Str,
}

/// Whom callers may find at a service's endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Accounts {
    /// The identities of the endpoints, `spiffe://…`; `None` where none is known.
    pub found: Option<Handle<BTreeSet<Str>>>,
    /// The names that the service's own object states.
    pub stated: BTreeSet<Str>,
}

impl Accounts {
    /// All names, in order; those of the mesh also in each trust domain that counts as the same.
    fn all(&self, aliases: &[Str]) -> Vec<Str> {
        let found = self.found.iter().flat_map(|accounts| accounts.iter());
        let mut all: BTreeSet<Str> = found.chain(&self.stated).cloned().collect();
        let in_aliases: Vec<Str> = all.iter().flat_map(|name| in_trust_domains(name, aliases)).collect();
        all.extend(in_aliases);
        all.into_iter().collect()
    }
}

/// An identity of the mesh in other trust domains; a name of another kind has none.
fn in_trust_domains<'n>(name: &'n str, domains: &'n [Str]) -> impl Iterator<Item = Str> + 'n {
    let path = name.strip_prefix("spiffe://").and_then(|rest| rest.split_once('/')).map(|(_, path)| path);
    let account = path.filter(|path| match path.split('/').collect::<Vec<_>>()[..] {
        [ns, _, sa, _] => ns == "ns" && sa == "sa",
        _ => false,
    });
    account.into_iter().flat_map(move |path| domains.iter().map(move |d| format!("spiffe://{d}/{path}").into()))
}

/// All that decides how the endpoints of one cluster are spoken to.
pub(super) struct Security<'a> {
    /// What the rule says.
    pub(super) said: Option<&'a ClientTls>,
    /// Whether to use the mesh's TLS with those endpoints that take it, where the rule says nothing.
    pub(super) mutual: bool,
    /// The server's name in the mesh's TLS.
    pub(super) server_name: String,
    /// Whom callers may find.
    pub(super) accounts: &'a Accounts,
    /// Whether the service is outside the mesh.
    pub(super) external: bool,
    /// Whether names stated by the service are those of servers in any TLS: it is a ServiceEntry.
    pub(super) stated_for_all: bool,
    /// Whether HTTP/1 is spoken, and nothing else.
    pub(super) http1: bool,
    /// Whether the rule is for selected workloads.
    pub(super) selective: bool,
    /// The proxy.
    pub(super) traits: &'a Traits,
    /// The mesh.
    pub(super) mesh: &'a ClusterDefaults,
}

/// Sets how endpoints are spoken to.
pub(super) fn set(draft: &mut Draft, security: &Security<'_>, proxy: Option<&ProxyProtocol>) -> Result<(), Refusal> {
    let Some((tls, detected)) = security.settings() else {
        wrap(draft, proxy);
        return Ok(());
    };
    if tls.mode == ClientTlsMode::IstioMutual && !security.traits.identity {
        // Never in clear text; and Envoy rejects a cluster that names a server of secrets which is not there.
        draft.close();
        return Ok(());
    }
    let context = match tls.mode {
        ClientTlsMode::Disable => None,
        ClientTlsMode::IstioMutual => Some(security.of_mesh(draft, &tls)),
        ClientTlsMode::Simple | ClientTlsMode::Mutual if security.is_withheld(&tls) => None,
        ClientTlsMode::Simple | ClientTlsMode::Mutual => Some(security.of_rule(draft, &tls)?),
    };
    draft.cluster.transport_socket = context.as_ref().map(tls::tls_socket);
    if detected && tls.mode == ClientTlsMode::IstioMutual && !draft.is_original() {
        let socket = draft.cluster.transport_socket.take();
        draft.cluster.transport_socket_matches = by_endpoint(socket);
    }
    wrap(draft, proxy);
    Ok(())
}

impl Security<'_> {
    /// The settings in force, completed, and whether it is up to the endpoints to follow them (istio
    /// `cluster_tls.go`, `buildUpstreamTLSSettings`).
    fn settings(&self) -> Option<(ClientTls, bool)> {
        let Some(said) = self.said else {
            let names = || self.accounts.all(&self.mesh.trust_domain_aliases);
            return self.mutual.then(|| (self.mesh_settings(names(), self.server_name.as_str().into(), None), true));
        };
        match (&self.traits.certificates, said.mode) {
            (_, ClientTlsMode::Disable | ClientTlsMode::Simple) => Some((said.clone(), false)),
            (Some(_), _) if self.external && self.mesh.external_by_rule => Some((said.clone(), false)),
            (None, ClientTlsMode::Mutual) => Some((said.clone(), false)),
            (Some(_), _) => {
                let names = said.subject_alt_names.clone();
                Some((self.mesh_settings(names, said.sni.clone(), said.insecure_skip_verify), false))
            }
            (None, ClientTlsMode::IstioMutual) => {
                let names = match said.subject_alt_names.is_empty() {
                    true => self.accounts.all(&self.mesh.trust_domain_aliases),
                    false => said.subject_alt_names.clone(),
                };
                let sni = if said.sni.is_empty() { self.server_name.as_str().into() } else { said.sni.clone() };
                Some((self.mesh_settings(names, sni, said.insecure_skip_verify), false))
            }
        }
    }

    /// The mesh's TLS, with certificates of the proxy's own if it has some.
    fn mesh_settings(&self, names: Vec<Str>, sni: Str, insecure_skip_verify: Option<bool>) -> ClientTls {
        let common = ClientTls { subject_alt_names: names, sni, insecure_skip_verify, ..ClientTls::default() };
        match &self.traits.certificates {
            None => ClientTls { mode: ClientTlsMode::IstioMutual, ..common },
            Some(own) => ClientTls {
                mode: ClientTlsMode::Mutual,
                client_certificate: own.certificate.clone(),
                private_key: own.key.clone(),
                ca_certificates: own.roots.clone(),
                ..common
            },
        }
    }

    /// Sidecars get Secrets only by rules for selected workloads: others may not read them, and would wait for them in
    /// vain. istiod then leaves TLS out altogether. ConfigMaps are for all.
    fn is_withheld(&self, tls: &ClientTls) -> bool {
        let secret = !tls.credential_name.is_empty() && !tls.credential_name.starts_with("configmap://");
        secret && !self.traits.gateway && !self.selective
    }
}

/// The mesh's TLS with endpoints that take it, clear text with others.
fn by_endpoint(socket: Option<TransportSocket>) -> Vec<TransportSocketMatch> {
    let takes = TransportSocketMatch {
        name: "tlsMode-istio".to_owned(),
        r#match: Some(fields_of([("tlsMode", string("istio"))])),
        transport_socket: socket,
    };
    let others = TransportSocketMatch {
        name: "tlsMode-disabled".to_owned(),
        r#match: Some(Default::default()),
        transport_socket: Some(tls::clear_socket()),
    };
    vec![takes, others]
}

/// Puts the PROXY protocol before whatever is spoken.
fn wrap(draft: &mut Draft, proxy: Option<&ProxyProtocol>) {
    const NAME: &str = "envoy.transport_sockets.upstream_proxy_protocol";
    let Some(proxy) = proxy else { return };
    let version = match proxy.version {
        ProxyProtocolVersion::V1 => Version::V1,
        ProxyProtocolVersion::V2 => Version::V2,
    };
    let around = |socket: TransportSocket| {
        let config = ProxyProtocolUpstreamTransport {
            config: Some(ProxyProtocolConfig { version: version.into(), ..Default::default() }),
            transport_socket: Some(socket),
            ..Default::default()
        };
        tls::socket(NAME, &config)
    };
    let cluster = &mut draft.cluster;
    if cluster.transport_socket_matches.is_empty() {
        // Under this name, as istiod sends it; Envoy goes by the type.
        let clear = || tls::socket("raw_buffer", &RawBuffer {});
        let inner = cluster.transport_socket.take().unwrap_or_else(clear);
        cluster.transport_socket = Some(around(inner));
        return;
    }
    for choice in &mut cluster.transport_socket_matches {
        choice.transport_socket = choice.transport_socket.take().map(around);
    }
}
