//! What is wrong, as it shows in what connected proxies are sent.

use std::collections::BTreeSet;

use crate::base::{Finding, ObjectRef, Severity};
use crate::model::Snapshot;
use crate::proxy::Role;
use crate::wire::Failure;

use super::Plan;

impl Plan {
    /// Gateways that are not sent their private keys, because others might hear them.
    pub fn withheld(&self, snapshot: &Snapshot) -> impl Iterator<Item = Finding> {
        let gateways = self.proxies.values().map(|member| &member.proxy);
        let without = gateways.filter(|p| p.role == Role::Router && !p.confidential && snapshot.has_keys(&p.namespace));
        without.map(|proxy| Finding {
            object: ObjectRef {
                kind: "Gateway proxy".into(),
                namespace: proxy.namespace.str().clone(),
                name: proxy.name.rsplit_once('.').map_or(&*proxy.name, |(name, _)| name).into(),
                file: None,
            },
            field: Default::default(),
            severity: Severity::Error,
            code: "keys-withheld",
            text: "this gateway is connected in clear text from another machine, where others might listen; it is sent no \
                   private key, so its servers with a credentialName do not answer. Connect it from this machine, or over a \
                   UNIX socket (--grpcAddr unix:PATH)."
                .into(),
        })
    }

    /// Resources that could not be built, and why; patches that were left out, each with the first resource where.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        let mut told = BTreeSet::new();
        let mut all = self.sorts.failures();
        all.retain(|failure| failure.place.as_ref().is_none_or(|place| told.insert(place.clone())));
        all.into_iter().map(finding)
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
