//! Texts with Envoy's operators in them: logs, headers that proxies add, tags of spans.

mod operators;

use crate::api::Json;

/// Whether Envoy can read a text of a log: each per cent sign is doubled, or begins `%NAME%`, `%NAME(ARGUMENTS)%` or
/// one of these with a length, `%NAME(ARGUMENTS):LENGTH%` (Envoy `substitution_formatter.cc`, `commandWithArgsRegex`), and
/// there is such an operator.
pub fn is_log_format(text: &str) -> bool {
    let mut rest = text;
    while let Some(start) = rest.find('%') {
        let Some(after) = operator(&rest[start + 1..]) else { return false };
        rest = after;
    }
    true
}

/// Whether Envoy can read a text of a header.
pub fn is_header_format(text: &str) -> bool {
    header_format(text).is_ok()
}

/// The same, and why not.
pub(super) fn header_format(text: &str) -> Result<(), &'static str> {
    if text.bytes().any(|b| (b < 0x20 && b != b'\t') || b == 0x7f) {
        return Err("it contains control characters");
    }
    match is_log_format(text) {
        true => Ok(()),
        false => {
            Err("a per cent sign begins no operator that Envoy has, such as %REQ(X)% (one that stands for itself is \
                      written %%)")
        }
    }
}

/// Whether Envoy can read a log in JSON: every text in it is one of the format.
pub fn is_log_object(json: &Json) -> bool {
    match json {
        Json::String(text) => is_log_format(text),
        Json::Array(list) => list.iter().all(is_log_object),
        Json::Object(fields) => fields.values().all(is_log_object),
        Json::Null | Json::Bool(_) | Json::Number(_) => true,
    }
}

/// What follows the operator that begins after a per cent sign.
fn operator(text: &str) -> Option<&str> {
    if let Some(after) = text.strip_prefix('%') {
        return Some(after);
    }
    let rest = text.trim_start_matches(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let name = &text[..text.len() - rest.len()];
    let Some(arguments) = rest.strip_prefix('(') else {
        let (length, after) = end(rest)?;
        return operators::exists(name, None, length).then_some(after);
    };
    // Arguments may hold parentheses; they end where an operator can.
    let line = arguments.find('\n').unwrap_or(arguments.len());
    let ends = arguments[..line].match_indices(')');
    let (said, (length, after)) =
        ends.map(|(at, _)| at).find_map(|at| Some((&arguments[..at], end(&arguments[at + 1..])?)))?;
    operators::exists(name, Some(said), length).then_some(after)
}

/// Whether there is a length at the end of an operator, and what follows its per cent sign.
fn end(text: &str) -> Option<(bool, &str)> {
    let rest = match text.strip_prefix(':') {
        Some(length) => {
            let rest = length.trim_start_matches(|c: char| c.is_ascii_digit());
            (rest.len() < length.len()).then_some(rest)?
        }
        None => text,
    };
    Some((rest.len() < text.len(), rest.strip_prefix('%')?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_header_format, is_log_format, is_log_object};

    /// What Envoy 1.40 said to each, asked by `--mode validate`.
    #[test]
    fn formats_are_read_as_envoy_reads_them() {
        for good in [
            "",
            "a\nb",
            "100%%",
            "%START_TIME%",
            "%START_TIME(%Y (x))%",
            "%REQ(X):10%",
            "%CEL(request.headers['x'].startsWith('a'))%",
            "[%START_TIME%] %REQ(X-A?:PATH)%%RESPONSE_CODE%\n",
        ] {
            assert!(is_log_format(good), "{good}");
        }
        for bad in [
            "100% sure 50%",
            "%foo bar%",
            "%REQ(:PATH%",
            "%START_TIME%%",
            "50%",
            "%REQ(X):a%",
            "%REQ(X):%",
            "%REQ(X) :10%",
            "%REQ(X)y%",
            "abc%123",
            "%REQ(a\nb)%",
            "%()%",
        ] {
            assert!(!is_log_format(bad), "{bad}");
        }
    }

    #[test]
    fn a_header_is_one_line() {
        assert!(is_header_format("t=%START_TIME(%s.%3f)%\t%REQ(X):10%"));
        assert!(!is_header_format("a\nb") && !is_header_format("100% sure 50%"));
    }

    #[test]
    fn a_json_log_is_read_to_its_leaves() {
        assert!(is_log_object(&json!({"a": {"b": ["%PROTOCOL%", 1, true, null]}, "50%": "x"})));
        assert!(!is_log_object(&json!({"a": {"b": ["%PROTOCOL"]}})));
    }
}
