//! Who is let in by policies and tokens, by what an Envoy can do about them.

use super::*;
use crate::proxy::Capabilities;

fn authz(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {{name: {name}, namespace: shop}}, spec: {{{spec}}}}}"
    )
}

/// An Envoy that is not Istio's build, with more extensions.
fn stock_with(more: &[&str]) -> Proxy {
    let mut proxy = stock();
    if let Capabilities::Stock { extensions, .. } = &mut proxy.capabilities {
        *extensions = extensions.iter().map(|t| t.as_str()).chain(more.iter().copied()).collect();
    }
    proxy
}

const GUARDS: [&str; 2] =
    ["envoy.extensions.filters.http.rbac.v3.RBAC", "envoy.extensions.filters.network.rbac.v3.RBAC"];

/// How many steps decide about calls and about bytes that are let in.
fn steps(world: &World, proxy: &Proxy) -> (usize, usize) {
    let listener = listener(world, proxy).expect("there is a listener");
    listener.build().expect("it can be built");
    let calls = |c: &InboundChain| match &c.content {
        Content::Calls(c) => Some(
            c.settings.filters.iter().filter(|f| matches!(f, HttpFilter::Asked(..) | HttpFilter::Access(..))).count(),
        ),
        Content::Bytes(_) => None,
    };
    let bytes = |c: &InboundChain| match &c.content {
        Content::Bytes(b) if b.proxy.logged => Some(b.settings.access.len()),
        _ => None,
    };
    (listener.chains.iter().find_map(calls).unwrap(), listener.chains.iter().find_map(bytes).unwrap())
}

#[test]
fn an_envoy_that_cannot_decide_lets_nothing_in_where_a_policy_is() {
    let world = World::new(&format!(
        "{CART}\n---\n{}",
        authz("p", "action: DENY, rules: [{to: [{operation: {ports: ['9']}}]}]")
    ));
    let shut = "bytes to BlackHoleCluster";
    for proxy in [stock(), stock_with(&GUARDS[1..]), stock_with(&GUARDS[..1])] {
        let [http, network] = GUARDS.map(|t| proxy.capabilities.has(t));
        let http = if http { "calls" } else { shut };
        let network = if network { "bytes to inbound|9000||" } else { shut };
        assert_eq!(chains(&world, &proxy, Some(8080)), [format!("raw_buffer : {http}")]);
        assert_eq!(chains(&world, &proxy, Some(9000)), [format!("tls : {network}"), format!("raw_buffer : {network}")]);
    }
    assert_eq!(steps(&world, &stock_with(&GUARDS)), (1, 1));
}

#[test]
fn what_decides_nothing_is_left_out_where_it_cannot_be() {
    let audit = authz("a", "action: AUDIT, rules: [{}]");
    let tried = authz("b", "action: DENY, rules: [{}]")
        .replace("namespace: shop}", "namespace: shop, annotations: {istio.io/dry-run: 'true'}}");
    let world = World::new(&format!("{CART}\n---\n{audit}\n---\n{tried}"));
    assert_eq!(steps(&world, &stock()), (0, 0));
    assert_eq!(steps(&world, &stock_with(&GUARDS)), (2, 2));
}

#[test]
fn who_cannot_be_asked_is_taken_to_refuse() {
    let policy = |name: &str, provider: &str| {
        authz(name, &format!("action: CUSTOM, provider: {{name: {provider}}}, rules: [{{}}]"))
    };
    let mut world = World::new(&format!("{CART}\n---\n{}", policy("a", "ask")));
    let provider = |kind: &str, service: &str| json!({"extensionProviders": [{"name": "ask", kind: {"service": service, "port": 80}}]});
    assert_eq!(steps(&world, &cart()), (1, 1), "nobody is called so");
    world.settings(provider("envoyExtAuthzGrpc", "later.shop.svc.cluster.local"));
    assert_eq!(steps(&world, &cart()), (2, 2));
    assert_eq!(steps(&world, &stock_with(&GUARDS)), (1, 1), "it cannot ask");
    world.settings(provider("envoyExtAuthzHttp", "shop/later.shop.svc.cluster.local"));
    assert_eq!(steps(&world, &cart()), (2, 0), "bytes are not asked about over HTTP");
    world.settings(provider("envoyExtAuthzHttp", "elsewhere/later.shop.svc.cluster.local"));
    assert_eq!(steps(&world, &cart()), (1, 1));
    world.settings(provider("envoyExtAuthzGrpc", "later.shop.svc.cluster.local"));
    world.apply(&policy("b", "other"));
    assert_eq!(steps(&world, &cart()), (2, 2), "each refuses for itself");
}

#[test]
fn only_classes_that_a_policy_is_for_change() {
    let mut world = World::new(CART);
    let before = listener(&world, &cart()).unwrap();
    world.apply(&authz("p", "selector: {matchLabels: {app: other}}, rules: [{}]"));
    assert_eq!(listener(&world, &cart()).unwrap(), before);
    world.apply(&authz("p", "selector: {matchLabels: {app: cart}}, rules: [{}]"));
    assert_ne!(listener(&world, &cart()).unwrap(), before);
}

const KEYS: &str = r#"jwks: '{"keys": [{"kty": "RSA", "e": "AQAB", "n": "AQAB"}]}'"#;

fn tokens(spec: &str) -> String {
    format!(
        "{{apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {{name: t, namespace: shop}}, spec: {{{spec}}}}}"
    )
}

/// The issuers whose tokens are looked at, in order.
fn issuers(listener: &VirtualInbound) -> Vec<String> {
    let found = listener.chains.iter().find_map(|c| match &c.content {
        Content::Calls(calls) => calls.settings.filters.iter().find_map(|f| match f {
            HttpFilter::Tokens(tokens) => Some(tokens.rules.iter().map(|r| r.issuer.to_string()).collect()),
            _ => None,
        }),
        Content::Bytes(_) => None,
    });
    found.unwrap_or_default()
}

#[test]
fn tokens_are_looked_at_by_issuer_before_it_is_decided_by_what_they_say() {
    let rule = |issuer: &str| format!("{{issuer: {issuer}, {KEYS}}}");
    let policy = tokens(&format!("jwtRules: [{}, {}]", rule("b"), rule("a")));
    let mesh = policy
        .replace("name: t, namespace: shop", "name: t, namespace: istio-system")
        .replace("issuer: b", "issuer: c");
    let decided = authz(
        "p",
        "action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}], to: [{operation: {ports: ['8080']}}]}]",
    );
    let world = World::new(&[CART, &policy, &mesh, &decided].join("\n---\n"));
    let listener = listener(&world, &cart()).unwrap();
    listener.build().expect("it can be built");
    assert_eq!(issuers(&listener), ["a", "a", "b", "c"]);
    let filters = listener.chains.iter().find_map(|c| match &c.content {
        Content::Calls(calls) => Some(calls.settings.filters.clone()),
        Content::Bytes(_) => None,
    });
    let at = |wanted: fn(&HttpFilter) -> bool| filters.iter().flatten().position(wanted).unwrap();
    assert!(at(|f| matches!(f, HttpFilter::Tokens(_))) < at(|f| matches!(f, HttpFilter::Access(..))));
}

#[test]
fn an_envoy_that_cannot_look_at_tokens_lets_no_calls_in_and_bytes_as_before() {
    let policy = tokens(&format!("jwtRules: [{{issuer: a, {KEYS}}}]"));
    let world = World::new(&[CART, &policy].join("\n---\n"));
    let able = stock_with(&["envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"]);
    assert_eq!(chains(&world, &stock(), Some(8080)), ["raw_buffer : bytes to BlackHoleCluster"]);
    assert_eq!(chains(&world, &able, Some(8080)), ["raw_buffer : calls"]);
    let bytes = ["tls : bytes to inbound|9000||", "raw_buffer : bytes to inbound|9000||"];
    assert_eq!(chains(&world, &stock(), Some(9000)), bytes);
}
