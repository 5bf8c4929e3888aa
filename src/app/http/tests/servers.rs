//! The servers, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{ELSEWHERE, ask, state};
use crate::app::http::{Options, bind, listen, monitoring, readiness};
use crate::config::RequestArgs;

#[tokio::test]
async fn ready_is_503_until_all_that_is_waited_for_has_come() {
    let state = state();
    let ready = async || ask(readiness(state.clone()), ELSEWHERE, "/ready").await;
    let first = state.readiness.wait_for("the first state of the mesh");
    let second = state.readiness.wait_for("the xDS port");
    let (status, _, body) = ready().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, "waiting for the first state of the mesh, the xDS port\n");
    drop(first);
    assert_eq!(ready().await.0, StatusCode::SERVICE_UNAVAILABLE);
    drop(second);
    let (status, _, body) = ready().await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
}

fn options(http: &str, monitoring: &str) -> Options {
    Options { http: http.to_owned(), monitoring: monitoring.to_owned(), debug: true, page: Default::default() }
}

fn request(address: SocketAddr, path: &str) -> RequestArgs {
    RequestArgs { method: "GET".to_owned(), path: path.to_owned(), address: address.to_string() }
}

#[tokio::test]
async fn both_servers_answer_until_they_are_stopped() {
    let listeners = bind(&options("127.0.0.1:0", "127.0.0.1:0")).await.unwrap();
    let (http, monitoring) = (listeners.http_address().unwrap(), listeners.monitoring_address().unwrap());
    let stop = CancellationToken::new();
    let servers = listeners.serve(state(), Router::new(), &stop);
    let text = async |address, path: &str| crate::app::request::run(&request(address, path)).await;
    assert_eq!(text(http, "/ready").await.unwrap(), "");
    assert_eq!(text(http, "debug/push_status").await.unwrap(), "{}");
    assert!(text(monitoring, "/version").await.unwrap().starts_with(b"1.32.0-"));
    assert_eq!(text(monitoring, "/debug/push_status").await.unwrap(), "{}");
    assert!(text(monitoring, "/debug/config_dump").await.unwrap_err().to_string().contains("400"));
    assert!(text(monitoring, "/debug/config_dump?proxyID=x").await.unwrap().starts_with(b"Proxy not connected"));
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), servers.ended()).await.expect("idle connections are closed");
    assert!(text(http, "/ready").await.unwrap_err().to_string().contains("is mizzen running there?"));
}

#[tokio::test]
async fn other_replicas_are_told_how_many_connections_there_are() {
    let (status, _, body) = ask(monitoring(state()), ELSEWHERE, "/replica").await;
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &said["ready"], &said["connections"]), (StatusCode::OK, &json!(true), &json!(0)));
    assert!(said["id"].as_str().is_some_and(|id| id.len() == 16), "{body}");
}

#[tokio::test]
async fn without_a_monitoring_address_its_pages_are_on_the_other() {
    let listeners = bind(&options("127.0.0.1:0", "")).await.unwrap();
    let http = listeners.http_address().unwrap();
    assert!(listeners.monitoring_address().is_none());
    let stop = CancellationToken::new();
    let _servers = listeners.serve(state(), Router::new(), &stop);
    for path in ["/metrics", "/version", "/ready", "/debug/list"] {
        crate::app::request::run(&request(http, path)).await.unwrap();
    }
}

#[tokio::test]
async fn without_debug_pages_the_rest_goes_on() {
    let off = Options { debug: false, ..options("127.0.0.1:0", "127.0.0.1:0") };
    let listeners = bind(&off).await.unwrap();
    let http = listeners.http_address().unwrap();
    let _servers = listeners.serve(state(), Router::new(), &CancellationToken::new());
    assert_eq!(crate::app::request::run(&request(http, "/debug/syncz")).await.unwrap(), "");
    crate::app::request::run(&request(http, "/ready")).await.unwrap();
}

#[tokio::test]
async fn a_client_that_talks_nonsense_is_turned_away_and_others_are_served() {
    let listeners = bind(&options("127.0.0.1:0", "")).await.unwrap();
    let http = listeners.http_address().unwrap();
    let _servers = listeners.serve(state(), Router::new(), &CancellationToken::new());
    let mut silent = TcpStream::connect(http).await.unwrap();
    silent.write_all(b"GET /re").await.unwrap();
    let mut garbage = TcpStream::connect(http).await.unwrap();
    garbage.write_all(&[0xff; 512]).await.unwrap();
    let mut answer = Vec::new();
    let _ = garbage.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    crate::app::request::run(&request(http, "/ready")).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_the_address() {
    let taken = listen("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = bind(&options(&address, "")).await.err().unwrap().to_string();
    assert!(error.contains(&address), "{error}");
    for bad in ["nonsense", ":http", "127.0.0.1", ":70000"] {
        assert!(listen(bad).await.unwrap_err().to_string().contains(bad), "{bad}");
    }
}

#[tokio::test]
async fn a_bare_port_is_every_address_of_the_machine() {
    let all = listen(":0").await.unwrap().local_addr().unwrap();
    assert!(all.ip().is_unspecified() && all.port() != 0);
    let named = listen("localhost:0").await.unwrap().local_addr().unwrap();
    assert!(named.ip().is_loopback());
}
