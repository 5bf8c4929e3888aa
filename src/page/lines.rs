//! The difference of two texts, line by line.

use serde::Serialize;

/// How many lines around a change are shown.
const AROUND: usize = 3;
/// How many edits are looked for. Memory is O(edits²): beyond this, what differs is shown as taken out and put in.
const EDITS: usize = 2_000;

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number in the first text, from 1; none if only the second has it.
    pub a: Option<usize>,
    /// Its number in the second text.
    pub b: Option<usize>,
    /// The line.
    pub text: String,
}

/// Neighbouring lines with changes among them.
pub(super) type Hunk = Vec<Line>;

/// What differs, with a few lines around. O((lines) + edits²) at most, after E. Myers, *An O(ND) Difference Algorithm*.
pub(super) fn difference(a: &str, b: &str) -> Vec<Hunk> {
    let (a, b): (Vec<&str>, Vec<&str>) = (a.lines().collect(), b.lines().collect());
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let middle = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    let both = (0..head).map(|i| Step::Both(i, i));
    let steps = both.chain(path(middle.0, middle.1).into_iter().map(|step| step.shifted(head)));
    let steps = steps.chain((0..tail).map(|i| Step::Both(a.len() - tail + i, b.len() - tail + i)));
    hunks(steps.map(|step| step.line(&a, &b)).collect())
}

#[derive(Clone, Copy)]
enum Step {
    Both(usize, usize),
    OnlyA(usize),
    OnlyB(usize),
}

impl Step {
    fn shifted(self, by: usize) -> Self {
        match self {
            Self::Both(a, b) => Self::Both(a + by, b + by),
            Self::OnlyA(a) => Self::OnlyA(a + by),
            Self::OnlyB(b) => Self::OnlyB(b + by),
        }
    }

    fn line(self, a: &[&str], b: &[&str]) -> Line {
        match self {
            Self::Both(i, j) => Line { a: Some(i + 1), b: Some(j + 1), text: a[i].to_owned() },
            Self::OnlyA(i) => Line { a: Some(i + 1), b: None, text: a[i].to_owned() },
            Self::OnlyB(j) => Line { a: None, b: Some(j + 1), text: b[j].to_owned() },
        }
    }
}

/// The shortest way from one text to the other. Diagonal `k` is that on which `i - j == k`; `ends[k]` is how far into `a`
/// the furthest way on it leads.
fn path(a: &[&str], b: &[&str]) -> Vec<Step> {
    let most = (a.len() + b.len()).min(EDITS);
    let at = |k: isize| (k + most as isize + 1) as usize;
    let mut ends = vec![0_usize; 2 * most + 3];
    let mut trace = Vec::new();
    for edits in 0..=most as isize {
        for k in (-edits..=edits).step_by(2) {
            let down = k == -edits || (k != edits && ends[at(k - 1)] < ends[at(k + 1)]);
            let mut i = if down { ends[at(k + 1)] } else { ends[at(k - 1)] + 1 };
            let j = |i: usize| (i as isize - k) as usize;
            while i < a.len() && j(i) < b.len() && a[i] == b[j(i)] {
                i += 1;
            }
            ends[at(k)] = i;
            if i >= a.len() && j(i) >= b.len() {
                return back(&trace, a.len(), b.len());
            }
        }
        let reach = at(-edits)..=at(edits);
        trace.push((edits, ends[reach].to_vec()));
    }
    (0..a.len()).map(Step::OnlyA).chain((0..b.len()).map(Step::OnlyB)).collect()
}

/// The way that led to the end of both texts, from what was reached with each number of edits.
fn back(trace: &[(isize, Vec<usize>)], mut i: usize, mut j: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for (edits, ends) in trace.iter().rev() {
        let k = i as isize - j as isize;
        // Before the last edit the way was on a neighbouring diagonal, of those that so many edits reach.
        let end = |k: isize| (k.abs() <= *edits).then(|| ends[(k + edits) as usize]);
        let down = match (end(k - 1), end(k + 1)) {
            (Some(left), Some(above)) => left < above,
            (left, _) => left.is_none(),
        };
        let (from, k) = if down { (end(k + 1), k + 1) } else { (end(k - 1), k - 1) };
        let from = from.unwrap_or_default();
        let start = if down { from } else { from + 1 };
        while i > start {
            (i, j) = (i - 1, j - 1);
            steps.push(Step::Both(i, j));
        }
        (i, j) = (from, (from as isize - k) as usize);
        steps.push(if down { Step::OnlyB(j) } else { Step::OnlyA(i) });
    }
    while i > 0 {
        (i, j) = (i - 1, j - 1);
        steps.push(Step::Both(i, j));
    }
    steps.reverse();
    steps
}

/// Leaves out what is far from any change.
fn hunks(lines: Vec<Line>) -> Vec<Hunk> {
    let differs = |line: &Line| line.a.is_none() || line.b.is_none();
    let changes: Vec<usize> = (0..lines.len()).filter(|i| differs(&lines[*i])).collect();
    let mut out: Vec<Hunk> = Vec::new();
    let mut shown = 0;
    for change in changes {
        let from = change.saturating_sub(AROUND);
        if from > shown || out.is_empty() {
            out.push(Vec::new());
            shown = from;
        }
        let to = (change + AROUND + 1).min(lines.len());
        if let Some(hunk) = out.last_mut() {
            hunk.extend_from_slice(&lines[shown..to]);
        }
        shown = to;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The difference as `diff -u` would print it, without headers.
    fn printed(a: &str, b: &str) -> Vec<String> {
        let sign = |line: &Line| match (line.a, line.b) {
            (Some(_), Some(_)) => ' ',
            (Some(_), None) => '-',
            (None, _) => '+',
        };
        difference(a, b).concat().iter().map(|line| format!("{}{}", sign(line), line.text)).collect()
    }

    #[test]
    fn a_changed_line_is_shown_with_its_neighbours() {
        let (a, b) = ("1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\nV\n6\n7\n8\n9");
        assert_eq!(printed(a, b), [" 2", " 3", " 4", "-5", "+V", " 6", " 7", " 8"]);
        assert_eq!(printed(a, a), [""; 0]);
        assert_eq!(printed("", "a\nb"), ["+a", "+b"]);
        assert_eq!(printed("a\nb", ""), ["-a", "-b"]);
    }

    #[test]
    fn changes_that_are_far_apart_are_hunks_of_their_own_and_near_ones_are_not() {
        let text = |changed: &[usize]| {
            (0..40).map(|i| if changed.contains(&i) { format!("x{i}") } else { i.to_string() }).collect::<Vec<_>>()
        };
        let hunks = |changed: &[usize]| difference(&text(&[]).join("\n"), &text(changed).join("\n"));
        assert_eq!(hunks(&[5, 30]).len(), 2);
        assert_eq!(hunks(&[5, 12]).len(), 1);
        assert_eq!(hunks(&[5, 30])[1][0], Line { a: Some(28), b: Some(28), text: "27".into() });
    }

    #[test]
    fn texts_with_nothing_in_common_are_shown_whole() {
        let text = |sign: char| (0..EDITS).map(|i| format!("{sign}{i}\n")).collect::<String>();
        let lines = difference(&text('a'), &text('b')).concat();
        assert_eq!(lines.len(), 2 * EDITS);
        assert!(lines[..EDITS].iter().all(|line| line.b.is_none()));
    }

    /// The longest common subsequence by the textbook.
    fn common(a: &[u8], b: &[u8]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut corner = 0;
            for (j, y) in b.iter().enumerate() {
                let above = row[j + 1];
                row[j + 1] = if x == y { corner + 1 } else { above.max(row[j]) };
                corner = above;
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn a_difference_is_true_and_the_shortest(a in "[abc]{0,14}", b in "[abc]{0,14}") {
            let lines = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
            let (left, right) = (lines(&a), lines(&b));
            let shown = difference(&left.join("\n"), &right.join("\n")).concat();
            for line in &shown {
                prop_assert!(line.a.is_none_or(|i| left[i - 1] == line.text));
                prop_assert!(line.b.is_none_or(|j| right[j - 1] == line.text));
            }
            let numbers = |of: fn(&Line) -> Option<usize>| shown.iter().filter_map(of).collect::<Vec<_>>();
            prop_assert!(numbers(|l| l.a).is_sorted() && numbers(|l| l.b).is_sorted());
            let changes = shown.iter().filter(|l| l.a.is_none() || l.b.is_none()).count();
            prop_assert_eq!(changes, a.len() + b.len() - 2 * common(a.as_bytes(), b.as_bytes()));
        }
    }
}
