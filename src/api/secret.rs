//! Kubernetes' `Secret`, which never shows itself.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::bytes::Bytes;
use crate::base::Str;

/// Keys and certificates of a gateway, and whatever else is secret. Neither `Debug` nor any dump shows a value.
#[derive(Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(from = "Wire")]
pub struct Secret {
    /// `kubernetes.io/tls`, `Opaque`, …
    pub r#type: Str,
    /// The values.
    pub data: BTreeMap<Str, Bytes>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("type", &self.r#type).field("keys", &self.data.keys()).finish_non_exhaustive()
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    r#type: Str,
    data: BTreeMap<Str, Bytes>,
    string_data: BTreeMap<Str, Str>,
}

impl From<Wire> for Secret {
    /// As in Kubernetes, `stringData` wins over `data`.
    fn from(wire: Wire) -> Self {
        let mut data = wire.data;
        data.extend(wire.string_data.into_iter().map(|(key, text)| (key, Bytes::from(text.as_bytes()))));
        Self { r#type: wire.r#type, data }
    }
}
