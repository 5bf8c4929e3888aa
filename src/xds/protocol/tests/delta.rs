//! Subscriptions and answers, incrementally.

use super::*;

#[test]
fn naming_nothing_asks_for_all_clusters_listeners_and_the_name_table() {
    let mut s = Script::delta(&[(Cluster, "a b"), (Endpoint, "a b"), (Listener, "l")]);
    for kind in ResourceType::ALL {
        s.ask(kind, "");
    }
    assert_eq!(s.next(), "cds n1 +a +b");
    assert_eq!(s.next(), "lds n2 +l");
    assert_eq!(s.next(), "nds n3");
    assert_eq!(s.next(), "");
}

#[test]
fn a_first_wildcard_request_is_answered_even_if_there_is_nothing() {
    let mut s = Script::delta(&[]);
    s.ask(Cluster, "*");
    assert_eq!(s.next(), "cds n1");
    s.ask(Listener, "");
    assert_eq!(s.next(), "lds n2");
}

#[test]
fn subscribing_to_and_unsubscribing_from_everything_at_once_is_to_ask_for_nothing() {
    let mut s = Script::delta(&[(Cluster, "a")]);
    s.ask(Cluster, "* -*");
    s.session.poll_response();
    s.publish(&[(Cluster, "a=2 b")]);
    assert_eq!(s.next(), "");
    s.ask(Cluster, "b");
    assert_eq!(s.next(), "cds n2 +b");
}

#[test]
fn named_resources_come_alone_and_are_followed_alone() {
    let mut s = Script::delta(&[(Route, "80 90 100")]);
    s.ask(Route, "80 90");
    assert_eq!(s.next(), "rds n1 +80 +90");
    s.accept(Route, "n1");
    s.publish(&[(Route, "80 90=2 100=2")]);
    assert_eq!(s.next(), "rds n2 +90");
}

#[test]
fn a_name_subscribed_again_is_answered_though_nothing_changed() {
    let mut s = Script::delta(&[(Route, "80")]);
    s.ask(Route, "80");
    s.settle();
    s.ask(Route, "80");
    assert_eq!(s.next(), "rds n2 +80");
}

#[test]
fn a_name_without_a_resource_is_answered_as_removed_and_followed_when_it_appears() {
    let mut s = Script::delta(&[(Endpoint, "a")]);
    s.ask(Endpoint, "a ghost");
    assert_eq!(s.next(), "eds n1 +a -ghost");
    s.accept(Endpoint, "n1");
    s.publish(&[(Endpoint, "a ghost")]);
    assert_eq!(s.next(), "eds n2 +ghost");
}

#[test]
fn a_name_that_only_another_type_has_is_answered_as_removed() {
    let mut s = Script::delta(&[(Cluster, "a"), (Route, "80")]);
    s.ask(Route, "a");
    assert_eq!(s.next(), "rds n1 -a");
    s.accept(Route, "n1");
    s.publish(&[(Route, "80 a")]);
    assert_eq!(s.next(), "rds n2 +a");
}

#[test]
fn unsubscribed_names_are_not_sent() {
    let mut s = Script::delta(&[(Route, "80 90")]);
    s.ask(Route, "80 90");
    s.settle();
    s.ask(Route, "-90");
    s.publish(&[(Route, "80 90=2")]);
    assert_eq!(s.next(), "");
    s.ask(Route, "90");
    assert_eq!(s.next(), "rds n2 +90");
}

#[test]
fn unsubscribing_from_everything_keeps_names() {
    let mut s = Script::delta(&[(Cluster, "a b")]);
    s.ask(Cluster, "* a");
    s.settle();
    s.ask(Cluster, "-*");
    s.publish(&[(Cluster, "a=2 b=2 c")]);
    assert_eq!(s.next(), "cds n2 +a");
}

#[test]
fn a_name_unsubscribed_under_a_wildcard_is_told_once_more() {
    let mut s = Script::delta(&[(Cluster, "a b")]);
    s.ask(Cluster, "* a");
    s.settle();
    s.ask(Cluster, "-a");
    assert_eq!(s.next(), "cds n2 +a");
}

#[test]
fn a_wildcard_asked_for_later_brings_everything() {
    let mut s = Script::delta(&[(Cluster, "a b")]);
    s.ask(Cluster, "a");
    s.settle();
    s.ask(Cluster, "*");
    assert_eq!(s.next(), "cds n2 +a +b");
}

#[test]
fn one_response_is_in_flight_and_publications_meanwhile_are_skipped() {
    let mut s = Script::delta(&[(Endpoint, "a=1")]);
    s.ask(Endpoint, "a");
    assert_eq!(s.next(), "eds n1 +a");
    s.publish(&[(Endpoint, "a=2")]);
    assert_eq!(s.next(), "");
    s.publish(&[(Endpoint, "a=3")]);
    assert_eq!(s.next(), "");
    s.accept(Endpoint, "n1");
    assert_eq!(s.next(), "eds n2 +a");
    s.accept(Endpoint, "n2");
    s.publish(&[(Endpoint, "a=3 b")]);
    assert_eq!(s.next(), "");
}

#[test]
fn a_publication_that_changed_back_meanwhile_sends_nothing() {
    let mut s = Script::delta(&[(Route, "80=1")]);
    s.ask(Route, "80");
    assert_eq!(s.next(), "rds n1 +80");
    s.publish(&[(Route, "80=2")]);
    s.publish(&[(Route, "80=1")]);
    s.accept(Route, "n1");
    assert_eq!(s.next(), "");
}

#[test]
fn an_equal_publication_sends_nothing() {
    let all = [(Cluster, "a b"), (Endpoint, "a b"), (Listener, "l"), (Route, "80"), (NameTable, "t")];
    let mut s = Script::delta(&all);
    for (kind, names) in [(Cluster, ""), (Endpoint, "a b"), (Listener, ""), (Route, "80"), (NameTable, "")] {
        s.ask(kind, names);
    }
    s.settle();
    s.publish(&all);
    assert_eq!(s.next(), "");
    assert_eq!(s.session.delivered(), Some(2));
}

#[test]
fn the_first_nonce_of_a_stream_may_be_of_an_earlier_one() {
    let mut s = Script::delta(&[(Cluster, "a")]);
    assert_eq!(s.accept(Cluster, "n7-of-another-server"), Note::Subscribed(Cluster));
    assert_eq!(s.next(), "cds n1 +a");
}

#[test]
fn a_stale_nonce_is_ignored_but_not_the_names_beside_it() {
    let mut s = Script::delta(&[(Route, "80 90")]);
    s.ask(Route, "80");
    assert_eq!(s.next(), "rds n1 +80");
    let note = s.say(Request { nonce: "n0".into(), ..asking(Route, "90") });
    assert_eq!(note, Note::Stale(Route));
    assert_eq!(s.next(), "", "the response in flight is not answered");
    assert_eq!(s.accept(Route, "n1"), Note::Accepted(Route));
    assert_eq!(s.next(), "rds n2 +90");
}

#[test]
fn types_that_are_not_served_are_ignored() {
    let mut s = Script::delta(&[(Cluster, "a")]);
    for url in ["type.googleapis.com/istio.v1.HealthInformation", "istio.io/debug", ""] {
        assert_eq!(s.say(Request { type_url: url.into(), ..Request::default() }), Note::Ignored);
    }
    assert_eq!(s.next(), "");
}

#[test]
fn a_response_without_a_name_table_is_not_awaited() {
    // pilot-agent does not answer it.
    let mut s = Script::delta(&[]);
    s.ask(NameTable, "");
    assert_eq!(s.next(), "nds n1");
    s.publish(&[(NameTable, "t")]);
    assert_eq!(s.next(), "nds n2 +t");
    s.accept(NameTable, "n2");
    s.publish(&[(NameTable, "")]);
    assert_eq!(s.next(), "nds n3 -t");
    s.publish(&[(NameTable, "t")]);
    assert_eq!(s.next(), "nds n4 +t");
}

#[test]
fn more_unknown_names_than_are_remembered_still_miss_nothing() {
    let mut s = Script::delta(&[(Endpoint, "a")]);
    let many = (0..20_000).map(|i| format!("ghost-{i} ")).collect::<String>();
    s.ask(Endpoint, &many);
    assert_eq!(s.session.poll_response().unwrap().removed.len(), 20_000);
    s.accept(Endpoint, "n1");
    assert_eq!(s.session.state(Endpoint).unwrap().interest.unknown().count(), 16 * 1024);
    s.publish(&[(Endpoint, "a ghost-1 ghost-19999")]);
    assert_eq!(s.next(), "eds n2 +ghost-1 +ghost-19999");
}

#[test]
fn a_client_that_asks_for_names_without_end_and_never_answers_is_sent_away() {
    let mut s = Script::delta(&[(Endpoint, "a")]);
    s.ask(Endpoint, "a");
    assert_eq!(s.next(), "eds n1 +a");
    let result = (0..20).find_map(|round| {
        let names = (0..8_000).map(|i| format!("{round}-{i} ")).collect::<String>();
        s.session.on_request(&asking(Endpoint, &names)).err()
    });
    assert_eq!(result, Some(Violation::TooManyNames));
}

#[test]
fn a_client_that_never_answers_costs_one_response_of_each_type() {
    let mut s = Script::delta(&[(Endpoint, "a"), (Listener, "l"), (Route, "80")]);
    for (kind, names) in [(Endpoint, "a"), (Listener, ""), (Route, "80")] {
        s.ask(kind, names);
        s.next();
    }
    for i in 0..100 {
        s.publish(&[(Endpoint, &format!("a={i}")), (Listener, &format!("l={i}")), (Route, &format!("80={i}"))]);
        while let Some(wait) = s.session.waiting() {
            s.session.give_up(wait);
        }
        assert_eq!(s.next(), "");
    }
}

#[test]
fn configurations_of_extensions_come_by_name_and_their_absence_is_never_told() {
    let mut s = Script::delta(&[(Extension, "a")]);
    s.ask(Extension, "a b");
    assert_eq!(s.next(), "ecds n1 +a");
    s.accept(Extension, "n1");
    s.publish(&[(Extension, "")]);
    assert_eq!(s.next(), "");
    s.publish(&[(Extension, "a=2 b c")]);
    assert_eq!(s.next(), "ecds n2 +a +b");
}
