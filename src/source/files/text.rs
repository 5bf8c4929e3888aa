//! Text of one document to JSON values, as Kubernetes' tools read it.

use std::fmt::Display;

use serde_json::Value;

use super::split::Piece;

/// Why a document could not be read, and where in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// The line of the file, from 1.
    pub(super) line: u32,
    /// What the parser says, without a place.
    pub(super) why: String,
}

/// The values of one document: one, save for JSON values one after the other, which `kubectl` reads too.
///
/// What starts with `{` is read as JSON first, many times faster than as YAML, and as YAML if it is not JSON.
/// YAML is read as sigs.k8s.io/yaml reads it, which means YAML 1.1 where that and 1.2 differ: `yes` and `on` are
/// booleans, `010` is eight, `<<` merges, and the last of several equal keys wins.
pub(super) fn values(piece: Piece<'_>) -> Result<Vec<Value>, Unreadable> {
    let json = match piece.text.trim_start().strip_prefix('{') {
        Some(inside) => match serde_json::Deserializer::from_str(piece.text).into_iter().collect() {
            Ok(values) => return Ok(values),
            // A quoted key: it was meant as JSON, and that parser's word is the plainer one.
            Err(error) => inside.trim_start().starts_with('"').then_some(error),
        },
        None => None,
    };
    yaml(piece.text).map(|value| vec![value]).map_err(|error| match json {
        Some(json) => unreadable(piece.line, json.line() as u64, &json),
        None => {
            let line = error.location().map_or(1, |at| at.line());
            unreadable(piece.line, line, &error)
        }
    })
}

fn yaml(text: &str) -> Result<Value, serde_saphyr::Error> {
    // A List of ten thousand objects is one document; what aliases may blow up to stays bounded.
    let budget = serde_saphyr::budget! { max_events: 50_000_000, max_nodes: 50_000_000, max_depth: 128 };
    let options = serde_saphyr::options! {
        budget: budget,
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        legacy_octal_numbers: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
        emit_comments: false,
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// Both parsers end their message with the place, counted from the start of the document: cut that off.
fn unreadable(first: u32, line: u64, error: &dyn Display) -> Unreadable {
    let said = error.to_string();
    let why = said.rfind(" at line ").map_or(said.as_str(), |place| &said[..place]);
    let down = u32::try_from(line).unwrap_or(1).saturating_sub(1);
    Unreadable { line: first.saturating_add(down), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Vec<Value>, Unreadable> {
        values(Piece { line: 11, text })
    }

    #[test]
    fn yaml_is_read_as_kubernetes_reads_it() {
        for (text, value) in [
            (
                "a: yes\nb: 'yes'\nc: Off\nd: 010\ne: 0x10\nf: 1_000\n",
                json!({"a": true, "b": "yes", "c": false, "d": 8, "e": 16, "f": 1000}),
            ),
            ("a: ~\nb:\nc: ''\n", json!({"a": null, "b": null, "c": ""})),
            ("a: 1\na: 2\n", json!({"a": 2})),
            ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n", json!({"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}})),
            (
                "a: 2024-01-02\nb: 1.10\nc: 10.0.0.1\nd: 1e3\n",
                json!({"a": "2024-01-02", "b": 1.1, "c": "10.0.0.1", "d": 1000.0}),
            ),
            ("1: a\ntrue: b\n", json!({"1": "a", "true": "b"})),
            ("{a: 1, b: [c, 'd'],}", json!({"a": 1, "b": ["c", "d"]})),
            ("a: 08\n", json!({"a": 8.0})),
            ("a: .inf\n", json!({"a": ".inf"})),
        ] {
            assert_eq!(read(text), Ok(vec![value]), "{text}");
        }
    }

    #[test]
    fn json_values_may_follow_each_other() {
        assert_eq!(read(" {\"a\": 1}\n{\"b\": 2}\n"), Ok(vec![json!({"a": 1}), json!({"b": 2})]));
    }

    #[test]
    fn a_fault_is_placed_in_the_file_and_not_in_the_document() {
        for (text, line, why) in [
            ("a: 1\nb: [1\nc: 2\n", 13, "illegal placement of ':' indicator"),
            ("{\"a\": 1,\n \"b\": \n", 13, "EOF while parsing a value"),
            ("a: 1\n\tb: 2", 11, "while scanning a plain scalar, found a tab"),
            ("a: {{ .Values.b }}", 11, "expected string scalar"),
        ] {
            assert_eq!(read(text), Err(Unreadable { line, why: why.to_owned() }), "{text}");
        }
    }

    #[test]
    fn a_block_may_be_indented_as_a_whole() {
        assert_eq!(read("  a: 1\n  b: 2\n"), Ok(vec![json!({"a": 1, "b": 2})]));
    }
}
