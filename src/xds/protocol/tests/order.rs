//! What waits for what.

use super::*;

/// A sidecar with one service `a`, fully served.
fn served() -> Script {
    let mut s = Script::delta(&[(Cluster, "a"), (Endpoint, "a"), (Listener, "l"), (Route, "80"), (NameTable, "t")]);
    for (kind, names) in [(Cluster, ""), (Endpoint, "a"), (Listener, ""), (Route, "80"), (NameTable, "")] {
        s.ask(kind, names);
    }
    assert_eq!(s.settle(), "cds eds lds rds nds");
    s
}

#[test]
fn the_first_responses_do_not_wait_for_each_other() {
    let mut s = Script::delta(&[(Cluster, "a"), (Listener, "l"), (NameTable, "t")]);
    for kind in [NameTable, Listener, Cluster] {
        s.ask(kind, "");
    }
    assert_eq!([s.next(), s.next(), s.next()], ["cds n1 +a", "lds n2 +l", "nds n3 +t"]);
}

#[test]
fn a_change_of_weights_is_one_response() {
    let mut s = served();
    s.publish(&[(Route, "80=2")]);
    assert_eq!(s.next(), "rds n6 +80");
    assert_eq!(s.next(), "");
}

#[test]
fn a_subset_is_warm_before_routes_lead_to_it() {
    let mut s = served();
    s.publish(&[(Cluster, "a a|v2"), (Endpoint, "a a|v2"), (Route, "80=2")]);
    assert_eq!(s.next(), "cds n6 +a|v2");
    assert_eq!(s.next(), "");
    s.ask(Endpoint, "a|v2");
    assert_eq!(s.next(), "eds n7 +a|v2");
    s.accept(Endpoint, "n7");
    assert_eq!(s.next(), "", "Envoy answers for clusters when they are warm");
    s.accept(Cluster, "n6");
    assert_eq!(s.next(), "rds n8 +80");
}

#[test]
fn a_subset_goes_when_routes_have_left_it() {
    let mut s = served();
    s.publish(&[(Cluster, "a a|v2"), (Endpoint, "a a|v2"), (Route, "80=2")]);
    s.settle();
    s.ask(Endpoint, "a|v2");
    s.settle();
    s.publish(&[(Cluster, "a"), (Endpoint, "a"), (Route, "80")]);
    assert_eq!(s.next(), "eds n9 -a|v2");
    assert_eq!(s.next(), "rds n10 +80");
    assert_eq!(s.next(), "");
    s.accept(Route, "n10");
    assert_eq!(s.next(), "cds n11 -a|v2");
    assert_eq!(s.next(), "");
}

#[test]
fn a_changed_cluster_is_followed_by_its_endpoints_and_no_others() {
    let mut s = Script::delta(&[(Cluster, "a b"), (Endpoint, "a b")]);
    s.ask(Cluster, "");
    s.ask(Endpoint, "a b");
    s.settle();
    s.publish(&[(Cluster, "a=2 b")]);
    assert_eq!(s.next(), "cds n3 +a");
    assert_eq!(s.next(), "eds n4 +a");
    assert_eq!(s.next(), "");
}

#[test]
fn endpoints_follow_their_cluster_even_if_they_are_in_flight() {
    let mut s = served();
    s.publish(&[(Endpoint, "a=2")]);
    assert_eq!(s.next(), "eds n6 +a");
    s.publish(&[(Cluster, "a=2")]);
    assert_eq!(s.next(), "cds n7 +a");
    assert_eq!(s.next(), "");
    s.accept(Endpoint, "n6");
    assert_eq!(s.next(), "eds n8 +a");
}

#[test]
fn endpoints_stated_after_their_cluster_was_sent_are_sent_again() {
    let mut s = Script::delta(&[(Cluster, "a b"), (Endpoint, "a b")]);
    let stated = s.version(Endpoint, "a");
    s.publish(&[(Cluster, "a=2 b")]);
    s.ask_holding(Cluster, "~a ~b");
    assert_eq!(s.next(), "cds n1 +a");
    s.say(Request { stated: vec![("a".into(), stated.as_str().into())], ..asking(Endpoint, "a") });
    assert_eq!(s.next(), "eds n2 +a");
}

#[test]
fn endpoints_are_sent_again_to_a_client_that_got_their_cluster_on_a_stream_that_broke() {
    let mut s = Script::delta(&[(Cluster, "a"), (Endpoint, "a")]);
    let stated = s.version(Endpoint, "a");
    s.publish(&[(Cluster, "a=2")]);
    s.ask_holding(Cluster, "~a=2");
    s.say(Request { stated: vec![("a".into(), stated.as_str().into())], ..asking(Endpoint, "a") });
    assert_eq!(s.next(), "eds n1 +a");
}

#[test]
fn the_name_table_waits_for_listeners_and_routes() {
    let mut s = served();
    s.publish(&[(Listener, "l m"), (Route, "80=2"), (NameTable, "t=2")]);
    assert_eq!([s.next(), s.next(), s.next()], ["lds n6 +l +m", "rds n7 +80", ""].map(|t| t.replace("+l ", "")));
    s.accept(Listener, "n6");
    assert_eq!(s.next(), "");
    s.accept(Route, "n7");
    assert_eq!(s.next(), "nds n8 +t");
}

#[test]
fn a_listener_goes_in_the_response_that_brings_its_successor() {
    let mut s = served();
    s.publish(&[(Listener, "m")]);
    assert_eq!(s.next(), "lds n6 +m -l");
}

#[test]
fn a_revision_is_delivered_whole_before_the_next_begins() {
    let mut s = served();
    s.publish(&[(Cluster, "a b"), (Route, "80=b")]);
    assert_eq!(s.next(), "cds n6 +b");
    s.publish(&[(Cluster, "a b c"), (Route, "80=c")]);
    s.accept(Cluster, "n6");
    assert_eq!(s.next(), "rds n7 +80", "to b, which is there");
    assert_eq!(s.next(), "cds n8 +c");
    assert_eq!(s.next(), "");
    s.accept(Route, "n7");
    s.accept(Cluster, "n8");
    assert_eq!(s.next(), "rds n9 +80");
    assert_eq!(s.session.delivered(), Some(3));
}

#[test]
fn clusters_that_never_warm_hold_up_the_rest_until_the_wait_is_given_up() {
    let mut s = served();
    s.publish(&[(Cluster, "a bad"), (Route, "80=2")]);
    assert_eq!(s.next(), "cds n6 +bad");
    assert_eq!(s.next(), "");
    assert_eq!(s.session.waiting(), Some(Wait::Answer(6)));
    s.session.give_up(Wait::Answer(6));
    assert_eq!(s.next(), "rds n7 +80");
    s.accept(Route, "n7");
    s.publish(&[(Cluster, "a good")]);
    assert_eq!(s.next(), "cds n8 +good", "what mends it is sent");
    assert_eq!(s.accept(Cluster, "n6"), Note::Stale(Cluster));
    assert_eq!(s.accept(Cluster, "n8"), Note::Accepted(Cluster));
    assert_eq!(s.next(), "cds n9 -bad");
}

#[test]
fn nothing_is_waited_for_when_nothing_is_due() {
    let mut s = served();
    assert_eq!(s.session.waiting(), None);
    s.publish(&[(Route, "80=2")]);
    s.next();
    assert_eq!(s.session.waiting(), None, "an answer is outstanding, but nothing hangs on it");
    s.publish(&[(Route, "80=3")]);
    assert_eq!(s.next(), "");
    assert_eq!(s.session.waiting(), Some(Wait::Answer(6)));
}

#[test]
fn a_cluster_that_comes_back_before_it_was_told_gone_is_sent_again() {
    let mut s = served();
    s.publish(&[(Cluster, ""), (Route, "80=2")]);
    assert_eq!(s.next(), "rds n6 +80");
    s.publish(&[(Cluster, "a")]);
    s.accept(Route, "n6");
    assert_eq!(s.next(), "cds n7 -a", "the revision is delivered whole");
    s.accept(Cluster, "n7");
    assert_eq!(s.next(), "cds n8 +a");
}
