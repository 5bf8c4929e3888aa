//! The state of the world.

use super::*;

fn accepting(kind: ResourceType, nonce: &str, names: &str) -> Request {
    Request { nonce: nonce.into(), ..asking(kind, names) }
}

#[test]
fn clusters_and_listeners_come_whole_each_time_one_changes() {
    let mut s = Script::sotw(&[(Cluster, "a b"), (Listener, "l m")]);
    s.ask(Cluster, "");
    s.ask(Listener, "");
    assert_eq!([s.next(), s.next()], ["cds n1 +a +b", "lds n2 +l +m"]);
    s.accept(Cluster, "n1");
    s.accept(Listener, "n2");
    s.publish(&[(Cluster, "a b=2")]);
    assert_eq!(s.next(), "cds n3 +a +b");
    s.accept(Cluster, "n3");
    s.publish(&[(Cluster, "a b=2")]);
    assert_eq!(s.next(), "");
}

#[test]
fn the_version_is_that_of_the_content_whatever_led_to_it() {
    let version = |s: &mut Script| s.session.poll_response().unwrap().version;
    let mut first = Script::sotw(&[(Cluster, "a b")]);
    first.ask(Cluster, "");
    let a_and_b = version(&mut first);
    first.accept(Cluster, "n1");
    first.publish(&[(Cluster, "a b=2")]);
    let changed = version(&mut first);
    assert_ne!(a_and_b, changed);

    let mut second = Script::sotw(&[(Cluster, "a b=2")]);
    second.ask(Cluster, "");
    assert_eq!(version(&mut second), changed);
    second.accept(Cluster, "n1");
    second.publish(&[(Cluster, "b a")]);
    assert_eq!(version(&mut second), a_and_b);
}

#[test]
fn endpoints_and_routes_come_as_far_as_they_changed() {
    let mut s = Script::sotw(&[(Endpoint, "a b"), (Route, "80 90")]);
    s.ask(Endpoint, "a b");
    s.ask(Route, "80 90");
    assert_eq!([s.next(), s.next()], ["eds n1 +a +b", "rds n2 +80 +90"]);
    s.say(accepting(Endpoint, "n1", "a b"));
    s.say(accepting(Route, "n2", "80 90"));
    s.publish(&[(Endpoint, "a=2 b"), (Route, "80 90=2")]);
    assert_eq!([s.next(), s.next()], ["eds n3 +a", "rds n4 +90"]);
}

#[test]
fn an_answer_with_other_names_is_a_new_subscription() {
    let mut s = Script::sotw(&[(Endpoint, "a b c")]);
    s.ask(Endpoint, "a");
    assert_eq!(s.next(), "eds n1 +a");
    assert_eq!(s.say(accepting(Endpoint, "n1", "a b")), Note::Accepted(Endpoint));
    assert_eq!(s.next(), "eds n2 +b");
    s.say(accepting(Endpoint, "n2", "b"));
    s.publish(&[(Endpoint, "a=2 b c")]);
    assert_eq!(s.next(), "");
    s.say(accepting(Endpoint, "n2", "a b"));
    assert_eq!(s.next(), "eds n3 +a");
}

#[test]
fn no_names_end_a_subscription_to_endpoints_and_routes() {
    let mut s = Script::sotw(&[(Endpoint, "a")]);
    s.ask(Endpoint, "");
    assert_eq!(s.next(), "");
    s.ask(Endpoint, "a");
    assert_eq!(s.next(), "eds n1 +a");
    s.say(accepting(Endpoint, "n1", ""));
    s.publish(&[(Endpoint, "a=2")]);
    assert_eq!(s.next(), "");
    assert!(s.session.state(Endpoint).is_none());
    s.say(accepting(Endpoint, "n1", "a"));
    assert_eq!(s.next(), "eds n2 +a");
}

#[test]
fn clusters_can_be_asked_for_by_name() {
    // As gRPC's own xDS client does.
    let mut s = Script::sotw(&[(Cluster, "a b")]);
    s.ask(Cluster, "a");
    assert_eq!(s.next(), "cds n1 +a");
    s.say(accepting(Cluster, "n1", "a"));
    s.publish(&[(Cluster, "a b=2 c")]);
    assert_eq!(s.next(), "");
    s.say(accepting(Cluster, "n1", "a b"));
    assert_eq!(s.next(), "cds n2 +a +b");
}

#[test]
fn a_stale_nonce_changes_nothing() {
    let mut s = Script::sotw(&[(Endpoint, "a b")]);
    s.ask(Endpoint, "a");
    assert_eq!(s.next(), "eds n1 +a");
    assert_eq!(s.say(accepting(Endpoint, "n0", "a b")), Note::Stale(Endpoint));
    assert_eq!(s.next(), "");
    s.say(accepting(Endpoint, "n1", "a b"));
    assert_eq!(s.next(), "eds n2 +b");
}

#[test]
fn a_request_without_nonce_is_answered_in_full() {
    let mut s = Script::sotw(&[(Cluster, "a")]);
    s.ask(Cluster, "");
    s.settle();
    s.ask(Cluster, "");
    assert_eq!(s.next(), "cds n2 +a");
}

#[test]
fn requests_for_more_names_before_the_first_answer_are_answered_together() {
    let mut s = Script::sotw(&[(Endpoint, "a b")]);
    s.ask(Endpoint, "a");
    s.ask(Endpoint, "a b");
    assert_eq!(s.next(), "eds n1 +a +b");
}

#[test]
fn names_without_a_resource_are_answered_with_nothing_and_followed_when_they_appear() {
    let mut s = Script::sotw(&[]);
    s.ask(Route, "80");
    assert_eq!(s.next(), "rds n1");
    s.publish(&[(Route, "80")]);
    assert_eq!(s.next(), "rds n2 +80");
}

#[test]
fn a_changed_cluster_is_followed_by_its_endpoints() {
    let mut s = Script::sotw(&[(Cluster, "a b"), (Endpoint, "a b")]);
    s.ask(Cluster, "");
    s.ask(Endpoint, "a b");
    s.settle();
    s.publish(&[(Cluster, "a=2 b")]);
    assert_eq!([s.next(), s.next()], ["cds n3 +a +b", "eds n4 +a"]);
}

#[test]
fn a_cluster_stays_in_the_set_until_routes_have_left_it() {
    let mut s = Script::sotw(&[(Cluster, "a old"), (Listener, "l"), (Route, "80")]);
    s.ask(Cluster, "");
    s.ask(Listener, "");
    s.ask(Route, "80");
    s.settle();
    s.publish(&[(Cluster, "a new"), (Route, "80=2")]);
    assert_eq!(s.next(), "cds n4 +a +new +old");
    assert_eq!(s.next(), "");
    s.accept(Cluster, "n4");
    assert_eq!(s.next(), "rds n5 +80");
    s.say(accepting(Route, "n5", "80"));
    assert_eq!(s.next(), "cds n6 +a +new");
}

#[test]
fn a_gone_listener_is_told_by_its_absence() {
    let mut s = Script::sotw(&[(Listener, "l m")]);
    s.ask(Listener, "");
    s.settle();
    s.publish(&[(Listener, "m")]);
    assert_eq!(s.next(), "lds n2 +m");
    s.accept(Listener, "n2");
    s.publish(&[(Listener, "")]);
    assert_eq!(s.next(), "lds n3");
    assert_eq!(s.next(), "");
}

#[test]
fn gone_endpoints_and_routes_are_not_mentioned() {
    let mut s = Script::sotw(&[(Endpoint, "a b"), (Route, "80 90")]);
    s.ask(Endpoint, "a b");
    s.ask(Route, "80 90");
    s.settle();
    s.publish(&[(Endpoint, "a"), (Route, "80")]);
    assert_eq!(s.next(), "");
    assert_eq!(s.session.delivered(), Some(2));
}
