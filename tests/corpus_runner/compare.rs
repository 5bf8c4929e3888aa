//! Two dumps of what a proxy holds, field by field.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

/// Lists whose order means nothing to a proxy.
const UNORDERED: [&str; 9] = [
    "accessLog",
    "additionalAddresses",
    "customTags",
    "domains",
    "filterChains",
    "ips",
    "lbEndpoints",
    "prefixRanges",
    "queryParameters",
];

const KINDS: [&str; 5] = ["clusters", "endpoints", "listeners", "routes", "nametable"];

/// How two dumps compare.
#[derive(Default)]
pub(crate) struct Score {
    /// Wanted, equal, and not expected, by kind.
    kinds: BTreeMap<&'static str, (usize, usize, usize)>,
    /// Every difference, a line each.
    pub differences: Vec<String>,
}

impl Score {
    /// Whether nothing differs, is missing or is there without being wanted.
    pub(crate) fn is_equal(&self) -> bool {
        self.kinds.values().all(|(want, equal, extra)| want == equal && *extra == 0)
    }

    /// Resources that istiod sent.
    pub(crate) fn wanted(&self) -> usize {
        self.kinds.values().map(|k| k.0).sum()
    }

    /// Resources that are equal.
    pub(crate) fn equal(&self) -> usize {
        self.kinds.values().map(|k| k.1).sum()
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in KINDS {
            let (want, equal, extra) = self.kinds.get(kind).copied().unwrap_or_default();
            write!(f, "{kind} {equal}/{want}")?;
            if extra > 0 {
                write!(f, "+{extra}")?;
            }
            f.write_str("  ")?;
        }
        Ok(())
    }
}

/// Compares what istiod sent with what mizzen would send.
pub(crate) fn compare(golden: Value, got: Value) -> Score {
    let (golden, got) = (name_virtual_addresses(golden), name_virtual_addresses(got));
    let mut score = Score::default();
    let empty = Map::new();
    for kind in KINDS {
        let want = golden[kind].as_object().unwrap_or(&empty);
        let have = got[kind].as_object().unwrap_or(&empty);
        let mut equal = 0;
        for (name, value) in want {
            let Some(other) = have.get(name) else {
                score.differences.push(format!("{kind} {name:?}: missing"));
                continue;
            };
            let before = score.differences.len();
            differ(&format!("{kind} {name:?} "), &canonical(value, ""), &canonical(other, ""), &mut score.differences);
            equal += usize::from(score.differences.len() == before);
        }
        let extra: Vec<&String> = have.keys().filter(|k| !want.contains_key(*k)).collect();
        extra.iter().for_each(|name| score.differences.push(format!("{kind} {name:?}: not expected")));
        score.kinds.insert(kind, (want.len(), equal, extra.len()));
    }
    score
}

/// Which host got which address is free: each address of mizzen's ranges is replaced by its host's name.
fn name_virtual_addresses(dump: Value) -> Value {
    let mut names: Vec<(String, String)> = Vec::new();
    for (host, info) in dump["nametable"].as_object().into_iter().flatten() {
        for ip in info["ips"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if (ip.starts_with("240.240.") || ip.starts_with("2001:2::")) && names.iter().all(|(known, _)| known != ip)
            {
                names.push((ip.to_owned(), format!("vip{}({host})", if ip.contains(':') { 6 } else { 4 })));
            }
        }
    }
    // The longest first, so that 240.240.0.12 is not taken for 240.240.0.1.
    names.sort_by_key(|(ip, _)| std::cmp::Reverse(ip.len()));
    replace(dump, &names)
}

fn replace(value: Value, names: &[(String, String)]) -> Value {
    let text = |s: String| names.iter().fold(s, |s, (ip, name)| s.replace(ip, name));
    match value {
        Value::String(s) => Value::String(text(s)),
        Value::Array(list) => list.into_iter().map(|v| replace(v, names)).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (text(k), replace(v, names))).collect(),
        other => other,
    }
}

fn canonical(value: &Value, field: &str) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), canonical(v, k))).collect()),
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(|v| canonical(v, field)).collect();
            if UNORDERED.contains(&field) || field == "virtualHosts" {
                list.sort_by_cached_key(Value::to_string);
            }
            Value::Array(list)
        }
        other => other.clone(),
    }
}

fn differ(path: &str, want: &Value, got: &Value, out: &mut Vec<String>) {
    match (want, got) {
        _ if want == got => {}
        (Value::Object(w), Value::Object(g)) => {
            for (key, value) in w {
                match g.get(key) {
                    Some(other) => differ(&format!("{path}.{key}"), value, other, out),
                    None => out.push(format!("{path}.{key}: missing, want {}", short(value))),
                }
            }
            let extra = g.iter().filter(|(k, _)| !w.contains_key(*k));
            extra.for_each(|(key, value)| out.push(format!("{path}.{key}: unexpected {}", short(value))));
        }
        (Value::Array(w), Value::Array(g)) => {
            for i in 0..w.len().max(g.len()) {
                match (w.get(i), g.get(i)) {
                    (Some(a), Some(b)) => differ(&format!("{path}[{i}]"), a, b, out),
                    (Some(a), None) => out.push(format!("{path}[{i}]: missing, want {}", short(a))),
                    (None, Some(b)) => out.push(format!("{path}[{i}]: unexpected {}", short(b))),
                    (None, None) => {}
                }
            }
        }
        _ => out.push(format!("{path}: want {}, got {}", short(want), short(got))),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
