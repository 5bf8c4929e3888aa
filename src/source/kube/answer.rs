//! From the bytes of an answer to objects, at once.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::client::Status;
use super::cut::Cut;
use super::resource::Resource;
use crate::api::{self, Key, Kind, Object};
use crate::base::{Finding, Namespace, Severity, Str};

/// An object of a list or a watch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) key: Key,
    pub(super) state: State,
    /// What is wrong with it.
    pub(super) findings: Vec<Finding>,
}

/// What an item says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// As written.
    Good(Arc<Object>),
    /// Written so that it cannot be in force.
    Broken,
    /// Of no concern: for another revision of the control plane, or without anything that is used.
    Foreign,
}

/// One line of a watch.
#[derive(Debug)]
pub(super) enum Event {
    /// It is there, new or changed.
    There(Item),
    /// It is gone.
    Gone(Key),
    /// Nothing happened up to this version. The first list ends with one.
    Bookmark { version: Str, listed: bool },
    /// The watch ends.
    Error(Status),
}

/// One page of a list.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    pub(super) version: Str,
    /// Where the next page begins, if there is one.
    pub(super) next: String,
}

/// What is being read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) resource: &'a Resource,
    /// The group and version that is asked for.
    pub(super) api_version: &'a str,
    /// `REVISION`; empty if nothing is said.
    pub(super) revision: &'a str,
}

impl Reading<'_> {
    /// A line of a watch, with the version of its object.
    pub(super) fn event(&self, line: &[u8]) -> Result<(Event, Str), serde_json::Error> {
        let mut json = serde_json::Deserializer::from_slice(line);
        let (name, object) = Envelope(self.resource.cut()).deserialize(&mut json)?;
        let meta = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
        let version = Str::from(meta("resourceVersion"));
        let event = match name.as_str() {
            "ADDED" | "MODIFIED" => Event::There(self.item(object)),
            "DELETED" => Event::Gone(self.key(&object)),
            "BOOKMARK" => {
                let listed = object["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true";
                Event::Bookmark { version: version.clone(), listed }
            }
            _ => Event::Error(Status::deserialize(object)?),
        };
        Ok((event, version))
    }

    /// A page of a list.
    pub(super) fn page(&self, body: &[u8]) -> Result<Page, serde_json::Error> {
        serde_json::Deserializer::from_slice(body).deserialize_map(PageVisitor(*self))
    }

    fn key(&self, object: &Value) -> Key {
        let meta = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
        let namespace = if self.resource.kind.namespaced() { meta("namespace") } else { "" };
        let cluster = self.resource.cluster.clone();
        Key { cluster, ..Key::new(self.resource.kind, Namespace::from(namespace), Str::from(meta("name"))) }
    }

    fn item(&self, mut object: Value) -> Item {
        let key = self.key(&object);
        // What has nothing for gateways is one of many. (Of the own cluster, findings say which Secrets there are.)
        let many = key.kind == Kind::ConfigMap || key.kind == Kind::Secret && !key.cluster.is_empty();
        let empty = many && object["data"].as_object().is_none_or(serde_json::Map::is_empty);
        if empty || key.kind.is_istio() && !self.is_ours(&object) {
            return Item { key, state: State::Foreign, findings: Vec::new() };
        }
        // The items of a list do not say what they are.
        object["apiVersion"] = self.api_version.into();
        object["kind"] = self.resource.kind.as_str().into();
        let decoded = api::decode(object, None);
        let broken = decoded.findings.iter().any(|f| f.severity == Severity::Error);
        let state = match decoded.object {
            Some(mut object) if !broken => {
                object.meta.cluster.clone_from(&self.resource.cluster);
                State::Good(Arc::new(object))
            }
            _ => State::Broken,
        };
        Item { key, state, findings: decoded.findings }
    }

    /// istiod reads what is labelled for its revision and what is not labelled; all, if it is not told its revision
    /// (`pkg/config/model.go`, `LabelsInRevision`).
    fn is_ours(&self, object: &Value) -> bool {
        let label = object["metadata"]["labels"]["istio.io/rev"].as_str();
        self.revision.is_empty() || label.is_none_or(|label| label == self.revision)
    }
}

/// A line of a watch: what happened, and to what, cut to what is used.
struct Envelope(Cut);

impl<'de> DeserializeSeed<'de> for Envelope {
    type Value = (String, Value);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope {
    type Value = (String, Value);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event of a watch")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut name, mut object) = (String::new(), Value::Null);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "type" => name = map.next_value()?,
                "object" => {
                    // The server says the type first; where it does not, nothing may be lost.
                    let cut = if ["", "ERROR"].contains(&name.as_str()) { Cut::Whole } else { self.0 };
                    object = map.next_value_seed(cut)?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok((name, object))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListMeta {
    resource_version: Str,
    r#continue: String,
}

struct PageVisitor<'a>(Reading<'a>);

impl<'de> Visitor<'de> for PageVisitor<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut page = Page::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => {
                    let meta: ListMeta = map.next_value()?;
                    (page.version, page.next) = (meta.resource_version, meta.r#continue);
                }
                "items" => page.items = map.next_value_seed(Items(self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(page)
    }
}

struct Items<'a>(Reading<'a>);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = Vec<Item>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Item>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<Item>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E>(self) -> Result<Vec<Item>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Item>, A::Error> {
        let mut out = Vec::new();
        while let Some(object) = list.next_element_seed(self.0.resource.cut())? {
            out.push(self.0.item(object));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests;
