//! Who has taken in what.

use std::time::{Duration, Instant};

use super::{Kept, Object, Progress};

fn object(name: &str) -> Object {
    Object {
        kind: "VirtualService".into(),
        namespace: "shop".into(),
        name: name.into(),
        kept: Kept::Changed,
        changed: Instant::now() - Duration::from_millis(300),
    }
}

/// Three proxies that have answered revision 1.
fn three() -> Progress {
    let progress = Progress::default();
    for (id, name) in [(1, "a.shop"), (2, "b.shop"), (3, "c.shop")] {
        progress.joined(id, name.into(), 1);
        assert!(progress.answered(id, 1).is_empty());
    }
    progress
}

#[test]
fn a_change_is_done_when_the_last_proxy_that_it_concerns_has_answered() {
    let progress = three();
    progress.published(2, vec![object("routes")], [1, 3]);
    assert!(progress.answered(1, 2).is_empty());
    let change = progress.changes().remove(0);
    assert_eq!((change.proxies, change.answered, change.waiting_for), (2, 1, vec!["c.shop".into()]));
    let done = progress.answered(3, 2);
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].0, "VirtualService");
    assert!(done[0].1 >= Duration::from_millis(300), "it counts from the change, not from the publication");
    let change = progress.changes().remove(0);
    assert_eq!((change.answered, change.waiting_for.len()), (2, 0));
    assert!(change.last_answer.is_some_and(|t| t >= Duration::from_millis(300)));
    assert!(progress.answered(3, 2).is_empty(), "only once");
}

#[test]
fn an_answer_to_a_later_revision_answers_those_that_were_skipped() {
    let progress = three();
    progress.published(2, vec![object("a")], [1]);
    progress.published(3, vec![object("b")], [1, 2]);
    progress.published(4, vec![object("c")], [1]);
    let done: Vec<_> = progress.answered(1, 3).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(done.len(), 1, "b still waits for proxy 2");
    let answered: Vec<_> = progress.changes().iter().map(|c| (c.object.name.to_string(), c.answered)).collect();
    assert_eq!(answered, [("c".into(), 0), ("b".into(), 1), ("a".into(), 1)]);
    assert_eq!(
        progress.behind(Duration::ZERO).iter().map(|b| (&*b.proxy, b.revision)).collect::<Vec<_>>(),
        [("a.shop", 4), ("b.shop", 3)]
    );
}

#[test]
fn a_refusal_is_an_answer_and_is_counted_with_its_revision_alone() {
    let progress = three();
    progress.published(2, vec![object("bad")], [1]);
    progress.refused(1);
    assert_eq!(progress.answered(1, 2).len(), 1);
    progress.published(3, vec![object("good")], [1]);
    progress.answered(1, 3);
    let refused: Vec<_> = progress.changes().iter().map(|c| (c.object.name.to_string(), c.refused)).collect();
    assert_eq!(refused, [("good".into(), 0), ("bad".into(), 1)]);
}

#[test]
fn who_left_is_waited_for_no_longer() {
    let progress = three();
    progress.published(2, vec![object("a")], [1, 2]);
    progress.left(2);
    let change = progress.changes().remove(0);
    assert_eq!((change.proxies, change.answered, change.left), (2, 0, 1));
    assert_eq!(change.waiting_for, ["a.shop"]);
    assert_eq!(progress.behind(Duration::ZERO).len(), 1);
    assert_eq!(progress.answered(1, 2).len(), 1);
}

#[test]
fn a_change_is_done_too_when_the_last_that_is_waited_for_leaves() {
    let progress = three();
    progress.published(2, vec![object("a")], [1, 2]);
    assert!(progress.answered(1, 2).is_empty());
    let done = progress.left(2);
    assert_eq!(done.len(), 1);
    let told = progress.changes()[0].last_answer;
    assert_eq!(Some(done[0].1), told, "the time of the last answer, not of the leave");
    progress.published(3, vec![object("b")], [3]);
    assert!(progress.left(3).is_empty(), "nobody ever answered");
}

#[test]
fn of_many_that_are_waited_for_the_first_by_name_are_named() {
    let progress = Progress::default();
    (0..100).for_each(|i| progress.joined(i, format!("{}.shop", 99 - i).into(), 1));
    progress.published(2, vec![object("a")], 0..100);
    let mut names: Vec<String> = (0..100).map(|i| format!("{i}.shop")).collect();
    names.sort();
    assert_eq!(progress.changes()[0].waiting_for, names[..20]);
}

#[test]
fn what_follows_from_other_settings_is_owed_like_any_change() {
    let progress = three();
    progress.published(2, vec![object("a")], [1]);
    progress.published(3, Vec::new(), [1]);
    progress.answered(1, 2);
    let behind: Vec<_> = progress.behind(Duration::ZERO).into_iter().map(|b| b.revision).collect();
    assert_eq!(behind, [3]);
    assert_eq!(progress.changes().len(), 1, "it has no object that could be told of");
}

#[test]
fn who_left_before_the_publication_is_not_waited_for() {
    let progress = three();
    progress.left(2);
    progress.published(2, vec![object("a")], [1, 2]);
    let change = progress.changes().remove(0);
    assert_eq!((change.proxies, change.waiting_for), (1, vec!["a.shop".into()]));
}

#[test]
fn a_change_that_concerns_nobody_is_told_all_the_same() {
    let progress = three();
    progress.published(2, vec![object("a")], []);
    let change = progress.changes().remove(0);
    assert_eq!((change.proxies, change.last_answer), (0, None));
    assert!(progress.behind(Duration::ZERO).is_empty());
}

#[test]
fn who_has_not_answered_since_it_joined_is_behind() {
    let progress = Progress::default();
    progress.joined(1, "a.shop".into(), 5);
    let behind = progress.behind(Duration::ZERO);
    assert_eq!((&*behind[0].proxy, behind[0].revision), ("a.shop", 5));
    assert!(progress.behind(Duration::from_secs(60)).is_empty());
}

#[test]
fn what_is_remembered_is_bounded() {
    let progress = three();
    for number in 2..700 {
        progress.published(number, vec![object("a"), object("b")], [1]);
    }
    let changes = progress.changes();
    assert_eq!(changes.len(), 1000);
    assert_eq!(changes[0].revision, 699);
    progress.published(700, (0..5000).map(|_| object("a")).collect(), [1]);
    let changes = progress.changes();
    assert_eq!((changes.len(), changes[0].together), (1000, 5000));
    progress.answered(1, 700);
    assert!(progress.behind(Duration::ZERO).is_empty(), "a revision that is forgotten is not owed for ever");
}
