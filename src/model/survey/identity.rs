//! Rules that demand mutual TLS, for workloads that have no certificate.

use crate::api::Spec;
use crate::api::destination_rule::ClientTlsMode;
use crate::api::peer_authentication::MutualTlsMode;

use super::notes::Notes;

pub(super) fn demands(spec: &Spec, notes: &mut Notes<'_>) {
    match spec {
        Spec::DestinationRule(rule) => {
            let mode = rule.traffic_policy.as_ref().and_then(|p| p.tls.as_ref()).map(|t| t.mode);
            if mode == Some(ClientTlsMode::IstioMutual) {
                notes.warning(
                    "no-identity",
                    "spec.trafficPolicy.tls.mode",
                    "a connected Envoy has no identity yet (no agent beside it), so that its calls under this rule fail; the rule is not weakened for it",
                );
            }
        }
        Spec::PeerAuthentication(policy) if policy.mtls.is_some_and(|m| m.mode == MutualTlsMode::Strict) => {
            notes.warning(
                "no-identity",
                "spec.mtls.mode",
                "a connected Envoy has no identity yet (no agent beside it): it cannot call these workloads, and beside one of them it refuses every call",
            );
        }
        Spec::AuthorizationPolicy(policy) => super::authz::anonymous(policy, notes),
        _ => {}
    }
}
