//! The debug pages, asked as istioctl asks them.

use http::StatusCode;
use serde_json::Value;

use super::{HERE, ask, page, state};
use crate::app::http::{State, debug};
use crate::debug::PAGES;

#[tokio::test]
async fn every_page_answers_json_in_one_line_or_for_people() {
    for (name, _) in PAGES.iter().filter(|(name, _)| !name.contains('?')) {
        let path = format!("/debug/{name}?proxyID=web-1.shop");
        let (status, kind, body) = page(&path).await;
        assert_eq!((status, kind.as_str()), (StatusCode::OK, "application/json"), "{name}: {body}");
        assert!(!body.contains('\n'), "{name}: {body}");
        let pretty: Value = serde_json::from_str(&page(&format!("{path}&pretty")).await.2).unwrap();
        assert_eq!(pretty, serde_json::from_str::<Value>(&body).unwrap(), "{name}");
    }
    assert!(page("/debug/mesh?pretty").await.2.contains("\n    \""));
}

#[tokio::test]
async fn a_page_about_a_proxy_needs_one() {
    for name in ["config_dump", "edsz", "ndsz", "ecdsz", "sidecarz"] {
        let (status, _, body) = page(&format!("/debug/{name}")).await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::BAD_REQUEST, "You must provide a proxyID in the query string\n")
        );
    }
}

#[tokio::test]
async fn an_unknown_proxy_is_not_found_in_the_words_that_istioctl_looks_for() {
    const WORDS: &str = "Proxy not connected to this Pilot instance. It may be connected to another instance.\n";
    const PAGES: [&str; 5] = ["config_dump", "edsz", "adsz", "sidecarz", "telemetryz"];
    for page_of in PAGES.map(|name| format!("{name}?proxyID=nobody")) {
        let (status, _, body) = page(&format!("/debug/{page_of}")).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, WORDS), "{page_of}");
    }
}

#[tokio::test]
async fn pages_that_do_something_say_so_in_istiods_words() {
    for (path, said) in [("adsz?push=true", "Pushed to 1 servers\n"), ("cachez?clear=true", "Cache cleared\n")] {
        let (status, _, body) = page(&format!("/debug/{path}")).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, said), "{path}");
    }
    let sizes: Value = serde_json::from_str(&page("/debug/cachez?sizes=true").await.2).unwrap();
    assert!(sizes["total"].as_str().unwrap().ends_with('B'), "{sizes}");
}

#[tokio::test]
async fn a_proxy_is_disconnected_only_where_that_is_asked_for() {
    let path = "/debug/force_disconnect?proxyID=web-1.shop";
    assert_eq!(page(path).await.0, StatusCode::NOT_FOUND);
    let open = State { admin: true, ..state() };
    let (status, _, body) = ask(debug::routes(open.clone()), HERE, path).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "OK"));
    assert_eq!(ask(debug::routes(open), HERE, "/debug/force_disconnect?proxyID=x").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_unknown_page_is_not_found() {
    let (status, _, body) = page("/debug/nonsense").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("/debug"));
    assert_eq!(page("/debug/a/b").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_garbled_query_is_taken_to_the_letter() {
    for query in ["%zz", "proxyID=%ff%fe", "&&==&?&pretty", "proxyID=&pretty=false", "proxyID=web-1.shop&types=%00,,"] {
        let (status, _, body) = page(&format!("/debug/syncz?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {body}");
    }
    assert_eq!(page("/debug/config_dump?proxyID=%ff").await.0, StatusCode::NOT_FOUND);
    assert_eq!(page("/debug/config_dump?proxyID=web-1.shop&types=%00,,").await.2, "{}");
    assert_eq!(page("/debug/config_dump?proxyID=").await.0, StatusCode::BAD_REQUEST);
}
