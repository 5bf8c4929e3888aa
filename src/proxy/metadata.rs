//! The Node's metadata: strings for the most part, whatever they mean.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::{Labels, Str};

/// A boolean that may be absent. pilot-agent sends booleans as the strings `true` and `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// Not said.
    Unset,
    /// `true`, `1`.
    On,
    /// Anything else.
    Off,
}

/// Metadata by key, kept as the JSON text of each value; keys that mean nothing to mizzen are kept too, because
/// EnvoyFilters match on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata(BTreeMap<Str, Entry>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Entry {
    Text(Str),
    /// Numbers, objects and lists, as JSON.
    Json(Str),
}

impl Metadata {
    /// Takes in a JSON object; anything else is empty.
    pub fn new(value: &Value) -> Self {
        let entry = |v: &Value| match v {
            Value::String(s) => Entry::Text(s.as_str().into()),
            other => Entry::Json(other.to_string().into()),
        };
        Self(value.as_object().into_iter().flatten().map(|(k, v)| (k.as_str().into(), entry(v))).collect())
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// A string; empty where it is absent or something else.
    pub fn text(&self, key: &str) -> &str {
        match self.0.get(key) {
            Some(Entry::Text(s)) => s,
            _ => "",
        }
    }

    /// A string as a boolean, in the way of Go's `ParseBool`.
    pub fn flag(&self, key: &str) -> Flag {
        match self.0.get(key) {
            None => Flag::Unset,
            Some(Entry::Text(s) | Entry::Json(s)) => match s.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Flag::On,
                _ => Flag::Off,
            },
        }
    }

    /// A number, whether it is sent as one or as a string.
    pub fn number(&self, key: &str) -> Option<u32> {
        match self.0.get(key)? {
            Entry::Text(s) | Entry::Json(s) => s.parse().ok().or_else(|| s.parse::<f64>().ok().map(|f| f as u32)),
        }
    }

    /// A list in one string, separated by commas.
    pub fn list(&self, key: &str) -> Vec<Str> {
        self.text(key).split(',').map(str::trim).filter(|s| !s.is_empty()).map(Str::from).collect()
    }

    /// An object of strings.
    pub fn map(&self, key: &str) -> Labels {
        let Some(Value::Object(map)) = self.json(key) else { return Labels::new() };
        map.iter().filter_map(|(k, v)| Some((k.as_str().into(), v.as_str()?.into()))).collect()
    }

    /// Any value, parsed again; also JSON inside a string, as `POD_PORTS` is sent.
    pub fn json(&self, key: &str) -> Option<Value> {
        match self.0.get(key)? {
            Entry::Text(s) | Entry::Json(s) => serde_json::from_str(s).ok(),
        }
    }
}
