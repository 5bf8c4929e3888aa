//! What is wrong, as it shows in what connected proxies are sent.

use std::collections::BTreeSet;

use crate::base::{Finding, ObjectRef, Severity, Str};
use crate::model::{Scope, Snapshot, View};
use crate::plan::secret::{SecretFacets, secret_facets};
use crate::proxy::{Proxy, Role};
use crate::wire::Failure;

use super::Plan;

impl Plan {
    /// Gateways that are not sent their private keys: others might hear them, or nothing is known of their cluster.
    pub fn withheld(&self, snapshot: &Snapshot) -> impl Iterator<Item = Finding> {
        let view = View::new(snapshot, &Scope::Public);
        let gateways = self.proxies.values().map(|member| &member.proxy).filter(|p| p.role == Role::Router);
        let has_keys = |cluster: &Str, proxy: &Proxy| snapshot.has_keys(cluster, &proxy.namespace);
        let without = gateways.filter_map(|proxy| match secret_facets(&view, proxy) {
            SecretFacets::Nothing if has_keys(&Str::new(), proxy) => {
                let own = &snapshot.mesh.cluster;
                let text = format!(
                    "this gateway says that it is in cluster {}, of which nothing is known: the control plane's own is {own}, \
                     and no other of that name was read; it is sent no Secret, so its servers with a credentialName do \
                     not answer",
                    proxy.cluster()
                );
                Some(about(proxy, "unknown-cluster", text))
            }
            SecretFacets::Secrets { cluster, keys: false, .. }
                if !proxy.confidential && (has_keys(&Str::new(), proxy) || has_keys(&cluster, proxy)) =>
            {
                Some(about(proxy, "keys-withheld", WITHHELD.to_owned()))
            }
            _ => None,
        });
        without.collect::<Vec<_>>().into_iter()
    }

    /// Resources that could not be built, and why; patches that were left out, each with the first resource where.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        let mut told = BTreeSet::new();
        let mut all = self.sorts.failures();
        all.retain(|failure| failure.place.as_ref().is_none_or(|place| told.insert(place.clone())));
        all.into_iter().map(finding)
    }
}

const WITHHELD: &str = "this gateway is connected in clear text from another machine, where others might listen; it is sent no \
                        private key, so its servers with a credentialName do not answer. Connect it from this machine, or \
                        over a UNIX socket (--grpcAddr unix:PATH).";

fn about(proxy: &Proxy, code: &'static str, text: String) -> Finding {
    Finding {
        object: ObjectRef {
            kind: "Gateway proxy".into(),
            namespace: proxy.namespace.str().clone(),
            name: proxy.name.rsplit_once('.').map_or(&*proxy.name, |(name, _)| name).into(),
            file: None,
        },
        field: Default::default(),
        severity: Severity::Error,
        code,
        text: text.into(),
    }
}

fn finding(failure: &Failure) -> Finding {
    if let Some((object, field)) = &failure.place {
        return Finding {
            object: object.clone(),
            field: field.clone(),
            severity: Severity::Error,
            code: "patch",
            text: format!("{}: {}; there this patch is left out, and all others hold", failure.resource, failure.why)
                .into(),
        };
    }
    let what = if failure.defect { "is a defect of mizzen" } else { "comes from the configuration" };
    Finding {
        object: ObjectRef { kind: "Resource".into(), name: failure.resource.clone(), ..ObjectRef::default() },
        field: Default::default(),
        severity: Severity::Error,
        code: "not-built",
        text: format!("{}; it is not sent, and what was sent before stays. This {what}.", failure.why).into(),
    }
}
