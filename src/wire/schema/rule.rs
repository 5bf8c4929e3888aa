//! What a rule says about one value.

use regex::Regex;

use super::table::{BlobRule, Charset, FloatRule, IntegerRule, TextRule, ValueRule};

/// A value as read from an encoding.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// Integers of any width, `bool`, enums, and durations in nanoseconds.
    Integer(i128),
    Float(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl Value<'_> {
    fn is_default(self) -> bool {
        match self {
            Value::Integer(value) => value == 0,
            Value::Float(value) => value == 0.0,
            Value::Text(value) => value.is_empty(),
            Value::Blob(value) => value.is_empty(),
        }
    }
}

/// A rule that a field's value has to keep.
#[derive(Debug)]
pub(super) struct Rule {
    demand: Demand,
    ignore_empty: bool,
}

#[derive(Debug)]
enum Demand {
    Integer(IntegerRule),
    Duration(IntegerRule),
    Float(FloatRule),
    Text(Text),
    Blob(BlobRule),
    /// Ascending.
    Choice(Vec<i32>),
}

impl Rule {
    /// Makes a rule ready for use. `of_duration` says whether integers are durations in nanoseconds.
    pub(super) fn new(rule: ValueRule, ignore_empty: bool, of_duration: bool) -> Self {
        let demand = match rule {
            ValueRule::Integer(rule) if of_duration => Demand::Duration(rule),
            ValueRule::Integer(rule) => Demand::Integer(rule),
            ValueRule::Float(rule) => Demand::Float(rule),
            ValueRule::Text(rule) => Demand::Text(Text::new(rule)),
            ValueRule::Blob(rule) => Demand::Blob(rule),
            ValueRule::Choice(rule) => Demand::Choice(rule.allowed),
        };
        Rule { demand, ignore_empty }
    }

    /// What is wrong with a value, if anything is, to be read after the name of the field.
    pub(super) fn broken_by(&self, value: Value<'_>) -> Option<String> {
        if self.ignore_empty && value.is_default() {
            return None;
        }
        match (&self.demand, value) {
            (Demand::Integer(rule), Value::Integer(value)) => outside(rule, value, |value| value.to_string()),
            (Demand::Duration(rule), Value::Integer(value)) => outside(rule, value, duration),
            (Demand::Float(rule), Value::Float(value)) => float_outside(rule, value),
            (Demand::Text(rule), Value::Text(value)) => rule.broken_by(value),
            (Demand::Blob(rule), Value::Blob(value)) => size_outside(value.len() as u64, rule.min, rule.max, "bytes"),
            (Demand::Choice(allowed), Value::Integer(value)) => {
                let found = i32::try_from(value).is_ok_and(|value| allowed.binary_search(&value).is_ok());
                (!found).then(|| format!("is {value}, which is not one of the values allowed"))
            }
            // The build script rejects a rule on a field of another kind.
            _ => None,
        }
    }
}

fn outside(rule: &IntegerRule, value: i128, print: fn(i128) -> String) -> Option<String> {
    let (min, max) = (rule.min.map(i128::from), rule.max.map(i128::from));
    if min.is_none_or(|min| min <= value) && max.is_none_or(|max| value <= max) {
        return None;
    }
    let bound = match (min, max) {
        (Some(only), Some(max)) if only == max => print(only),
        (Some(min), _) if value < min => format!("at least {}", print(min)),
        (_, max) => format!("at most {}", max.map(print).unwrap_or_default()),
    };
    Some(format!("is {}, must be {bound}", print(value)))
}

/// As in JSON, which is how users write durations for Envoy: `0.25s`.
fn duration(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, rest) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    let fraction = format!(".{rest:09}");
    format!("{sign}{seconds}{}s", fraction.trim_end_matches('0').trim_end_matches('.'))
}

/// As in Envoy, NaN is within all bounds.
fn float_outside(rule: &FloatRule, value: f64) -> Option<String> {
    if let Some(min) = rule.min.filter(|min| value < *min || rule.above && value == *min) {
        return Some(format!("is {value}, must be {} {min}", if rule.above { "more than" } else { "at least" }));
    }
    let max = rule.max.filter(|max| value > *max || rule.below && value == *max)?;
    Some(format!("is {value}, must be {} {max}", if rule.below { "less than" } else { "at most" }))
}

fn size_outside(size: u64, min: u64, max: Option<u64>, unit: &str) -> Option<String> {
    if size < min {
        return Some(if size == 0 {
            "must not be empty".to_owned()
        } else {
            format!("has {size} {unit}, must have at least {min}")
        });
    }
    let max = max.filter(|max| size > *max)?;
    Some(format!("has {size} {unit}, must have at most {max}"))
}

/// A rule on texts, its regular expression compiled.
#[derive(Debug)]
struct Text {
    rule: TextRule,
    pattern: Option<Regex>,
}

impl Text {
    fn new(rule: TextRule) -> Self {
        // Envoy wants the whole text to match, also where the pattern has no anchors.
        let pattern = (!rule.pattern.is_empty()).then(|| {
            Regex::new(&format!(r"\A(?:{})\z", rule.pattern))
                .expect("Envoy's patterns are of RE2's dialect, as regex's")
        });
        Text { rule, pattern }
    }

    fn broken_by(&self, value: &str) -> Option<String> {
        let rule = &self.rule;
        if rule.max_chars.is_some() || rule.min_chars > 1 {
            let size = value.chars().count() as u64;
            if let Some(why) = size_outside(size, rule.min_chars, rule.max_chars, "characters") {
                return Some(why);
            }
        } else if rule.min_chars == 1 && value.is_empty() {
            return Some("must not be empty".to_owned());
        }
        if let Some(why) = size_outside(value.len() as u64, 0, rule.max_bytes, "bytes") {
            return Some(why);
        }
        if !in_charset(rule.charset(), value) {
            return Some(format!("is {value:?}, which has characters that are not allowed"));
        }
        if !(value.starts_with(&rule.prefix) && value.ends_with(&rule.suffix)) {
            let (prefix, suffix) = (&rule.prefix, &rule.suffix);
            return Some(format!("is {value:?}, must start with {prefix:?} and end with {suffix:?}"));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(value)) {
            return Some(format!("is {value:?}, must match {:?}", pattern.as_str()));
        }
        let listed = rule.one_of.is_empty() || rule.one_of.iter().any(|one| one == value);
        (!listed).then(|| format!("is {value:?}, must be one of {:?}", rule.one_of))
    }
}

/// The regular expressions that protoc-gen-validate knows by name, spelled out.
fn in_charset(charset: Charset, value: &str) -> bool {
    match charset {
        Charset::All => true,
        Charset::OneLine => !value.bytes().any(|byte| matches!(byte, 0 | b'\n' | b'\r')),
        Charset::HeaderValue => !value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f),
        Charset::HeaderName => {
            let name = value.strip_prefix(':').unwrap_or(value);
            // The original has `+-.`, a range that takes in the comma.
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+,-.^_|~`".contains(&byte);
            !name.is_empty() && name.bytes().all(allowed)
        }
    }
}
