use serde_json::json;

use super::*;
use crate::api;
use crate::base::{ObjectRef, Severity, Str};
use crate::source::MeshUpdate;

fn object(name: &str) -> Event {
    let document = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"mesh": "proxyListenPort: 7"}});
    Event::Upsert(Arc::new(api::decode(document, None).object.unwrap()))
}

fn step(list: usize, events: Vec<Event>) -> Step {
    Step { list, events, findings: None, listed: true }
}

fn finding(text: &str) -> Finding {
    let (object, field) = (ObjectRef::default(), Str::new());
    Finding { object, field, severity: Severity::Error, code: "refused", text: Str::from(text) }
}

#[test]
fn nothing_is_delivered_before_every_list_was_read() {
    let mut desk = Desk::new([Use::Objects, Use::Objects, Use::Settings(Role::Own)].into_iter(), true);
    desk.take(step(0, vec![object("a")]));
    desk.take(step(2, vec![]));
    assert!(!desk.has_news());
    desk.take(Step { findings: Some(vec![finding("no")]), listed: false, ..step(1, vec![]) });
    let told = desk.delivery();
    assert_eq!((told.events.len(), told.mesh, told.findings.len()), (0, None, 1), "what is wrong is told at once");
    assert!(!desk.has_news());
    desk.take(Step { findings: Some(vec![]), ..step(1, vec![object("b")]) });
    let delivery = desk.delivery();
    assert_eq!(delivery.events, [object("a"), object("b"), Event::Synced]);
    assert!(delivery.mesh.is_some() && delivery.findings.is_empty());
    desk.take(step(0, vec![]));
    assert!(!desk.has_news());
}

#[test]
fn the_config_map_of_the_mesh_is_no_object_of_it() {
    let mut desk = Desk::new([Use::Settings(Role::Own)].into_iter(), true);
    desk.take(step(0, vec![object("istio")]));
    let delivery = desk.delivery();
    assert_eq!(delivery.events, [Event::Synced]);
    assert_eq!(delivery.mesh.unwrap().mesh.proxy_listen_port, 7);
}

#[test]
fn what_is_wrong_with_all_lists_alike_is_said_once() {
    let mut desk = Desk::new([Use::Objects; 2].into_iter(), true);
    desk.take(Step { findings: Some(vec![finding("away")]), ..step(0, vec![]) });
    desk.take(Step { findings: Some(vec![finding("away")]), ..step(1, vec![]) });
    assert_eq!(desk.delivery().findings.len(), 1);
}

#[test]
fn a_mesh_config_in_a_file_is_waited_for() {
    let mut desk = Desk::new([Use::Objects].into_iter(), false);
    desk.take(step(0, vec![]));
    assert!(!desk.has_news());
    let (mesh, written) = (Arc::default(), Arc::new(json!({"proxyListenPort": 7})));
    let update = Some(MeshUpdate { mesh, written });
    desk.take_files(Delivery { events: vec![Event::Synced], mesh: update, findings: Arc::default() });
    let delivery = desk.delivery();
    assert_eq!((delivery.events, delivery.mesh.unwrap().mesh.proxy_listen_port), (vec![Event::Synced], 7));
}
