//! TLS contexts towards endpoints: that of the mesh, and those that rules describe.

use envoy_types::pb::envoy::config::core::v3::UpstreamHttpProtocolOptions;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::certificate_validation_context::SystemRootCerts;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, TlsCertificate, UpstreamTlsContext,
};

use crate::api::destination_rule::{ClientTls, ClientTlsMode};
use crate::base::Str;
use crate::generate::proto::boolean;
use crate::generate::tls;
use crate::wire::Refusal;

use super::{Draft, Security};

impl Security<'_> {
    /// TLS inside the mesh. The server tells callers of the mesh from others by the ALPN they offer, and peers that
    /// exchange metadata from those that do not.
    pub(super) fn of_mesh(&self, draft: &mut Draft, tls: &ClientTls) -> UpstreamTlsContext {
        let peer = tls::one_of(tls.subject_alt_names.iter().map(Str::as_str));
        let common = CommonTlsContext {
            tls_params: Some(tls::versions()),
            tls_certificate_sds_secret_configs: vec![tls::mesh_secret(tls::OWN_CERTIFICATE)],
            validation_context_type: Some(tls::roots(tls::mesh_secret(tls::MESH_ROOTS), peer)),
            alpn_protocols: self.mesh_alpn(draft),
            ..Default::default()
        };
        let mut sni = tls.sni.to_string();
        if draft.is_forward() {
            check_called_name(draft, tls);
        } else if sni.is_empty() {
            sni.clone_from(&draft.cluster.name);
        }
        UpstreamTlsContext { common_tls_context: Some(common), sni, ..Default::default() }
    }

    /// Istio's proxies replace this per request by what the call is; others have to offer the version of HTTP itself,
    /// so that the server's answer fits what they then speak. Where that is the caller's version, the listener says so
    /// call by call, as it is told by the cluster's metadata (`generate::filter::HttpFilter::AlpnByState`).
    fn mesh_alpn(&self, draft: &mut Draft) -> Vec<String> {
        let offered: &[&str] = match (self.traits.exchange, draft.is_http2(), self.http1) {
            (true, true, _) => &["istio-peer-exchange", "istio", "h2"],
            (true, false, _) => &["istio-peer-exchange", "istio"],
            (false, true, _) => &["istio-h2", "istio", "h2"],
            (false, false, true) => &["istio-http/1.1", "istio", "http/1.1"],
            (false, false, false) => &["istio"],
        };
        if offered == ["istio"] {
            draft.istio.push((tls::ALPN_BY_CALL.to_owned(), boolean(true)));
        }
        offered.iter().map(|p| (*p).to_owned()).collect()
    }

    /// TLS as a rule describes it, towards servers that know nothing of the mesh.
    pub(super) fn of_rule(&self, draft: &mut Draft, tls: &ClientTls) -> Result<UpstreamTlsContext, Refusal> {
        check_called_name(draft, tls);
        let names: Vec<Str> = match tls.subject_alt_names.is_empty() && self.stated_for_all {
            true => self.accounts.all(&self.mesh.trust_domain_aliases),
            false => tls.subject_alt_names.clone(),
        };
        let peer = tls::one_of(names.iter().map(Str::as_str));
        let mut common = CommonTlsContext { tls_params: Some(tls::versions()), ..Default::default() };
        if tls.credential_name.is_empty() {
            self.use_files(&mut common, tls, peer)?;
        } else {
            self.use_credential(&mut common, tls, peer);
        }
        if let (Some(params), Some(said)) = (&mut common.tls_params, &self.mesh.tls) {
            params.ecdh_curves = said.ecdh_curves.iter().map(Str::to_string).collect();
            params.cipher_suites = said.cipher_suites.iter().map(Str::to_string).collect();
        }
        if draft.is_http2() {
            common.alpn_protocols = vec!["h2".to_owned()];
        }
        Ok(UpstreamTlsContext { common_tls_context: Some(common), sni: tls.sni.to_string(), ..Default::default() })
    }

    fn use_credential(&self, common: &mut CommonTlsContext, tls: &ClientTls, peer: CertificateValidationContext) {
        let secret = |name: &str| tls::credential_secret(name, self.traits.external_secrets);
        if tls.mode == ClientTlsMode::Mutual {
            common.tls_certificate_sds_secret_configs = vec![secret(&tls.credential_name)];
        }
        if tls.insecure_skip_verify != Some(true) {
            let roots = secret(&format!("{}-cacert", tls.credential_name));
            common.validation_context_type = Some(tls::roots(roots, peer));
        }
    }

    /// Files on the proxy's machine. The agent watches them; without one Envoy reads them once.
    fn use_files(
        &self,
        common: &mut CommonTlsContext,
        tls: &ClientTls,
        mut peer: CertificateValidationContext,
    ) -> Result<(), Refusal> {
        let secret = |name: String| tls::file_secret(&name, self.traits.file_secrets);
        if tls.mode == ClientTlsMode::Mutual {
            if tls.client_certificate.is_empty() || tls.private_key.is_empty() {
                let why = "mutual TLS needs a client certificate and its key, or a credentialName";
                return Err(Refusal(why.to_owned()));
            }
            let name = format!("file-cert:{}~{}", tls.client_certificate, tls.private_key);
            match self.traits.identity {
                true => common.tls_certificate_sds_secret_configs = vec![secret(name)],
                false => common.tls_certificates = vec![certificate(tls)],
            }
        }
        if tls.insecure_skip_verify == Some(true) {
            common.validation_context_type = Some(ValidationContextType::ValidationContext(Default::default()));
            return Ok(());
        }
        if !tls.ca_crl.is_empty() {
            peer.crl = Some(tls::file(&tls.ca_crl));
        }
        let path = if tls.ca_certificates.is_empty() { "system" } else { &tls.ca_certificates };
        common.validation_context_type = Some(match (self.traits.identity, path) {
            (true, path) => tls::roots(secret(format!("file-root:{path}")), peer),
            (false, "system") => {
                peer.system_root_certs = Some(SystemRootCerts {});
                ValidationContextType::ValidationContext(peer)
            }
            (false, path) => {
                peer.trusted_ca = Some(tls::file(path));
                ValidationContextType::ValidationContext(peer)
            }
        });
        Ok(())
    }
}

fn certificate(tls: &ClientTls) -> TlsCertificate {
    TlsCertificate {
        certificate_chain: Some(tls::file(&tls.client_certificate)),
        private_key: Some(tls::file(&tls.private_key)),
        ..Default::default()
    }
}

/// Where the rule names no server, the name that the caller asked for is sent in the handshake, and must be in the
/// server's certificate unless the rule says what must.
fn check_called_name(draft: &mut Draft, tls: &ClientTls) {
    let skips = tls.insecure_skip_verify == Some(true);
    let sends = tls.sni.is_empty();
    let checks = !skips && (draft.is_forward() || (sends && tls.subject_alt_names.is_empty()));
    if let Some(forward) = draft.forward.as_mut().filter(|_| !sends || !checks) {
        forward.allow_insecure_cluster_options = true;
    }
    if sends || checks {
        let options = &mut draft.http().upstream_http_protocol_options;
        let options = options.get_or_insert_with(UpstreamHttpProtocolOptions::default);
        options.auto_sni |= sends;
        options.auto_san_validation |= checks;
    }
}
