//! What Secrets and ConfigMaps have for gateways.

use std::collections::BTreeMap;

use crate::api::bytes::Bytes;
use crate::api::{Kind, Object, Spec};
use crate::base::Str;
use crate::model::facts::Credential;
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index, put};

/// Types of Secrets that are never for gateways, and many (istio `pilot/pkg/credentials/kube/secrets.go`,
/// `SecretsFieldSelector`).
const FOREIGN: [&str; 2] = ["helm.sh/release.v1", "kubernetes.io/service-account-token"];

impl Index {
    pub(super) fn derive_credentials(&mut self, dirty: &mut Dirty, changes: &mut Changes) {
        for key in std::mem::take(&mut dirty.credentials) {
            let found = self.objects.get(&key).and_then(|object| credential(object));
            if put(&mut self.snapshot.credentials, &key, found) {
                changes.keys.insert(FactKey::Credential(key));
            }
        }
    }
}

/// Of a ConfigMap only roots count: what is in it is no secret.
fn credential(object: &Object) -> Option<Credential> {
    match &object.spec {
        Spec::Secret(secret) if FOREIGN.contains(&secret.r#type.as_str()) => None,
        Spec::Secret(secret) => Credential::of(&secret.data),
        Spec::Opaque(Kind::ConfigMap, map) => {
            let text = |name: &str| Some((Str::from(name), Bytes::from(map["data"][name].as_str()?.as_bytes())));
            let data: BTreeMap<Str, Bytes> =
                ["cacert", "crl", "ca.crt", "ca.crl"].into_iter().filter_map(text).collect();
            Credential::of(&data)
        }
        _ => None,
    }
}
