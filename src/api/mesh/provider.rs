//! Services that extensions use: tracing, access logs, metrics, authorization.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::Json;
use crate::api::decode::camel_case;
use crate::base::Str;

use super::observer::Observer;

/// A service that an extension uses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<Str, Json>", into = "BTreeMap<Str, Json>")]
pub struct ExtensionProvider {
    /// The name by which Telemetry and AuthorizationPolicy refer to it.
    pub name: Str,
    /// What it is: `envoyFileAccessLog`, `zipkin`, …
    pub r#type: Str,
    /// Its settings.
    pub settings: Json,
}

impl ExtensionProvider {
    /// Its settings, if it is a provider of telemetry and they can be read.
    pub fn observer(&self) -> Option<Observer> {
        Observer::read(self, "").0.ok().flatten()
    }

    /// The providers that are always there.
    pub(super) fn built_in() -> Vec<Self> {
        let provider = |name: &str, r#type: &str, settings| Self { name: name.into(), r#type: r#type.into(), settings };
        vec![
            provider("prometheus", "prometheus", json!({})),
            provider("stackdriver", "stackdriver", json!({})),
            provider("envoy", "envoyFileAccessLog", json!({"path": "/dev/stdout"})),
        ]
    }

    /// Puts each of `added` in the place of its namesake, or at the end.
    pub(super) fn merge(mut providers: Vec<Self>, added: Vec<Self>) -> Vec<Self> {
        for provider in added {
            match providers.iter_mut().find(|p| p.name == provider.name) {
                Some(namesake) => *namesake = provider,
                None => providers.push(provider),
            }
        }
        providers
    }
}

impl TryFrom<BTreeMap<Str, Json>> for ExtensionProvider {
    type Error = String;

    fn try_from(mut fields: BTreeMap<Str, Json>) -> Result<Self, String> {
        let name = match fields.remove("name") {
            Some(Json::String(name)) => name.into(),
            _ => return Err("must have a name, which is a string".into()),
        };
        fields.retain(|_, settings| !settings.is_null());
        let mut fields = fields.into_iter();
        match (fields.next(), fields.next()) {
            (Some((r#type, settings)), None) => Ok(Self { name, r#type: camel_case(&r#type).into(), settings }),
            (None, _) => Err("must have a provider, such as envoyFileAccessLog or zipkin".into()),
            (Some((one, _)), Some((other, _))) => Err(format!("may have only one provider, found {one} and {other}")),
        }
    }
}

impl From<ExtensionProvider> for BTreeMap<Str, Json> {
    fn from(provider: ExtensionProvider) -> Self {
        Self::from([("name".into(), provider.name.as_str().into()), (provider.r#type, provider.settings)])
    }
}
