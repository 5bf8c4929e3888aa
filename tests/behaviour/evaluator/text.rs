//! Texts of Envoy's JSON, and its matchers of texts.

use regex::Regex;
use serde_json::Value;

/// A text; empty where there is none.
pub(super) fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A list; empty where there is none.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Whether a regular expression matches all of a text.
pub(super) fn matches(regex: &str, text: &str) -> bool {
    let whole = Regex::new(&format!("^(?:{regex})$")).expect("Envoy takes only valid expressions");
    whole.is_match(text)
}

/// Whether a `StringMatcher` matches a text.
pub(super) fn fits(matcher: &Value, text: &str) -> bool {
    let ignores_case = matcher["ignoreCase"].as_bool().unwrap_or(false);
    let fold = |text: &str| if ignores_case { text.to_lowercase() } else { text.to_owned() };
    let wanted = |field: &str| matcher.get(field).and_then(Value::as_str).map(fold);
    let text = fold(text);
    if let Some(exact) = wanted("exact") {
        text == exact
    } else if let Some(prefix) = wanted("prefix") {
        text.starts_with(&prefix)
    } else if let Some(suffix) = wanted("suffix") {
        text.ends_with(&suffix)
    } else if let Some(part) = wanted("contains") {
        text.contains(&part)
    } else if let Some(regex) = matcher["safeRegex"]["regex"].as_str() {
        matches(regex, &text)
    } else {
        panic!("unknown matcher {matcher}")
    }
}
