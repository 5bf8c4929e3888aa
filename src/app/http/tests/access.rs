//! Who may see what, where an API server knows whose tokens are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, HOST};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::{ELSEWHERE, HERE, ask, send, state};
use crate::app::http::{Access, PageOptions, Rules, State, debug, monitoring, page};
use crate::source::kube::Tokens;

/// Pages of a control plane with an API server, which was asked so often.
struct Pages {
    state: State,
    asked: Arc<AtomicUsize>,
}

/// An API server for which the middle of a token is the namespace of its account. It fails at some.
fn pages(rules: Rules) -> Pages {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            let review: Value = serde_json::from_slice(&request.into_body().collect().await?.to_bytes())?;
            let token = review["spec"]["token"].as_str().unwrap_or_default().to_owned();
            let namespace = token.split('.').nth(1).unwrap_or_default();
            let (code, answer) = match namespace {
                "away" => (500, json!({"kind": "Status", "code": 500, "message": "no"})),
                "forbidden" => (403, json!({"kind": "Status", "code": 403, "message": "not yours"})),
                "nobody" => (201, json!({"spec": {}, "status": {"error": "expired"}})),
                _ => (
                    201,
                    json!({"spec": {}, "status": {"authenticated": true, "audiences": ["istio-ca"], "user": {
                    "username": format!("system:serviceaccount:{namespace}:a"), "groups": ["system:serviceaccounts"]}}}),
                ),
            };
            let answer = kube::client::Body::from(answer.to_string().into_bytes());
            Ok::<_, tower::BoxError>(Response::builder().status(code).body(answer)?)
        }
    });
    let tokens = Tokens::new(kube::Client::new(service, "default"), vec!["istio-ca".to_owned()]);
    Pages { state: State { access: Access::new(rules, Some(tokens)), ..state() }, asked }
}

fn strict() -> Rules {
    Rules { by_namespace: true, ..Rules::default() }
}

impl Pages {
    fn router(&self) -> Router {
        debug::routes(self.state.clone()).merge(page::routes(self.state.clone(), PageOptions::default()))
    }

    /// What somebody from elsewhere gets with a token of an account of this namespace.
    async fn with(&self, namespace: &str, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer e30.{namespace}.s"));
        let request = request.header(HOST, "mesh.example.com").body(Body::empty()).unwrap();
        let (status, _, body) = send(self.router(), ELSEWHERE, request).await;
        (status, body)
    }
}

#[tokio::test]
async fn callers_from_elsewhere_see_the_index_and_no_page() {
    let (status, _, body) = ask(debug::routes(state()), ELSEWHERE, "/debug/syncz").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("on the machine that mizzen runs on") && body.contains("a folder"), "{body}");
    assert_eq!(ask(debug::routes(state()), ELSEWHERE, "/debug").await.0, StatusCode::OK);
    for open in ["/metrics", "/version"] {
        assert_eq!(ask(monitoring(state()), ELSEWHERE, open).await.0, StatusCode::OK, "{open}");
    }
    for here in ["[::1]:1", "[::ffff:127.0.0.1]:1", "127.8.8.8:1"] {
        assert_eq!(ask(debug::routes(state()), here, "/debug/syncz").await.0, StatusCode::OK, "{here}");
    }
}

#[tokio::test]
async fn who_has_no_good_token_is_told_how_to_get_one() {
    let pages = pages(strict());
    let (status, _, body) = ask(pages.router(), ELSEWHERE, "/debug/syncz").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let make = "kubectl create token NAME --namespace NAMESPACE --audience istio-ca";
    assert!(body.contains(make) && body.contains("kubectl port-forward") && body.ends_with('\n'), "{body}");
    assert_eq!(pages.asked.load(Ordering::Relaxed), 0, "there is nothing to ask about");
    let (status, body) = pages.with("nobody", "/debug/syncz").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains(make) && body.contains("does not take this token") && !body.contains("e30"), "{body}");
    // The page gets what it can show.
    let (_, body) = pages.with("nobody", "/ui/api/overview").await;
    assert!(serde_json::from_str::<Value>(&body).unwrap()["error"].as_str().unwrap().contains(make), "{body}");
    assert_eq!(ask(pages.router(), HERE, "/debug/syncz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn accounts_of_the_root_namespace_see_everything_and_others_their_own_proxies() {
    let pages = pages(strict());
    for path in ["/debug/syncz", "/debug/config_dump?proxyID=web-1.shop", "/ui/", "/ui/api/overview"] {
        assert_eq!(pages.with("istio-system", path).await.0, StatusCode::OK, "{path}");
    }
    for path in ["config_dump?proxyID=web-1.shop", "edsz?proxyID=web-1.shop", "ndsz?proxyID=web-1"] {
        assert_eq!(pages.with("shop", &format!("/debug/{path}")).await.0, StatusCode::OK, "{path}");
        let (status, body) = pages.with("bank", &format!("/debug/{path}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: as if it were not there");
        assert!(body.starts_with("Proxy not connected"), "{body}");
    }
    let closed = [
        "/debug/syncz",
        "/debug/adsz?proxyID=web-1.shop",
        "/debug/configz",
        "/debug/ecdsz?proxyID=web-1.shop",
        "/debug/config%5Fdump?proxyID=web-1.shop",
        "/debug/cachez?clear=true",
        "/ui/",
        "/ui/api/overview",
    ];
    for path in closed {
        let (status, body) = pages.with("shop", path).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        assert!(
            body.contains("accounts of shop may see /debug/config_dump") && body.contains("istio-system"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn variables_open_the_pages_to_other_namespaces_or_to_all() {
    let kiali = pages(Rules { allowed: ["kiali".to_owned()].into(), ..strict() });
    for path in ["/debug/syncz", "/debug/config_dump?proxyID=web-1.shop", "/ui/api/overview"] {
        assert_eq!(kiali.with("kiali", path).await.0, StatusCode::OK, "{path}");
        assert_ne!(kiali.with("shop-2", path).await.0, StatusCode::OK, "{path}");
    }
    let open = pages(Rules::default());
    assert_eq!(open.with("anybody", "/debug/syncz").await.0, StatusCode::OK);
    assert_eq!(open.with("nobody", "/debug/syncz").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_answer_is_used_again_but_not_that_there_was_none() {
    let pages = pages(strict());
    let asked = || pages.asked.load(Ordering::Relaxed);
    for namespace in ["istio-system", "nobody"] {
        let before = asked();
        pages.with(namespace, "/debug/syncz").await;
        pages.with(namespace, "/debug/adsz").await;
        assert_eq!(asked() - before, 1, "{namespace}");
    }
    for (namespace, words) in [("away", "try again in a moment"), ("forbidden", "resources: [tokenreviews]")] {
        let before = asked();
        pages.with(namespace, "/debug/syncz").await;
        let (status, body) = pages.with(namespace, "/debug/syncz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains(words), "{body}");
        assert!(asked() - before >= 2, "{namespace}");
    }
}

#[tokio::test]
async fn a_name_of_its_own_is_for_those_with_a_token_alone() {
    let pages = pages(strict());
    let named = Request::get("/ui/").header(HOST, "mesh.example.com").body(Body::empty()).unwrap();
    let (status, _, body) = send(pages.router(), HERE, named).await;
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
    assert!(body.contains("localhost"));
    assert_eq!(pages.with("istio-system", "/ui/").await.0, StatusCode::OK);
}
