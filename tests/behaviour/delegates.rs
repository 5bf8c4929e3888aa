//! Routes that go on in another VirtualService.

use crate::evaluator::{Call, Outcome};
use crate::world::{Mesh, routes};

fn root(http: &str) -> String {
    routes("shop/root", &format!("hosts: [web], http: [{http}]"))
}

fn status(status: u64) -> Outcome {
    Outcome::Answered(status, String::new())
}

#[test]
fn a_delegates_routes_stand_in_the_place_of_the_one_that_names_it() {
    let mut mesh = Mesh::shop(&[
        root(
            "{match: [{uri: {prefix: /a}}], delegate: {name: leaf, namespace: desk}}, {directResponse: {status: 503}}",
        ),
        routes(
            "desk/leaf",
            "http: [{match: [{uri: {prefix: /a/b}}], directResponse: {status: 501}}, {directResponse: {status: 502}}]",
        ),
    ]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.call(&Call::get("http://web/a/b")), status(501));
    assert_eq!(held.call(&Call::get("http://web/a/c")), status(502));
    assert_eq!(held.call(&Call::get("http://web/c")), status(503));
}

#[test]
fn a_delegates_route_that_would_take_more_than_its_root_is_left_out() {
    let mut mesh = Mesh::shop(&[
        root(
            "{match: [{uri: {prefix: /a}, headers: {x: {exact: yes please}}}], delegate: {name: leaf}}, {directResponse: {status: 503}}",
        ),
        routes(
            "shop/leaf",
            "http: [{match: [{uri: {prefix: /b}}], directResponse: {status: 501}},
                                    {match: [{headers: {x: {exact: z}}}], directResponse: {status: 504}},
                                    {match: [{uri: {exact: /ab}}], directResponse: {status: 502}}]",
        ),
    ]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.call(&Call::get("http://web/b").with("x", "yes please")), status(503));
    assert_eq!(held.call(&Call::get("http://web/a").with("x", "z")), status(503));
    assert_eq!(held.call(&Call::get("http://web/ab").with("x", "yes please")), status(502));
    assert_eq!(held.call(&Call::get("http://web/ab")), status(503), "the root's condition holds too");
}

#[test]
fn a_delegate_keeps_its_own_settings_and_takes_the_others_from_its_root() {
    let mut mesh = Mesh::shop(&[
        root(
            "{delegate: {name: leaf}, timeout: 3s, rewrite: {authority: of-root}, headers: {request: {set: {x: root}}}}",
        ),
        routes("shop/leaf", "http: [{rewrite: {uri: /leaf}, route: [{destination: {host: api}}]}]"),
    ]);
    let sent = mesh.sidecar("shop").sent(&Call::get("http://web/a"));
    assert_eq!((&*sent.headers["x"], &sent.action["timeout"]), ("root", &"3s".into()));
    assert_eq!((&*sent.headers["host"], &*sent.path), ("web", "/leafa"), "a rewrite is one setting");
}

#[test]
fn a_delegate_that_is_missing_or_not_for_the_root_costs_its_route_alone() {
    let mut mesh = Mesh::shop(&[
        root(
            "{match: [{uri: {prefix: /a}}], delegate: {name: nowhere}},
              {match: [{uri: {prefix: /b}}], delegate: {name: private, namespace: desk}},
              {directResponse: {status: 503}}",
        ),
        routes("desk/private", "exportTo: ['.'], http: [{directResponse: {status: 501}}]"),
    ]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.call(&Call::get("http://web/a")), status(503));
    assert_eq!(held.call(&Call::get("http://web/b")), status(503));
}
