//! Whom a workload lets in by what AuthorizationPolicies say.

use std::net::SocketAddr;

use super::site::{ONE, objects};
use crate::support::envoy::Sidecar;
use crate::support::http::{self, Request};
use crate::support::mesh::Mesh;
use crate::support::netns::Namespace;
use crate::support::process::{PATIENCE, eventually};
use crate::support::web;

/// A caller without a sidecar.
const CALLER: [u8; 4] = [10, 77, 0, 61];
/// Another.
const STRANGER: [u8; 4] = [10, 77, 0, 62];

/// A backend beside its sidecar, and callers without one.
struct House {
    caller: Namespace,
    stranger: Namespace,
    address: SocketAddr,
    _backend: web::Backend,
    _sidecar: Sidecar,
    mesh: Mesh,
}

impl House {
    fn open(policies: &str) -> Self {
        let mut mesh = Mesh::new(&[]);
        let yaml = objects(&[ONE]);
        mesh.configure("web.yaml", &yaml);
        mesh.configure("policies.yaml", policies);
        mesh.start_control_plane();
        let sidecar = mesh.sidecar(&yaml, ONE.0);
        let backend = web::Backend::start(sidecar.namespace(), ONE.0);
        Self {
            caller: mesh.attach("caller", CALLER.into()),
            stranger: mesh.attach("stranger", STRANGER.into()),
            address: SocketAddr::new(ONE.1.parse().unwrap(), web::PORT),
            _backend: backend,
            _sidecar: sidecar,
            mesh,
        }
    }

    /// The status and the body of the answer to somebody's call.
    fn answer(&self, who: &Namespace, method: &str, path: &str) -> (u16, String) {
        let request = Request { method, authority: "web", path, headers: &[] };
        let answer = who.inside(|| http::call(self.address, &request));
        let answer = answer.unwrap_or_else(|error| panic!("{request:?}: {error}"));
        (answer.status, answer.body)
    }

    fn status(&self, who: &Namespace, method: &str, path: &str) -> u16 {
        self.answer(who, method, path).0
    }
}

fn policy(name: &str, spec: &str) -> String {
    format!(
        "---\n\
         apiVersion: security.istio.io/v1\n\
         kind: AuthorizationPolicy\n\
         metadata: {{name: {name}, namespace: shop}}\n\
         spec: {{{spec}}}\n"
    )
}

#[test]
fn calls_are_refused_by_path_and_by_caller_as_long_as_the_policies_say_so() {
    // The second rule is for a port at which nobody calls.
    let to = "{operation: {paths: [/admin/*], ports: ['8080']}}, {operation: {paths: [/shop], ports: ['8081']}}";
    let admin = policy("admin", &format!("action: DENY, rules: [{{to: [{to}]}}]"));
    let house = House::open(&admin);
    let refused = (403, "RBAC: access denied".to_owned());
    assert_eq!(house.answer(&house.caller, "GET", "/admin/keys"), refused);
    assert_eq!(house.status(&house.caller, "GET", "/shop"), 200);
    assert_eq!(house.status(&house.stranger, "GET", "/shop"), 200);

    let caller = "from: [{source: {ipBlocks: [10.77.0.61]}}], to: [{operation: {methods: [GET]}}]";
    house.mesh.configure("policies.yaml", &(admin + &policy("known", &format!("rules: [{{{caller}}}]"))));
    let settled = |who: &Namespace, path: &str, wanted: u16| {
        eventually(PATIENCE, "the edit to be in force", || (house.status(who, "GET", path) == wanted).then_some(()));
    };
    settled(&house.stranger, "/shop", 403);
    assert_eq!(house.status(&house.caller, "GET", "/shop"), 200);
    assert_eq!(house.status(&house.caller, "POST", "/shop"), 403);
    assert_eq!(house.answer(&house.caller, "GET", "/admin/keys"), refused);

    house.mesh.configure("policies.yaml", "");
    settled(&house.stranger, "/admin/keys", 200);
    assert_eq!(house.status(&house.caller, "POST", "/shop"), 200);
}

#[test]
fn what_is_said_of_identities_lets_nobody_in_where_callers_prove_nothing() {
    let known = "from: [{source: {notPrincipals: [cluster.local/ns/shop/sa/thief]}}]";
    let house = House::open(&policy("known", &format!("rules: [{{{known}}}]")));
    assert_eq!(house.status(&house.caller, "GET", "/"), 403);
}
