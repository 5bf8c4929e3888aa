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
/// operation on sets inside of brackets, and `\Q…\E`.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut class = Class::Outside;
    while let Some(c) = rest.chars().next() {
        let (taken, text) = match (c, class) {
            ('\\', _) if rest.starts_with(r"\Q") => {
                let end = rest.find(r"\E").unwrap_or(rest.len());
                (rest.len().min(end + 2), regex::escape(&rest[2..end]))
            }
            // Any single byte.
            ('\\', _) if rest.starts_with(r"\C") => (2, ".".to_owned()),
            ('\\', _) => {
                let taken = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                (taken, rest[..taken].to_owned())
            }
            ('[', Class::Outside) => {
                let taken = if rest.starts_with("[^") { 2 } else { 1 };
                class = Class::Start;
                out.push_str(&rest[..taken]);
                rest = &rest[taken..];
                continue;
            }
            ('[', _) if rest.starts_with("[:") && rest.contains(":]") => {
                let taken = rest.find(":]").map_or(1, |end| end + 2);
                (taken, rest[..taken].to_owned())
            }
            ('[', _) => (1, r"\[".to_owned()),
            (']', Class::Start) => (1, r"\]".to_owned()),
            (']', Class::Inside) => {
                class = Class::Outside;
                out.push(']');
                rest = &rest[1..];
                continue;
            }
            ('&' | '~', Class::Start | Class::Inside) => (1, format!("\\{c}")),
            ('{', Class::Outside) => match repetition(rest) {
                Some((taken, count)) if count <= MAX_REPEAT => (taken, rest[..taken].to_owned()),
                Some((_, count)) => return Err(format!("repeats {count} times, more than {MAX_REPEAT}")),
                None => (1, r"\{".to_owned()),
            },
            ('}', Class::Outside) => (1, r"\}".to_owned()),
            (c, _) => (c.len_utf8(), c.to_string()),
        };
        if class == Class::Start {
            class = Class::Inside;
        }
        out.push_str(&text);
        rest = &rest[taken..];
    }
    Ok(out)
}

/// Where in a pattern the translation is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Outside,
    /// Directly after the bracket that opens a class, where `]` is literal.
    Start,
    Inside,
}

/// The length and the greatest number of a repetition `{n}`, `{n,}` or `{n,m}` at the beginning of the text.
fn repetition(text: &str) -> Option<(usize, u32)> {
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
            "}",
        ] {
            assert_eq!(compile(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_envoy_would_refuse_are_refused() {
        for pattern in ["(", "*", "[a", r"(a)\1", "(?=x)", "a{1001}", "a**{2", r"\"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
