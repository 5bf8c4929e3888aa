//! Two dumps of what a proxy holds, told apart for people.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

/// What `after` holds differently: a line for each resource that comes or goes, and for each field that changes.
/// Empty when nothing differs.
pub(super) fn difference(before: &Value, after: &Value) -> String {
    let mut out = String::new();
    let object = |v: &'_ Value| v.as_object().cloned().unwrap_or_default();
    for (kind, old) in object(before) {
        let (old, new) = (object(&old), object(&after[&kind]));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            match (old.get(name), new.get(name)) {
                (None, Some(_)) => line(&mut out, '+', &kind, name),
                (Some(_), None) => line(&mut out, '-', &kind, name),
                (Some(a), Some(b)) if a != b => {
                    line(&mut out, '~', &kind, name);
                    fields("", a, b, &mut out);
                }
                _ => {}
            }
        }
    }
    out
}

fn line(out: &mut String, sign: char, kind: &str, name: &str) {
    let _ = writeln!(out, "{sign} {kind} {name}");
}

fn fields(path: &str, before: &Value, after: &Value, out: &mut String) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                fields(&path, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), out);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for i in 0..a.len().max(b.len()) {
                let at = |list: &[Value]| list.get(i).cloned().unwrap_or(Value::Null);
                fields(&format!("{path}[{i}]"), &at(a), &at(b), out);
            }
        }
        _ => {
            if !before.is_null() {
                let _ = writeln!(out, "    - {path}: {before}");
            }
            if !after.is_null() {
                let _ = writeln!(out, "    + {path}: {after}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_goes_and_changes_is_told() {
        let before = json!({"clusters": {"a": {"x": 1, "list": [1, 2]}, "b": {}}});
        let after = json!({"clusters": {"a": {"x": 2, "list": [1]}, "c": {}}});
        let expected = "~ clusters a\n    - list[1]: 2\n    - x: 1\n    + x: 2\n- clusters b\n+ clusters c\n";
        assert_eq!(difference(&before, &after), expected);
        assert!(difference(&before, &before).is_empty());
    }
}
