use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::any;
use http::HeaderMap;
use parking_lot::Mutex as Lock;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

use super::*;

const CONFIG: &str = "
apiVersion: v1
kind: Config
current-context: mine
contexts: [{name: mine, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: 'http://127.0.0.1:PORT/behind'}}]
users: [{name: me, user: {token: secret}}]
";
const RATE: Rate = Rate { qps: 1000.0, burst: 1000 };

/// A server that takes one token only, and a folder for kubeconfigs that lead to it.
struct Server {
    folder: TempDir,
    port: u16,
    seen: Seen,
}

/// The paths and headers of all requests, and the token that is taken; any, if it is empty.
type Seen = Arc<Lock<(Vec<(String, HeaderMap)>, String)>>;

async fn answer(State(seen): State<Seen>, uri: Uri, headers: HeaderMap) -> impl IntoResponse {
    let mut seen = seen.lock();
    let refused = !seen.1.is_empty() && headers.get(AUTHORIZATION).is_none_or(|h| *h != format!("Bearer {}", seen.1));
    seen.0.push((uri.to_string(), headers));
    if refused { StatusCode::UNAUTHORIZED } else { StatusCode::OK }
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Seen::default();
        let router = axum::Router::new().fallback(any(answer)).with_state(seen.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { folder: tempfile::tempdir().unwrap(), port, seen }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text.replace("PORT", &self.port.to_string())).unwrap();
        path
    }

    async fn open(&self, text: &str) -> Result<Connection, Error> {
        open(&self.write("config", text)).await
    }

    /// What arrived of the last request.
    fn last(&self, header: http::HeaderName) -> Option<String> {
        let seen = self.seen.lock();
        seen.0.last()?.1.get(header).map(|value| value.to_str().unwrap().to_owned())
    }
}

async fn open(path: &Path) -> Result<Connection, Error> {
    Connection::open(&Place { named: Some(path.to_owned()), ..Place::default() }, RATE).await
}

async fn ask(connection: &Connection) -> Result<StatusCode, String> {
    let request = Request::get("/api?x=y").body(Body::empty()).unwrap();
    connection.client().send(request).await.map(|answer| answer.status()).map_err(|e| causes(&e))
}

#[tokio::test]
async fn a_kubeconfig_says_where_and_who() {
    let server = Server::start().await;
    let connection = server.open(CONFIG).await.map_err(|e| e.to_string()).unwrap();
    assert_eq!(ask(&connection).await, Ok(StatusCode::OK));
    assert_eq!(server.last(AUTHORIZATION).as_deref(), Some("Bearer secret"));
    assert_eq!(server.last(USER_AGENT).as_deref(), Some("mizzen"));
    assert_eq!(server.seen.lock().0[0].0, "/behind/api?x=y");
    assert_eq!(connection.server().to_string(), format!("http://127.0.0.1:{}/behind", server.port));
}

#[tokio::test]
async fn without_a_user_there_is_nothing_to_show() {
    let server = Server::start().await;
    let users = CONFIG.lines().find(|line| line.starts_with("users")).unwrap();
    let connection = server.open(&CONFIG.replace(users, "users: null")).await.map_err(|e| e.to_string()).unwrap();
    assert_eq!(ask(&connection).await, Ok(StatusCode::OK));
    assert_eq!(server.last(AUTHORIZATION), None);
}

#[tokio::test]
async fn a_program_may_make_the_token_and_is_found_beside_the_kubeconfig() {
    let server = Server::start().await;
    let program = server.write("program", "#!/bin/sh\necho \"{\\\"status\\\": {\\\"token\\\": \\\"$T\\\"}}\"\n");
    fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./program, env: [{name: T, value: made}]}";
    let connection = server.open(&CONFIG.replace("token: secret", exec)).await.map_err(|e| e.to_string()).unwrap();
    assert_eq!(ask(&connection).await, Ok(StatusCode::OK));
    assert_eq!(server.last(AUTHORIZATION).as_deref(), Some("Bearer made"));
}

#[tokio::test]
async fn a_program_that_fails_is_quoted() {
    let server = Server::start().await;
    let exec =
        "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['-c', 'echo log in >&2; exit 3']}";
    let connection = server.open(&CONFIG.replace("token: secret", exec)).await.map_err(|e| e.to_string()).unwrap();
    let error = ask(&connection).await.unwrap_err();
    assert!(error.ends_with("gives credentials fails: exit status: 3: log in"), "{error}");
}

#[tokio::test]
async fn a_token_in_a_file_is_read_again_when_it_is_refused() {
    let server = Server::start().await;
    let file = server.write("token", "one\n");
    server.seen.lock().1 = "one".to_owned();
    let both = CONFIG.replace("token: secret", "token: secret, tokenFile: token");
    let connection = server.open(&both).await.map_err(|e| e.to_string()).unwrap();
    assert_eq!(ask(&connection).await, Ok(StatusCode::OK), "the file counts, without the end of its line");
    fs::write(&file, "two\n").unwrap();
    assert_eq!(ask(&connection).await, Ok(StatusCode::OK), "it is not read again for nothing");
    server.seen.lock().1 = "two".to_owned();
    while ask(&connection).await != Ok(StatusCode::OK) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.last(AUTHORIZATION).as_deref(), Some("Bearer two"));
}

#[tokio::test]
async fn a_kubeconfig_that_is_replaced_is_read_again_when_what_it_said_is_refused() {
    let server = Server::start().await;
    server.seen.lock().1 = "fresh".to_owned();
    let connection = server.open(CONFIG).await.map_err(|e| e.to_string()).unwrap();
    assert_eq!(ask(&connection).await, Ok(StatusCode::UNAUTHORIZED));
    server.write("config", &CONFIG.replace("secret", "fresh"));
    while ask(&connection).await != Ok(StatusCode::OK) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn several_kubeconfigs_are_one_and_the_first_that_says_something_counts() {
    let server = Server::start().await;
    let (first, users): (Vec<&str>, Vec<&str>) = CONFIG.lines().partition(|line| !line.starts_with("users"));
    let environment = vec![
        server.write("first", &first.join("\n")),
        server.folder.path().join("absent"),
        server.write("second", &users.join("\n")),
        server.write("third", &CONFIG.replace("secret", "other").replace("mine", "yours")),
    ];
    let place = Place { environment, ..Place::default() };
    let connection = Connection::open(&place, RATE).await.map_err(|e| e.to_string()).unwrap();
    assert_eq!(ask(&connection).await, Ok(StatusCode::OK));
    assert_eq!(server.last(AUTHORIZATION).as_deref(), Some("Bearer secret"));
}

#[tokio::test]
async fn every_request_waits_for_its_turn_whoever_makes_it() {
    let server = Server::start().await;
    let place = Place { named: Some(server.write("config", CONFIG)), ..Place::default() };
    let slow = Rate { qps: 10.0, burst: 1 };
    let connection = Connection::open(&place, slow).await.map_err(|e| e.to_string()).unwrap();
    let began = Instant::now();
    for _ in 0..3 {
        assert_eq!(ask(&connection.clone()).await, Ok(StatusCode::OK));
    }
    assert!(began.elapsed() >= Duration::from_millis(190), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_server_with_what_its_address_says_of_us() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let proxied = CONFIG.replace(
        "server: 'http://127.0.0.1:PORT/behind'",
        &format!("server: 'https://api.example:6443', proxy-url: 'http://me:pass@127.0.0.1:{port}'"),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, proxied).unwrap();
    let connection = open(&path).await.map_err(|e| e.to_string()).unwrap();
    tokio::spawn(async move { ask(&connection).await });
    let (stream, _) = listener.accept().await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "CONNECT api.example:6443 HTTP/1.1");
    let mut told = false;
    while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
        told |= line.to_lowercase() == format!("proxy-authorization: {}", "basic bwu6cgfzcw==");
    }
    assert!(told, "the proxy is not told who we are");
}

#[tokio::test]
async fn what_is_missing_or_not_supported_is_said() {
    let server = Server::start().await;
    for (from, to, said) in [
        ("cluster: here", "cluster: there", "cluster of context: there"),
        ("server:", "proxy-url: 'https://proxy.example', server:", "a proxy of the sort \"https\" is not supported"),
        ("server:", "tls-server-name: 'not a name', server:", "tls-server-name \"not a name\" is no name"),
        ("server:", "certificate-authority: nowhere.crt, server:", "nowhere.crt"),
        ("token: secret", "tokenFile: nowhere", "nowhere: No such file"),
        ("token: secret", "client-certificate-data: '?', client-key-data: '?'", "base64"),
    ] {
        let error = server.open(&CONFIG.replace(from, to)).await.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains(said), "{to}: {error}");
    }
    let azure = CONFIG.replace("token: secret", "auth-provider: {name: azure, config: {}}");
    let connection = server.open(&azure).await.map_err(|e| e.to_string()).unwrap();
    let error = ask(&connection).await.unwrap_err();
    assert!(error.contains("azure auth plugin is not supported"), "{error}");
    let nothing = Place { named: Some("/nowhere".into()), ..Place::default() };
    assert!(matches!(Connection::open(&nothing, RATE).await, Err(Error::NoCluster)));
}
