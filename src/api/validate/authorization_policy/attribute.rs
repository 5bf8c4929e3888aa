//! Conditions: the attributes that there are, and what their values look like.

use super::values::Sort;
use crate::api::authorization_policy::{Action, Condition};
use crate::api::nearest;
use crate::api::validate::at::At;

/// Attributes with one name.
const PLAIN: &[(&str, Sort)] = &[
    ("source.ip", Sort::Address),
    ("remote.ip", Sort::Address),
    ("source.namespace", Sort::Text),
    ("source.serviceAccount", Sort::Account),
    ("source.principal", Sort::Text),
    ("source.trustDomain", Sort::Pattern),
    ("request.auth.principal", Sort::Text),
    ("request.auth.audiences", Sort::Text),
    ("request.auth.presenter", Sort::Text),
    ("destination.ip", Sort::Address),
    ("destination.port", Sort::Port),
    ("connection.sni", Sort::Text),
];

/// Attributes of many names, each of which is in brackets behind this.
const KEYED: &[&str] = &["request.headers", "request.auth.claims", "experimental.envoy.filters."];

/// Attributes of which istiod's API says what took their place.
const GONE: &[(&str, &str)] = &[
    ("destination.namespace", "is replaced by the policy's own namespace"),
    ("destination.labels", "is replaced by the policy's selector"),
    ("destination.name", "was an attribute of the API's first version"),
    ("destination.user", "was an attribute of the API's first version"),
];

impl At<'_> {
    pub(super) fn condition(&self, condition: &Condition, action: Action) {
        let (key, at) = (condition.key.as_str(), self.field("key"));
        let any = !condition.values.is_empty() || !condition.not_values.is_empty();
        self.require(any, "must have values or notValues");
        let plain = PLAIN.iter().find(|(name, _)| *name == key).map(|(_, sort)| *sort);
        let keyed = KEYED.iter().any(|prefix| key.starts_with(prefix));
        if keyed {
            let named = key.find('[').is_some_and(|open| open > 0 && key.ends_with(']') && open + 2 < key.len());
            at.require(named, format_args!("must have a name in brackets, as request.headers[x-role], found {key:?}"));
        } else if plain.is_none() {
            at.invalid(unknown(key));
        }
        let sort = plain.unwrap_or(Sort::Text);
        self.field("values").values(sort, &condition.values);
        self.field("notValues").values(sort, &condition.not_values);
        let asked = ["source.namespace", "source.serviceAccount", "source.trustDomain", "source.principal"];
        let unsupported = asked.contains(&key) || key.starts_with("request.auth.");
        at.require(!(action == Action::Custom && unsupported), "is not supported with the action CUSTOM");
    }
}

fn unknown(key: &str) -> String {
    if key.is_empty() {
        return "must not be empty".into();
    }
    if let Some((name, text)) = GONE.iter().find(|(name, _)| key.starts_with(name)) {
        return format!("{name} {text}");
    }
    let names = PLAIN.iter().map(|(name, _)| *name).chain(KEYED.iter().copied());
    let hint = nearest(key, names).map(|guess| format!(" (perhaps {guess} is meant)")).unwrap_or_default();
    format!("is no attribute of calls: {key:?}{hint}")
}
