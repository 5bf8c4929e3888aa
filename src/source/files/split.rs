//! Cuts the text of a file into its documents.

/// One document of a file, still text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The line (from 1) on which `text` starts.
    pub(super) line: u32,
    /// From the first line that says something up to the line before the next separator.
    pub(super) text: &'a str,
}

/// The documents of a file, in order; those of blanks, comments and directives alone are left out.
///
/// A document ends at a line that starts with `---` or `...` and goes on with white space, as in YAML: no scalar
/// may contain such a line, so that one document can be cut from the next without reading either, and a fault
/// in one does not reach the others. One pass over the text.
pub(super) fn split(text: &str) -> Vec<Piece<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut pieces = Vec::new();
    let mut open: Option<(u32, usize)> = None;
    let mut at = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let end = at + line.len();
        let mut rest = at;
        if let Some(after) = separator(line) {
            pieces.extend(open.take().map(|(line, start)| Piece { line, text: &text[start..at] }));
            rest = end - after.len();
        }
        if open.is_none() && says_something(&text[rest..end]) {
            open = Some((number, rest));
        }
        at = end;
    }
    pieces.extend(open.map(|(line, start)| Piece { line, text: &text[start..] }));
    pieces
}

/// What follows the mark on a line that separates documents; `---` may have its document beside it.
fn separator(line: &str) -> Option<&str> {
    let after = line.strip_prefix("---").or_else(|| line.strip_prefix("..."))?;
    after.chars().next().is_none_or(char::is_whitespace).then_some(after)
}

/// Whether a line opens a document: blanks, comments and directives (`%YAML 1.2`) do not.
fn says_something(line: &str) -> bool {
    !matches!(line.trim_start().as_bytes().first(), None | Some(b'#' | b'%'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_and_texts(text: &str) -> Vec<(u32, &str)> {
        split(text).into_iter().map(|p| (p.line, p.text)).collect()
    }

    #[test]
    fn a_document_starts_at_its_first_line_that_says_something() {
        let text = "# license\n\n---\n# about a\n\na: 1\n# in a\n--- # next\n\nb: 2\n";
        assert_eq!(lines_and_texts(text), [(6, "a: 1\n# in a\n"), (10, "b: 2\n")]);
    }

    #[test]
    fn a_document_may_stand_beside_its_separator() {
        assert_eq!(lines_and_texts("--- {a: 1}\n---\t{b: 2}"), [(1, " {a: 1}\n"), (2, "\t{b: 2}")]);
    }

    #[test]
    fn dashes_within_a_line_or_an_indented_block_separate_nothing() {
        let text = "a: |\n  ---\n  ...\n---b: 1\n";
        assert_eq!(lines_and_texts(text), [(1, text)]);
    }

    #[test]
    fn empty_documents_directives_and_a_byte_order_mark_are_passed_over() {
        assert_eq!(
            lines_and_texts("\u{feff}%YAML 1.2\n---\n---\n# nothing\n...\na: 1\r\n---\r\n\r\n"),
            [(6, "a: 1\r\n")]
        );
        assert_eq!(lines_and_texts(""), []);
        assert_eq!(lines_and_texts("\n---\n"), []);
    }
}
