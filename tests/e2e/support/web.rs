//! HTTP backends that tell what they were asked, and that fail or wait when a test wants them to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::watch;

use super::backend;
use super::netns::Namespace;

/// The port of all backends.
pub(crate) const PORT: u16 = 8080;

/// A request as a backend got it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) authority: String,
}

/// A backend on a thread of its own, ended when dropped.
pub(crate) struct Backend {
    desk: Arc<Desk>,
    _server: backend::Backend,
}

/// What a backend and its test tell each other.
struct Desk {
    name: String,
    asked: Mutex<Vec<Asked>>,
    /// So many of the next requests fail.
    failing: Mutex<usize>,
    /// Whether requests that ask to be held are let go.
    released: watch::Sender<bool>,
}

impl Backend {
    /// Starts a backend called `name` on port 8080 of `namespace`.
    ///
    /// It answers 200 with what it was asked, in JSON; 503 while [`Backend::fail`] says so; and a request with the
    /// header `hold` only after [`Backend::release`].
    pub(crate) fn start(namespace: &Namespace, name: &str) -> Backend {
        let desk = Arc::new(Desk {
            name: name.to_owned(),
            asked: Mutex::default(),
            failing: Mutex::default(),
            released: watch::channel(false).0,
        });
        let routes = axum::Router::new().fallback(answer).with_state(Arc::clone(&desk));
        let server = backend::Backend::of_routes(namespace, PORT, routes);
        Backend { desk, _server: server }
    }

    /// Lets the next `count` requests fail with 503.
    pub(crate) fn fail(&self, count: usize) {
        *self.desk.failing.lock().unwrap() = count;
    }

    /// Answers those requests that are held, now and from now on.
    pub(crate) fn release(&self) {
        self.desk.released.send_replace(true);
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.desk.asked.lock().unwrap().clone()
    }
}

async fn answer(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let headers: BTreeMap<String, String> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let authority = headers.get("host").cloned().unwrap_or_default();
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    desk.asked.lock().unwrap().push(Asked { path: path.clone(), authority: authority.clone() });
    if headers.contains_key("hold") {
        let mut released = desk.released.subscribe();
        released.wait_for(|released| *released).await.expect("the desk lives");
    }
    let fails = {
        let mut failing = desk.failing.lock().unwrap();
        let fails = *failing > 0;
        *failing = failing.saturating_sub(1);
        fails
    };
    let status = if fails { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let said = json!({"backend": desk.name, "path": path, "authority": authority, "headers": headers});
    (status, axum::Json(said)).into_response()
}
