//! From text to words.

/// A word of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name.
    Name(&'a str),
    /// A number, a string or bytes.
    Literal,
    /// An operator or a bracket.
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 27] = [
    "<=", ">=", "==", "!=", "&&", "||", "<", ">", "!", "-", "+", "*", "/", "%", "?", ":", "(", ")", "[", "]", "{", "}",
    ".", ",", "=", "&", "|",
];

/// All words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut rest = text;
    let mut all = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.find('\n').map_or("", |end| &comment[end..]);
            continue;
        }
        let Some(first) = rest.chars().next() else { return Ok(all) };
        let (token, length) = match first {
            '"' | '\'' => (Token::Literal, string(rest, false)?),
            '0'..='9' => (Token::Literal, number(rest)?),
            'a'..='z' | 'A'..='Z' | '_' => name(rest)?,
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.filter(|s| !["=", "&", "|"].contains(*s));
                let sign = sign.ok_or_else(|| format!("{first:?} means nothing here"))?;
                (Token::Sign(sign), sign.len())
            }
        };
        all.push(token);
        rest = &rest[length..];
    }
}

/// A name, or a string with letters in front of it that say how to read it.
fn name(text: &str) -> Result<(Token<'_>, usize), String> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let word = &text[..end];
    let quoted = text[end..].starts_with(['"', '\'']);
    let marks = word.to_ascii_lowercase();
    if quoted && ["r", "b", "rb", "br"].contains(&marks.as_str()) {
        return Ok((Token::Literal, end + string(&text[end..], marks.contains('r'))?));
    }
    Ok((Token::Name(word), end))
}

/// The length of a string with its quotes.
fn string(text: &str, raw: bool) -> Result<usize, String> {
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| text.starts_with(q)).unwrap_or("'");
    let mut at = quote.len();
    while let Some(next) = text[at..].chars().next() {
        if text[at..].starts_with(quote) {
            return Ok(at + quote.len());
        }
        if next == '\n' && quote.len() == 1 {
            break;
        }
        if next == '\\' && !raw {
            at += 1;
            let escaped = text[at..].chars().next().unwrap_or(' ');
            if !"abfnrtv\\?\"'`xXuU01234567".contains(escaped) {
                return Err(format!("a string has the unknown escape \\{escaped}"));
            }
            at += escaped.len_utf8();
        } else {
            at += next.len_utf8();
        }
    }
    Err("a string has no end".to_owned())
}

/// The length of a number.
fn number(text: &str) -> Result<usize, String> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unsigned = |end: usize| end + usize::from(text[end..].starts_with(['u', 'U']));
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let length = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        return if length == 0 { Err("0x must be followed by digits".to_owned()) } else { Ok(unsigned(2 + length)) };
    }
    let whole = digits(text);
    let mut end = whole;
    if let Some(fraction) = text[end..].strip_prefix('.').filter(|f| f.starts_with(|c: char| c.is_ascii_digit())) {
        end += 1 + digits(fraction);
    }
    if let Some(power) = text[end..].strip_prefix(['e', 'E']) {
        let bare = power.strip_prefix(['+', '-']).unwrap_or(power);
        let length = digits(bare);
        if length > 0 {
            end += 1 + (power.len() - bare.len()) + length;
        }
    }
    let fits = end > whole || text[..whole].parse::<u64>().is_ok();
    if !fits {
        return Err(format!("{} is too large a number", &text[..whole]));
    }
    Ok(if end == whole { unsigned(end) } else { end })
}
