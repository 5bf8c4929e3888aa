//! Proxies that come back and say what they hold, incrementally.

use super::*;

#[test]
fn a_proxy_that_comes_back_with_everything_is_sent_nothing() {
    let mut s = Script::delta(&[(Cluster, "a b"), (Endpoint, "a"), (Listener, "l"), (Route, "80")]);
    s.ask_holding(Cluster, "~a ~b");
    s.ask_holding(Endpoint, "a");
    s.ask_holding(Listener, "~l");
    s.ask_holding(Route, "80");
    assert_eq!(s.next(), "");
    s.publish(&[(Endpoint, "a=2")]);
    assert_eq!(s.next(), "eds n1 +a");
}

#[test]
fn a_proxy_that_comes_back_gets_what_changed_and_loses_what_is_gone() {
    let mut s = Script::delta(&[(Cluster, "a b=2"), (Endpoint, "a b"), (Listener, "l2"), (Route, "80=2 90")]);
    s.ask_holding(Cluster, "~a ~b ~c");
    s.ask_holding(Endpoint, "a b c");
    s.ask_holding(Listener, "~l");
    s.ask_holding(Route, "80 90");
    assert_eq!(s.next(), "cds n1 +b");
    assert_eq!(s.next(), "eds n2 +b -c", "the changed cluster warms anew");
    assert_eq!(s.next(), "", "listeners and routes wait for the clusters");
    s.accept(Cluster, "n1");
    s.accept(Endpoint, "n2");
    assert_eq!(s.next(), "lds n3 +l2 -l");
    assert_eq!(s.next(), "rds n4 +80");
    assert_eq!(s.next(), "");
    s.accept(Listener, "n3");
    s.accept(Route, "n4");
    assert_eq!(s.next(), "cds n5 -c");
    assert_eq!(s.next(), "");
}

#[test]
fn clusters_that_are_gone_wait_for_a_returning_proxy_to_ask_for_its_routes() {
    let mut s = Script::delta(&[(Cluster, "a"), (Listener, "l"), (Route, "80=2")]);
    s.ask_holding(Cluster, "~a ~old");
    assert_eq!(s.next(), "");
    assert_eq!(s.session.waiting(), Some(Wait::Requests));
    s.ask_holding(Listener, "~l");
    assert_eq!(s.next(), "");
    s.ask_holding(Route, "80");
    assert_eq!(s.next(), "rds n1 +80");
    assert_eq!(s.next(), "");
    s.accept(Route, "n1");
    assert_eq!(s.next(), "cds n2 -old");
}

#[test]
fn clusters_that_are_gone_wait_for_no_proxy_that_has_no_routes() {
    let mut s = Script::delta(&[(Cluster, "a")]);
    s.ask_holding(Cluster, "~a ~old");
    assert_eq!(s.next(), "");
    s.session.give_up(Wait::Requests);
    assert_eq!(s.next(), "cds n1 -old");
    assert_eq!(s.session.waiting(), None);
}
