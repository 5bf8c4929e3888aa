//! Clients that refuse.

use super::*;

#[test]
fn a_refused_version_is_kept_with_its_reason_and_not_sent_again() {
    let mut s = Script::delta(&[(Cluster, "good bad")]);
    s.ask(Cluster, "");
    assert_eq!(s.next(), "cds n1 +bad +good");
    let Note::Refused(Cluster, rejection) = s.refuse(Cluster, "n1", "cluster bad: no such filter") else { panic!() };
    assert_eq!(rejection.names, ["bad"]);
    assert_eq!(rejection.code, 13);
    assert_eq!(s.session.state(Cluster).unwrap().rejection, Some(rejection));
    assert_eq!(s.next(), "cds n2 +good", "for Envoy remembers no version of a response that it refused");
    s.accept(Cluster, "n2");
    assert_eq!(s.session.state(Cluster).unwrap().rejection, None);
    assert_eq!(s.next(), "");
    s.publish(&[(Cluster, "good=2 bad")]);
    assert_eq!(s.next(), "cds n3 +good");
    s.accept(Cluster, "n3");
    s.publish(&[(Cluster, "good=2 bad=mended")]);
    assert_eq!(s.next(), "cds n4 +bad");
}

#[test]
fn a_refusal_that_names_nothing_lists_the_response() {
    let mut s = Script::delta(&[(Listener, "a b")]);
    s.ask(Listener, "");
    s.next();
    let Note::Refused(_, rejection) = s.refuse(Listener, "n1", "no") else { panic!() };
    assert_eq!(rejection.names, ["a", "b"]);
}

#[test]
fn a_long_reason_is_cut_at_a_character() {
    let mut s = Script::delta(&[(Cluster, "a")]);
    s.ask(Cluster, "");
    s.next();
    let Note::Refused(_, rejection) = s.refuse(Cluster, "n1", &"é".repeat(5000)) else { panic!() };
    assert_eq!(rejection.message.len(), 4096);
}

#[test]
fn routes_beside_a_refused_one_are_sent_again_without_it() {
    // Envoy stops at the first route configuration that it refuses, and may not have looked at the others.
    let mut s = Script::delta(&[(Route, "80 81 82 83")]);
    s.ask(Route, "80 81 82 83");
    assert_eq!(s.next(), "rds n1 +80 +81 +82 +83");
    s.refuse(Route, "n1", "duplicate domain");
    assert_eq!(s.next(), "rds n2 +80 +81");
    s.accept(Route, "n2");
    assert_eq!(s.next(), "rds n3 +82 +83");
    s.refuse(Route, "n3", "duplicate domain");
    assert_eq!(s.next(), "rds n4 +82");
    s.refuse(Route, "n4", "duplicate domain");
    assert_eq!(s.next(), "rds n5 +83");
    s.accept(Route, "n5");
    assert_eq!(s.next(), "");
}

#[test]
fn a_client_that_refuses_for_ever_causes_a_bounded_number_of_responses() {
    for face in [Face::Delta, Face::Sotw] {
        let names = (0..1000).map(|i| format!("r{i} ")).collect::<String>();
        let mut s = Script::new(face, &[(Route, &names), (Cluster, "a b c"), (Endpoint, &names)]);
        s.ask(Cluster, "");
        s.ask(Route, &names);
        s.ask(Endpoint, &names);
        let mut responses = 0;
        while let Some(r) = s.session.poll_response() {
            responses += 1;
            let error = Some(ErrorDetail::default());
            let names = if r.kind == Cluster || face == Face::Delta { "" } else { &names };
            s.say(Request { nonce: (*r.nonce).into(), error, ..asking(r.kind, names) });
        }
        assert!(responses <= 3 * 65, "{responses}");
    }
}

#[test]
fn endpoints_that_were_refused_follow_their_cluster_again() {
    let mut s = Script::delta(&[(Cluster, "a"), (Endpoint, "a")]);
    s.ask(Cluster, "");
    s.ask(Endpoint, "a");
    s.next();
    assert_eq!(s.next(), "eds n2 +a");
    s.accept(Cluster, "n1");
    s.refuse(Endpoint, "n2", "no");
    assert_eq!(s.next(), "");
    s.publish(&[(Cluster, "a=2")]);
    assert_eq!([s.next(), s.next()], ["cds n3 +a", "eds n4 +a"]);
}

#[test]
fn a_revision_is_answered_once_every_response_of_it_is_accepted_or_refused() {
    let mut s = Script::delta(&[(Cluster, "a"), (Endpoint, "a")]);
    s.ask(Cluster, "");
    assert_eq!(s.session.answered(), None, "something is due");
    s.next();
    assert_eq!(s.session.answered(), None, "it is not answered");
    s.accept(Cluster, "n1");
    let first = s.session.answered();
    assert!(first.is_some() && first == s.session.delivered());
    s.publish(&[(Cluster, "a=2")]);
    s.next();
    assert_eq!(s.session.answered(), None);
    s.refuse(Cluster, "n2", "no");
    assert_eq!(s.next(), "");
    assert!(s.session.answered() > first, "a refusal is an answer");
}

#[test]
fn a_resource_is_refused_for_sure_if_it_is_named_or_alone() {
    let mut s = Script::delta(&[(Cluster, "good bad")]);
    s.ask(Cluster, "");
    s.next();
    let Note::Refused(_, named) = s.refuse(Cluster, "n1", "cluster bad: no such filter") else { panic!() };
    assert_eq!(named.certain(), ["bad"]);
    let mut s = Script::delta(&[(Listener, "l")]);
    s.ask(Listener, "");
    s.next();
    let Note::Refused(_, alone) = s.refuse(Listener, "n1", "no") else { panic!() };
    assert_eq!(alone.certain(), ["l"]);
    let vague = Rejection { names: vec!["a".into(), "b".into()], message: "b: no".into(), ..(*alone).clone() };
    assert!(vague.certain().is_empty());
}
