use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::api;

const DOUBT: Duration = Duration::from_secs(60);

fn item(name: &str) -> Item {
    let document =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}});
    let object = api::decode(document, None).object.unwrap();
    Item { key: object.key(), state: State::Good(Arc::new(object)), findings: Vec::new() }
}

fn list(names: &[&str]) -> Vec<Item> {
    names.iter().map(|name| item(name)).collect()
}

fn deleted(events: &[Event]) -> Vec<&str> {
    let deleted = events.iter().filter_map(|e| match e {
        Event::Delete(key) => Some(key.name.as_str()),
        _ => None,
    });
    deleted.collect()
}

fn ledger(names: &[&str]) -> (Ledger, Instant) {
    let (mut ledger, now) = (Ledger::new("Service", DOUBT), Instant::now());
    assert_eq!(ledger.replace(list(names), now).len(), names.len());
    (ledger, now)
}

#[test]
fn what_a_list_says_nothing_of_is_gone() {
    let (mut ledger, now) = ledger(&["a", "b", "c"]);
    assert_eq!(deleted(&ledger.replace(list(&["b", "c", "d"]), now)), ["a"]);
    assert_eq!((ledger.len(), ledger.held(), ledger.due()), (3, 0, None));
}

#[test]
fn a_list_that_lacks_more_than_half_is_held_until_a_second_says_the_same_a_minute_later() {
    let (mut ledger, now) = ledger(&["a", "b", "c"]);
    let events = ledger.replace(list(&["c", "d"]), now);
    assert_eq!(deleted(&events), [""; 0]);
    assert_eq!(events.len(), 2, "what is listed counts all the same");
    assert_eq!((ledger.held(), ledger.due()), (2, Some(now + DOUBT)));
    assert_eq!(ledger.findings().map(|f| f.code).collect::<Vec<_>>(), ["held-list"]);
    // A second one at once confirms nothing; it may come from the same sick server.
    assert_eq!(deleted(&ledger.replace(list(&[]), now + DOUBT / 2)), [""; 0]);
    assert_eq!(deleted(&ledger.replace(list(&["d"]), now + DOUBT)), ["a", "b", "c"]);
    assert_eq!((ledger.held(), ledger.findings().count()), (0, 0));
}

#[test]
fn doubt_ends_when_the_objects_are_back() {
    let (mut ledger, now) = ledger(&["a", "b", "c"]);
    ledger.replace(list(&[]), now);
    assert_eq!(deleted(&ledger.replace(list(&["a", "b", "c"]), now + DOUBT / 2)), [""; 0]);
    assert_eq!((ledger.held(), ledger.due()), (0, None));
    ledger.replace(list(&[]), now + DOUBT * 2);
    assert_eq!(ledger.held(), 3, "an old doubt is no first word");
}

#[test]
fn a_watched_deletion_is_obeyed_even_in_doubt() {
    let (mut ledger, now) = ledger(&["a", "b"]);
    ledger.replace(list(&[]), now);
    assert_eq!(ledger.gone(item("a").key), Some(Event::Delete(item("a").key)));
    assert_eq!(ledger.gone(item("never").key), None);
}

#[test]
fn what_is_broken_stays_as_it_was_and_is_told() {
    let (mut ledger, now) = ledger(&["a"]);
    let finding = Finding {
        object: ObjectRef::default(),
        field: Str::new(),
        severity: Severity::Error,
        code: "invalid",
        text: Str::from("no"),
    };
    let broken = Item { state: State::Broken, findings: vec![finding.clone()], ..item("a") };
    assert_eq!(ledger.there(broken.clone()), None);
    assert_eq!(ledger.findings().collect::<Vec<_>>(), [finding]);
    assert_eq!(ledger.replace(vec![broken], now), []);
    assert_eq!(ledger.replace(list(&["a"]), now).len(), 1);
    assert_eq!(ledger.findings().count(), 0);
}

#[test]
fn what_goes_to_another_revision_is_gone() {
    let (mut ledger, _) = ledger(&["a"]);
    let foreign = Item { state: State::Foreign, ..item("a") };
    assert_eq!(ledger.there(foreign.clone()), Some(Event::Delete(foreign.key.clone())));
    assert_eq!(ledger.there(foreign), None);
}
