//! Lists of which a page at a time is shown.

use std::cmp::Reverse;

use serde::Serialize;

use crate::base::Str;

/// How many rows are given where nothing is said, and how many at most.
const USUAL: usize = 50;
const MOST: usize = 500;

/// What of a list is asked for, by the parameters of a query: `q`, words that must all occur; `sort`, a column, with `-`
/// in front for the reverse; `offset` and `limit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    words: Vec<String>,
    sort: String,
    descending: bool,
    offset: usize,
    limit: usize,
}

/// The rows that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part<T> {
    /// How many rows there are.
    pub total: usize,
    /// How many of them were found by the words.
    pub matching: usize,
    /// How many of those come before the first row here.
    pub offset: usize,
    /// The rows.
    pub rows: Vec<T>,
}

/// What rows are sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// By size.
    Number(u64),
    /// By the alphabet.
    Text(Str),
}

impl Ask {
    /// Reads parameters; those that are missing or make no sense have their usual values.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let number = |name| get(name).and_then(|text| text.parse::<usize>().ok());
        let sort = get("sort").unwrap_or_default();
        Self {
            words: get("q").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect(),
            descending: sort.starts_with('-'),
            sort: sort.trim_start_matches('-').to_owned(),
            offset: number("offset").unwrap_or_default(),
            limit: number("limit").unwrap_or(USUAL).clamp(1, MOST),
        }
    }

    /// Whether every word occurs in one of some texts.
    pub(super) fn finds(&self, texts: &[&str]) -> bool {
        let occurs = |word: &String| texts.iter().any(|text| contains(text, word));
        self.words.iter().all(occurs)
    }

    /// Sorts by the column asked for, if it has a key; rows that are equal in it stay in their order.
    pub(super) fn sort<T>(&self, rows: &mut [T], key: impl Fn(&str, &T) -> Option<Key>) {
        if self.sort.is_empty() {
            return;
        }
        match self.descending {
            true => rows.sort_by_cached_key(|row| Reverse(key(&self.sort, row))),
            false => rows.sort_by_cached_key(|row| key(&self.sort, row)),
        }
    }

    /// The rows asked for, made only now. A part that would begin behind the end is the last one.
    pub(super) fn cut<T, R>(&self, total: usize, found: Vec<T>, row: impl Fn(T) -> R) -> Part<R> {
        let limit = self.limit.max(1);
        let matching = found.len();
        let offset = if self.offset < matching { self.offset } else { matching.saturating_sub(1) / limit * limit };
        let rows = found.into_iter().skip(offset).take(limit).map(row).collect();
        Part { total, matching, offset, rows }
    }
}

/// Whether a word in lower case occurs in a text of any case.
fn contains(text: &str, word: &str) -> bool {
    if text.is_ascii() {
        let (text, word) = (text.as_bytes(), word.as_bytes());
        return word.is_empty() || text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    }
    text.to_lowercase().contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &[(&str, &str)]) -> Ask {
        Ask::read(|name| query.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn all_words_must_occur_somewhere_in_any_case() {
        let ask = ask(&[("q", "  Web SHOP ")]);
        assert!(ask.finds(&["web-1", "shop"]) && ask.finds(&["WEBSHOP"]) && !ask.finds(&["web-1"]));
        assert!(Ask::default().finds(&[]));
        assert!(self::ask(&[("q", "ÄPFEL")]).finds(&["grüne äpfel"]));
    }

    #[test]
    fn rows_are_sorted_in_both_directions_and_equal_ones_stay_in_order() {
        let key = |column: &str, row: &(u64, &str)| (column == "n").then_some(Key::Number(row.0));
        let sorted = |sort: &str| {
            let mut rows = vec![(2, "a"), (1, "b"), (2, "c")];
            ask(&[("sort", sort)]).sort(&mut rows, key);
            rows.into_iter().map(|(_, name)| name).collect::<String>()
        };
        assert_eq!(
            (sorted("n"), sorted("-n"), sorted("nonsense"), sorted("")),
            ("bac".into(), "acb".into(), "abc".into(), "abc".into())
        );
    }

    #[test]
    fn a_part_behind_the_end_is_the_last_one() {
        let part = |offset, limit| ask(&[("offset", offset), ("limit", limit)]).cut(9, vec![0, 1, 2, 3, 4], |n| n);
        assert_eq!(part("2", "2"), Part { total: 9, matching: 5, offset: 2, rows: vec![2, 3] });
        assert_eq!(part("99", "2"), Part { total: 9, matching: 5, offset: 4, rows: vec![4] });
        assert_eq!(part("x", "0").rows, [0], "no page is empty that has rows");
        assert_eq!(ask(&[("limit", "4000000000")]).limit, MOST);
        assert_eq!(Ask::default().cut(0, Vec::<u8>::new(), |n| n).rows, [0; 0]);
    }
}
