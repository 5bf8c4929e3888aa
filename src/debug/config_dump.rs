//! `config_dump`: what a proxy was sent, in the form of Envoy's own admin page (`envoy.admin.v3.ConfigDump`).

use std::sync::Arc;

use serde_json::{Value, json};

use super::client::Client;
use super::json::{Error, to_json};
use crate::wire::{Encoded, ResourceType};

/// What is printed besides what Envoy's own page has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DumpOptions {
    /// The endpoints too.
    pub endpoints: bool,
}

/// Everything a proxy was sent, in istiod's order; sorts of resources that mizzen does not send yet are there and
/// empty, as tools expect.
///
/// # Errors
/// When a resource cannot be printed, which is a defect.
pub fn config_dump(client: &Client, options: DumpOptions) -> Result<Value, Error> {
    let mut configs = vec![empty("Bootstrap"), CLUSTERS.of(client)?];
    if options.endpoints {
        configs.push(ENDPOINTS.of(client)?);
    }
    configs.extend([LISTENERS.of(client)?, empty("ScopedRoutes"), ROUTES.of(client)?]);
    configs.extend([SECRETS.of(client)?, EXTENSIONS.of(client)?]);
    Ok(json!({ "configs": configs }))
}

/// What a proxy was sent of some types, resource by resource.
///
/// # Errors
/// When a resource cannot be printed, which is a defect.
pub fn of_types(client: &Client, kinds: &[ResourceType]) -> Result<Value, Error> {
    let resources = kinds.iter().flat_map(|kind| client.holds(*kind).map(|r| resource(*kind, r)));
    let configs = resources.collect::<Result<Vec<_>, _>>()?;
    Ok(if configs.is_empty() { json!({}) } else { json!({ "configs": configs }) })
}

/// The types of a list such as `cds,eds`, in any case; full type URLs are taken too, and what is not known is none.
pub fn resource_types(list: &str) -> Vec<ResourceType> {
    let meant = |word: &str, kind: &ResourceType| kind.short().eq_ignore_ascii_case(word) || kind.type_url() == word;
    ResourceType::ALL.into_iter().filter(|kind| list.split(',').any(|word| meant(word, kind))).collect()
}

/// How the resources of a type stand in Envoy's page.
struct Section {
    kind: ResourceType,
    /// The first word of the section's message.
    title: &'static str,
    /// The field that has the resources.
    list: &'static str,
    /// Whether the section has a version of its own.
    versioned: bool,
    /// One resource, by its name, its version and what it says.
    entry: fn(&str, &str, Value) -> Value,
}

const CLUSTERS: Section = Section {
    kind: ResourceType::Cluster,
    title: "Clusters",
    list: "dynamicActiveClusters",
    versioned: true,
    entry: |_, _, config| json!({ "cluster": config }),
};

const ENDPOINTS: Section = Section {
    kind: ResourceType::Endpoint,
    title: "Endpoints",
    list: "dynamicEndpointConfigs",
    versioned: false,
    entry: |_, version, config| json!({ "versionInfo": version, "endpointConfig": config }),
};

const LISTENERS: Section = Section {
    kind: ResourceType::Listener,
    title: "Listeners",
    list: "dynamicListeners",
    versioned: true,
    entry: |name, version, config| json!({ "name": name, "activeState": { "versionInfo": version, "listener": config } }),
};

const ROUTES: Section = Section {
    kind: ResourceType::Route,
    title: "Routes",
    list: "dynamicRouteConfigs",
    versioned: false,
    entry: |_, version, config| json!({ "versionInfo": version, "routeConfig": config }),
};

const SECRETS: Section = Section {
    kind: ResourceType::Secret,
    title: "Secrets",
    list: "dynamicActiveSecrets",
    versioned: false,
    entry: |name, version, config| json!({ "name": name, "versionInfo": version, "secret": config }),
};

const EXTENSIONS: Section = Section {
    kind: ResourceType::Extension,
    title: "Ecds",
    list: "ecdsFilters",
    versioned: false,
    entry: |_, version, config| json!({ "versionInfo": version, "ecdsFilter": config }),
};

impl Section {
    fn of(&self, client: &Client) -> Result<Value, Error> {
        let mut section = empty(self.title);
        let version = client.status(self.kind).map_or("", |s| s.state.version.as_str());
        if self.versioned && !version.is_empty() {
            section["versionInfo"] = version.into();
        }
        let entry = |r: &Arc<Encoded>| Ok((self.entry)(r.name(), version, resource(self.kind, r)?));
        let entries = client.holds(self.kind).map(entry).collect::<Result<Vec<_>, Error>>()?;
        if !entries.is_empty() {
            section[self.list] = entries.into();
        }
        Ok(section)
    }
}

fn empty(section: &str) -> Value {
    json!({ "@type": format!("type.googleapis.com/envoy.admin.v3.{section}ConfigDump") })
}

/// A resource as it stands in an `Any`, without private keys.
///
/// # Errors
/// When it cannot be printed, which is a defect.
pub fn resource(kind: ResourceType, of: &Encoded) -> Result<Value, Error> {
    let mut printed = to_json(kind.type_url(), &of.message())?;
    if kind == ResourceType::Secret {
        printed = redacted(printed);
    }
    printed["@type"] = kind.type_url().into();
    Ok(printed)
}

/// A secret with what anybody may see of it: certificates, and that there is a key. Base64 of istiod's `[redacted]`
/// stands for the key; what is not named here is left out, whatever Envoy's secrets come to hold.
fn redacted(secret: Value) -> Value {
    const REDACTED: &str = "W3JlZGFjdGVkXQ==";
    let mut shown = json!({ "name": secret["name"] });
    if let Some(roots) = secret.get("validationContext") {
        shown["validationContext"] = roots.clone();
    }
    if let Some(own) = secret.get("tlsCertificate") {
        let mut pair = json!({ "privateKey": { "inlineBytes": REDACTED } });
        for public in ["certificateChain", "ocspStaple"] {
            own.get(public).iter().for_each(|value| pair[public] = (*value).clone());
        }
        shown["tlsCertificate"] = pair;
    }
    shown
}
