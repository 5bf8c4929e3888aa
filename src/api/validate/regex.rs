//! Regular expressions, which Envoy compiles with RE2.

use super::at::At;

/// RE2 refuses to repeat anything more often.
const MAX_REPEAT: u32 = 1000;

impl At<'_> {
    /// A regular expression in RE2's syntax.
    pub(super) fn regex(&self, pattern: &str) {
        if pattern.is_empty() {
            self.invalid("must not be an empty regular expression");
        } else if pattern.len() > 1024 {
            self.invalid("must be a regular expression of at most 1024 letters");
        } else if let Err(problem) = compile(pattern) {
            self.invalid(format_args!("must be a regular expression (RE2), found {pattern:?}: {problem}"));
        }
    }
}

/// Compiles a pattern with our own engine, which is of RE2's family.
fn compile(pattern: &str) -> Result<(), String> {
    let translated = translate(pattern)?;
    match regex::Regex::new(&translated) {
        Ok(_) => Ok(()),
        Err(regex::Error::Syntax(text)) => {
            Err(text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Escapes what RE2 takes literally and our engine does not: a brace that is no repetition, what looks like an
/// operation on sets inside of brackets, and `\Q…\E`. Refuses what RE2 does and our engine does not: many repetitions,
/// and repetitions of repetitions.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut after_repetition = false;
    while let Some(c) = rest.chars().next() {
        let repeats = repetition(rest)?;
        if repeats.is_some() && after_repetition {
            return Err(format!("{:?} repeats a repetition", rest.chars().take(4).collect::<String>()));
        }
        after_repetition = repeats.is_some();
        let taken = match (c, repeats) {
            (_, Some(taken)) => {
                out.push_str(&rest[..taken]);
                taken
            }
            ('\\', None) => escape(rest, &mut out),
            ('[', None) => class(rest, &mut out),
            ('{' | '}', None) => {
                out.extend(['\\', c]);
                1
            }
            _ => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    Ok(out)
}

/// Translates what begins with a backslash, and tells its length.
fn escape(text: &str, out: &mut String) -> usize {
    if let Some(quoted) = text.strip_prefix(r"\Q") {
        let literal = quoted.split(r"\E").next().unwrap_or_default();
        out.push_str(&regex::escape(literal));
        return text.len().min(literal.len() + 4);
    }
    // RE2's `\C` is any single byte.
    let taken = 1 + text[1..].chars().next().map_or(0, char::len_utf8);
    out.push_str(if text.starts_with(r"\C") { "." } else { &text[..taken] });
    taken
}

/// Translates a class in brackets, and tells its length.
fn class(text: &str, out: &mut String) -> usize {
    let mut at = if text.starts_with("[^") { 2 } else { 1 };
    out.push_str(&text[..at]);
    let first = at;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        at += match c {
            ']' if at > first => {
                out.push(']');
                return at + 1;
            }
            '\\' => escape(rest, out),
            '[' if rest.starts_with("[:") && rest.contains(":]") => {
                let taken = rest.find(":]").map_or(1, |end| end + 2);
                out.push_str(&rest[..taken]);
                taken
            }
            '[' | ']' | '&' | '~' => {
                out.extend(['\\', c]);
                1
            }
            _ => {
                out.push(c);
                c.len_utf8()
            }
        };
    }
    at
}

/// The length of the repetition at the beginning of the text, with the `?` that makes it lazy; none if there is none.
fn repetition(text: &str) -> Result<Option<usize>, String> {
    let taken = match text.as_bytes()[0] {
        b'*' | b'+' | b'?' => 1,
        b'{' => match counts(text) {
            Some((taken, most)) if most <= MAX_REPEAT => taken,
            Some((_, most)) => return Err(format!("it repeats {most} times, more than {MAX_REPEAT}")),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(taken + usize::from(text[taken..].starts_with('?'))))
}

/// The length and the greatest number of a repetition `{n}`, `{n,}` or `{n,m}` at the beginning of the text.
fn counts(text: &str) -> Option<(usize, u32)> {
    let end = text.find('}')?;
    let inner = &text[1..end];
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let number = |digits: &str| {
        let valid = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let least = number(least)?;
    let most = if most.is_empty() { least } else { number(most)? };
    Some((end + 1, least.max(most)))
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn patterns_of_re2_are_accepted() {
        for pattern in [
            "/api/v[0-9]+(/.*)?",
            "/items/{id}",
            "a{2,3}b{4}",
            "[[a-z]+",
            "[]a]",
            "[^]a]",
            "[a&&b]",
            "[[:alpha:]_]",
            r"\Qa.b(\E.*",
            r"(?i)^x\.y$",
            r"\pL+",
            "(?P<name>x)",
            "a{,5}",
            "(a*)*x??y+?",
            r"[\]\w-]",
            "(?i:a)?",
            "}",
        ] {
            assert_eq!(compile(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_envoy_would_refuse_are_refused() {
        for pattern in ["(", "*", "[a", r"(a)\1", "(?=x)", "a{1001}", "a**", "a{2}{3}", "a*?+", r"\"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
