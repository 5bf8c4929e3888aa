//! The pass over a message.

use std::ops::Range;
use std::str;

use super::Violation;
use super::catalog::{Boxed, Catalog, Field, Kind, Message, Number};
use super::encoding::{self, Wire};
use super::failure::{Failure, Outcome};
use super::order::{self, Run};
use super::rule::Value;

/// How many messages may enclose one another. Protobuf parsers stop at 100, counting anew in every `Any`; deeper
/// than this is malice, and would exhaust the stack.
const MAX_DEPTH: u16 = 300;

/// Checks and orders a whole resource.
pub(super) fn resource(catalog: &Catalog, type_url: &str, bytes: &mut [u8]) -> Result<(), Violation> {
    let walk = Walk { catalog };
    let level = Level { depth: 0, enforce: true };
    let outcome = type_name(type_url).and_then(|name| match catalog.find(name) {
        Some(index) => walk.message(index, bytes, level),
        None => Ok(()),
    });
    outcome.map_err(|failure| failure.into_violation())
}

/// The message type that a type URL names: what follows the last slash.
fn type_name(type_url: &str) -> Outcome<&str> {
    let name = type_url.rsplit_once('/').map(|(_, name)| name);
    let well_formed = |name: &&str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
    };
    name.filter(well_formed).ok_or_else(|| Failure::new(format!("has the type URL {type_url:?}, which names no type")))
}

struct Walk<'a> {
    catalog: &'a Catalog,
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct Level {
    depth: u16,
    /// Whether rules matter, or just encoding and order.
    enforce: bool,
}

impl Walk<'_> {
    fn message(&self, index: u32, bytes: &mut [u8], level: Level) -> Outcome {
        let level = Level { depth: level.depth + 1, ..level };
        if level.depth > MAX_DEPTH {
            return Err(Failure::new("is nested too deeply"));
        }
        let message = self.catalog.message(index);
        let mut seen = 0;
        let mut run = Run::default();
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            let tag = encoding::tag(bytes, &mut at).ok_or_else(Failure::malformed)?;
            let Some(field) = message.field(tag.number) else {
                encoding::content(bytes, &mut at, tag.wire).ok_or_else(Failure::malformed)?;
                continue;
            };
            if seen & field.slot != 0 && !field.repeated {
                return Err(Failure::new("is set twice, itself or by another field of its oneof").inside(&*field.name));
            }
            let content = self
                .field(field, tag.wire, bytes, &mut at, level)
                .map_err(|failure| locate(failure, field, tag.wire, &bytes[..start]))?;
            // A packed field can be there without having a value.
            if !content.is_empty() || !matches!(field.kind, Kind::Number(_)) {
                seen |= field.slot;
            }
            if matches!(field.kind, Kind::Entry { .. }) {
                run.push(bytes, field.number, start..at, content);
            }
        }
        run.settle(bytes);
        if level.enforce { self.complete(message, seen, bytes, level) } else { Ok(()) }
    }

    /// Checks one field's content, at `at`, and moves past it. Returns where the content is.
    fn field(
        &self,
        field: &Field,
        wire: Wire,
        bytes: &mut [u8],
        at: &mut usize,
        level: Level,
    ) -> Outcome<Range<usize>> {
        let range = encoding::content(bytes, at, wire).ok_or_else(Failure::malformed)?;
        let content = &mut bytes[range.clone()];
        match (field.kind, wire) {
            (Kind::Number(number), Wire::Length) if field.repeated => packed(field, number, content, level)?,
            (Kind::Number(number), wire) if wire == number.wire => judge(field, number.read(content), level)?,
            (Kind::Text, Wire::Length) => {
                let text = str::from_utf8(content).map_err(|_| Failure::new("is not UTF-8"))?;
                judge(field, Value::Text(text), level)?;
            }
            (Kind::Blob, Wire::Length) => judge(field, Value::Blob(content), level)?,
            (Kind::Any, Wire::Length) => self.any(content, level)?,
            (Kind::Entry { index }, Wire::Length) => {
                if let Err(failure) = self.message(index, content, level) {
                    return Err(failure.inside_entry(&content[order::key(content)]));
                }
            }
            (Kind::Message { index, skip, boxed }, Wire::Length) => {
                let level = Level { enforce: level.enforce && !skip, ..level };
                self.message(index, content, level)?;
                match boxed {
                    Boxed::Nothing => {}
                    Boxed::Wrapped => self.wrapped(field, index, content, level)?,
                    Boxed::Duration => judge(field, Value::Integer(nanoseconds(content)), level)?,
                }
            }
            _ => return Err(Failure::malformed()),
        }
        Ok(range)
    }

    /// Applies the rule of a field to the value in a wrapper.
    fn wrapped(&self, field: &Field, index: u32, wrapper: &[u8], level: Level) -> Outcome {
        let content =
            encoding::fields(wrapper).find(|(tag, _)| tag.number == 1).map_or(&[][..], |(_, content)| content);
        let value = match self.catalog.message(index).field(1).map(|value| value.kind) {
            Some(Kind::Number(number)) => number.read(content),
            Some(Kind::Text) => Value::Text(str::from_utf8(content).unwrap_or_default()),
            _ => Value::Blob(content),
        };
        judge(field, value, level)
    }

    fn any(&self, bytes: &mut [u8], level: Level) -> Outcome {
        let (mut type_url, mut value) = (0..0, 0..0);
        let mut at = 0;
        while at < bytes.len() {
            let tag = encoding::tag(bytes, &mut at).ok_or_else(Failure::malformed)?;
            let content = encoding::content(bytes, &mut at, tag.wire).ok_or_else(Failure::malformed)?;
            match (tag.number, tag.wire) {
                (1, Wire::Length) => type_url = content,
                (2, Wire::Length) => value = content,
                (1 | 2, _) => return Err(Failure::malformed()),
                _ => {}
            }
        }
        // Envoy takes an `Any` of nothing for no configuration.
        if type_url.is_empty() && value.is_empty() {
            return Ok(());
        }
        let type_url =
            str::from_utf8(&bytes[type_url]).map_err(|_| Failure::new("has a type URL that is not UTF-8"))?;
        let Some(index) = self.catalog.find(type_name(type_url)?) else { return Ok(()) };
        self.message(index, &mut bytes[value], level).map_err(|failure| {
            let name = &self.catalog.message(index).name;
            failure.inside(format!("({})", name.rsplit('.').next().unwrap_or(name)))
        })
    }

    /// Checks what can only be known at the end of a message: what is missing, and how many there are.
    fn complete(&self, message: &Message, seen: u128, bytes: &[u8], level: Level) -> Outcome {
        let missing = message.required & !seen;
        if missing != 0 {
            let (name, why) = message.missing(1 << missing.trailing_zeros());
            return Err(Failure::new(why).inside(name));
        }
        if message.has_counts {
            for field in message.fields.iter().filter(|field| seen & field.slot != 0) {
                count(field, bytes).map_err(|failure| failure.inside(&*field.name))?;
            }
        }
        // An entry without a value has an empty message for one, to which the rules apply.
        if message.is_map_entry
            && let Some(Field { kind: Kind::Message { index, .. }, slot, name, .. }) = message.field(2)
            && seen & slot == 0
        {
            self.message(*index, &mut [], level).map_err(|failure| failure.inside(&**name))?;
        }
        Ok(())
    }
}

/// Adds to a failure in which field it was. `before` is what precedes the field in its message.
#[cold]
fn locate(failure: Box<Failure>, field: &Field, wire: Wire, before: &[u8]) -> Box<Failure> {
    let packed = matches!(field.kind, Kind::Number(_)) && wire == Wire::Length;
    let failure = if field.repeated && !packed && !matches!(field.kind, Kind::Entry { .. }) {
        failure.inside(format!("[{}]", values(field, before).count()))
    } else {
        failure
    };
    failure.inside(&*field.name)
}

/// Judges all values of a packed field.
fn packed(field: &Field, number: Number, content: &[u8], level: Level) -> Outcome {
    let mut at = 0;
    let mut i = 0;
    while at < content.len() {
        let value = encoding::content(content, &mut at, number.wire).ok_or_else(Failure::malformed)?;
        judge(field, number.read(&content[value]), level).map_err(|failure| failure.inside(format!("[{i}]")))?;
        i += 1;
    }
    Ok(())
}

#[inline]
fn judge(field: &Field, value: Value<'_>, level: Level) -> Outcome {
    match &field.rule {
        Some(rule) if level.enforce => rule.broken_by(value).map_or(Ok(()), |why| Err(Failure::new(why))),
        _ => Ok(()),
    }
}

/// Checks how many values of a field there are, and whether they differ.
fn count(field: &Field, message: &[u8]) -> Outcome {
    let Some(count) = field.count.as_ref().filter(|count| count.must_be_counted()) else { return Ok(()) };
    let mut values: Vec<&[u8]> = values(field, message).collect();
    if let Some(why) = count.broken_by(values.len() as u64) {
        return Err(Failure::new(why));
    }
    if count.unique {
        values.sort_unstable();
        if values.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Failure::new("has the same entry twice"));
        }
    }
    Ok(())
}

/// The encoded values of a field, packed or not, in a message whose encoding was checked.
fn values<'a>(field: &Field, message: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let of_field = encoding::fields(message).filter(|(tag, _)| tag.number == field.number);
    of_field.flat_map(|(tag, content)| {
        let packed = match field.kind {
            Kind::Number(number) if tag.wire == Wire::Length => Some(number.wire),
            _ => None,
        };
        let mut at = 0;
        let mut done = false;
        std::iter::from_fn(move || match packed {
            Some(wire) => encoding::content(content, &mut at, wire).map(|value| &content[value]),
            None => (!std::mem::replace(&mut done, true)).then_some(content),
        })
    })
}

/// How long a `google.protobuf.Duration` is.
fn nanoseconds(duration: &[u8]) -> i128 {
    let mut nanos = 0;
    for (tag, content) in encoding::fields(duration) {
        let value = i128::from(encoding::number(content, &mut 0, Wire::Varint).unwrap_or_default() as i64);
        nanos += match tag.number {
            1 => value * 1_000_000_000,
            2 => value,
            _ => 0,
        };
    }
    nanos
}
