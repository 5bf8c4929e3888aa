//! The mesh config in ConfigMaps, `istio` or `istio-REVISION`, or in files; over a shared one if there is one.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::api::mesh::{MeshConfig, MeshNetworks};
use crate::api::{Object, Spec};
use crate::base::{Finding, ObjectRef, Severity, Str};
use crate::source::{MeshUpdate, files};

/// A ConfigMap by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Applied first (`SHARED_MESH_CONFIG`).
    Shared,
    /// Applied over it.
    Own,
}

/// The mesh config in force.
#[derive(Debug)]
pub(super) struct Settings {
    shared: Option<Arc<Object>>,
    own: Option<Arc<Object>>,
    /// Files, which count in the place of the own ConfigMap; what is wrong with them is said beside.
    file: Option<MeshUpdate>,
    current: Arc<MeshConfig>,
    /// What that was read from.
    written: Arc<Value>,
    findings: Vec<Finding>,
    changed: bool,
}

/// The name of the ConfigMap of a revision.
pub(super) fn name(revision: &str) -> String {
    match revision {
        "" | "default" => "istio".to_owned(),
        revision => format!("istio-{revision}"),
    }
}

impl Settings {
    /// istiod's defaults.
    pub(super) fn new() -> Self {
        Self {
            shared: None,
            own: None,
            file: None,
            current: Arc::default(),
            written: Arc::default(),
            findings: Vec::new(),
            changed: true,
        }
    }

    /// A ConfigMap came, changed or went.
    pub(super) fn take(&mut self, role: Role, map: Option<Arc<Object>>) {
        match role {
            Role::Shared => self.shared = map,
            Role::Own => self.own = map,
        }
        self.read();
    }

    /// The files came or changed.
    pub(super) fn take_file(&mut self, update: MeshUpdate) {
        self.file = Some(update);
        self.read();
    }

    /// All that is wrong now.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The mesh config in force, if it is another than at the last call; always at the first.
    pub(super) fn take_changed(&mut self) -> Option<MeshUpdate> {
        let mesh = std::mem::take(&mut self.changed).then(|| self.current.clone())?;
        Some(MeshUpdate { mesh, written: self.written.clone() })
    }

    /// As in istiod, what cannot be read leaves everything as it was (`pkg/config/mesh/meshwatcher`).
    fn read(&mut self) {
        let mut findings = Vec::new();
        let mut value = Value::Object(Map::new());
        let mut networks = MeshNetworks::default();
        let maps: Vec<Arc<Object>> = [&self.shared, &self.own].into_iter().flatten().cloned().collect();
        for map in &maps {
            if let Some(mesh) = document(map, "mesh", &mut findings) {
                value = merge(value, mesh);
            }
            if let Some(document) = document(map, "meshNetworks", &mut findings) {
                let (read, found) = MeshNetworks::parse(document);
                networks = read;
                findings.extend(found.into_iter().map(|f| located(f, map, "meshNetworks")));
            }
        }
        if let Some(file) = &self.file {
            value = merge(value, (*file.written).clone());
            if !file.mesh.networks.networks.is_empty() {
                networks = file.mesh.networks.clone();
            }
        }
        let (mesh, mut found) = MeshConfig::parse(value.clone());
        if let Some(file) = &self.file {
            // Those of the file are said where it is read.
            let (_, known) = MeshConfig::parse((*file.written).clone());
            found.retain(|finding| !known.contains(finding));
        }
        if let Some(map) = maps.last() {
            findings.extend(found.into_iter().map(|f| located(f, map, "mesh")));
        }
        let bad = findings.iter().any(|f| f.severity == Severity::Error);
        self.findings = findings;
        if bad {
            if let Some(map) = maps.last() {
                let text = "of the mesh config, what was in force before stays in force";
                self.findings.push(finding(map, "", Severity::Error, "last-good", text));
            }
            return;
        }
        let mesh = MeshConfig { networks, ..mesh };
        if *self.current != mesh {
            (self.current, self.written) = (Arc::new(mesh), Arc::new(value));
            self.changed = true;
        }
    }
}

/// What a key of a ConfigMap holds.
fn document(map: &Object, key: &str, findings: &mut Vec<Finding>) -> Option<Value> {
    let Spec::Opaque(_, json) = &map.spec else { return None };
    let text = json["data"][key].as_str()?;
    files::document(text)
        .map_err(|why| {
            let text = format!("cannot be read: {why}");
            findings.push(finding(map, &format!("data.{key}"), Severity::Error, "syntax", &text));
        })
        .ok()
}

fn finding(map: &Object, field: &str, severity: Severity, code: &'static str, text: &str) -> Finding {
    Finding { object: map.object_ref(), field: Str::from(field), severity, code, text: Str::from(text) }
}

fn located(finding: Finding, map: &Object, key: &str) -> Finding {
    let field = match finding.field.as_str() {
        "" => format!("data.{key}"),
        field => format!("data.{key}: {field}"),
    };
    Finding { object: ObjectRef { ..map.object_ref() }, field: Str::from(field), ..finding }
}

/// What one mesh config says over what another said, before any default: a field replaces the one before, save that
/// `defaultConfig` is merged field by field and its `proxyMetadata` key by key, that providers replace those of their
/// name, and that aliases add up (`pkg/config/mesh/mesh.go`, `ApplyMeshConfig`).
fn merge(base: Value, over: Value) -> Value {
    let (Value::Object(mut base), Value::Object(over)) = (base, over.clone()) else { return over };
    for (key, value) in over {
        let plain = |key: &str| key.replace('_', "").to_lowercase();
        let known = base.keys().find(|k| plain(k) == plain(&key)).cloned();
        let before = known.and_then(|k| base.remove(&k)).unwrap_or_default();
        let value = match plain(&key).as_str() {
            "defaultconfig" => merge(before, value),
            "proxymetadata" => joined(before, value),
            "extensionproviders" => providers(before, value),
            "trustdomainaliases" => added(before, value),
            _ => value,
        };
        base.insert(key, value);
    }
    Value::Object(base)
}

fn joined(before: Value, value: Value) -> Value {
    match (before, value) {
        (Value::Object(mut before), Value::Object(value)) => {
            before.extend(value);
            Value::Object(before)
        }
        (_, value) => value,
    }
}

fn providers(before: Value, value: Value) -> Value {
    match (before, value) {
        (Value::Array(before), Value::Array(value)) => {
            let kept = before.into_iter().filter(|b| !value.iter().any(|v| v["name"] == b["name"]));
            kept.collect::<Vec<_>>().into_iter().chain(value.iter().cloned()).collect()
        }
        (_, value) => value,
    }
}

fn added(before: Value, value: Value) -> Value {
    match (before, value) {
        (Value::Array(before), Value::Array(value)) => before.into_iter().chain(value).collect(),
        (_, value) => value,
    }
}

#[cfg(test)]
mod tests;
