//! What of an answer is kept: the rest is not even put into memory.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::api::Kind;

/// What is kept of a value. A list is cut element by element.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// All of it.
    Whole,
    /// Of a mapping, these fields.
    Only(&'static [(&'static str, Cut)]),
    /// Of a mapping, all fields but these.
    Except(&'static [&'static str]),
}

use Cut::{Except, Only, Whole};

/// What `api` reads of metadata. `managedFields` and the copy that kubectl keeps are often most of an object.
const META: Cut = Only(&[
    ("name", Whole),
    ("namespace", Whole),
    ("labels", Whole),
    ("annotations", Except(&["kubectl.kubernetes.io/last-applied-configuration"])),
    ("creationTimestamp", Whole),
    ("deletionTimestamp", Whole),
    ("uid", Whole),
    ("resourceVersion", Whole),
    ("generation", Whole),
    ("ownerReferences", Whole),
]);

const CONTAINER: Cut = Only(&[("name", Whole), ("ports", Whole), ("restartPolicy", Whole)]);

const POD: Cut = Only(&[
    ("apiVersion", Whole),
    ("kind", Whole),
    ("metadata", META),
    (
        "spec",
        Only(&[
            ("nodeName", Whole),
            ("serviceAccountName", Whole),
            ("hostname", Whole),
            ("subdomain", Whole),
            ("hostNetwork", Whole),
            ("containers", CONTAINER),
            ("initContainers", CONTAINER),
        ]),
    ),
    (
        "status",
        Only(&[
            ("podIP", Whole),
            ("podIPs", Whole),
            ("phase", Whole),
            ("conditions", Only(&[("type", Whole), ("status", Whole)])),
        ]),
    ),
]);

const NODE: Cut =
    Only(&[("apiVersion", Whole), ("kind", Whole), ("metadata", META), ("status", Only(&[("addresses", Whole)]))]);

const NAMESPACE: Cut = Only(&[("apiVersion", Whole), ("kind", Whole), ("metadata", META)]);

/// The keys that gateways are given, in all the ways in which they may be written (`pilot/pkg/credentials/kube`).
const SECRET: Cut = Only(&[
    ("apiVersion", Whole),
    ("kind", Whole),
    ("metadata", META),
    ("type", Whole),
    (
        "data",
        Only(&[
            ("cert", Whole),
            ("key", Whole),
            ("cacert", Whole),
            ("crl", Whole),
            ("tls.crt", Whole),
            ("tls.key", Whole),
            ("tls.ocsp-staple", Whole),
            ("ca.crt", Whole),
            ("ca.crl", Whole),
        ]),
    ),
]);

/// Of the Secrets that lead to remote clusters every key is the name of one.
pub(super) const KUBECONFIGS: Cut =
    Only(&[("apiVersion", Whole), ("kind", Whole), ("metadata", META), ("type", Whole), ("data", Whole)]);

const CONFIG_MAP: Cut = Only(&[
    ("apiVersion", Whole),
    ("kind", Whole),
    ("metadata", META),
    (
        "data",
        Only(&[
            ("cacert", Whole),
            ("ca.crt", Whole),
            ("crl", Whole),
            ("ca.crl", Whole),
            ("mesh", Whole),
            ("meshNetworks", Whole),
        ]),
    ),
]);

/// Whatever says something in a spec, or of itself.
const ANY: Cut = Only(&[
    ("apiVersion", Whole),
    ("kind", Whole),
    ("metadata", META),
    ("spec", Whole),
    ("status", Except(&["conditions", "validationMessages"])),
    // EndpointSlices have no spec.
    ("addressType", Whole),
    ("endpoints", Whole),
    ("ports", Whole),
]);

/// A WorkloadEntry's health is a condition.
const WORKLOAD_ENTRY: Cut =
    Only(&[("apiVersion", Whole), ("kind", Whole), ("metadata", META), ("spec", Whole), ("status", Whole)]);

/// What is kept of objects of a kind.
pub(super) fn of(kind: Kind) -> Cut {
    match kind {
        Kind::Pod => POD,
        Kind::Node => NODE,
        Kind::Namespace => NAMESPACE,
        Kind::Secret => SECRET,
        Kind::ConfigMap => CONFIG_MAP,
        Kind::WorkloadEntry => WORKLOAD_ENTRY,
        _ => ANY,
    }
}

impl Cut {
    /// What is kept of a field; `None` if nothing.
    fn field(self, name: &str) -> Option<Cut> {
        match self {
            Whole => Some(Whole),
            Only(fields) => fields.iter().find(|(field, _)| *field == name).map(|(_, cut)| *cut),
            Except(fields) => (!fields.contains(&name)).then_some(Whole),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Cut {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cut {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            out.push(value);
        }
        Ok(out.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            match self.field(&key) {
                Some(cut) => drop(out.insert(key, map.next_value_seed(cut)?)),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(out.into())
    }
}
