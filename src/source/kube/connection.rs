//! A connection to an API server, for everybody: the crate `kube`'s client over a stack of our own.
//!
//! The stack is `kube`'s (who we are, whom to trust, where to) but for what it does not do: HTTP/2, so that all watches
//! share one connection; signs of life; our pace; and a fresh start when what it knows may be stale: a kubeconfig that was
//! replaced, a certificate or a token of a program that ended before its time.

mod token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection as Connected, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::Config;
use kube::client::{AuthError, Body, ConfigExt};
use tokio::sync::Mutex;
use tower::util::BoxCloneService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

use super::pace::{Pace, Rate};
use super::place::{Error, Origin, Place, Way};
use token::Token;

/// How long the server may take to begin an answer; a list of a large kind takes it a while.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// After how long a silent connection is asked whether it is still there, and how long the answer may take: a
/// machine that vanished says nothing.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(10));
/// What is known of the way to the server is not read anew more often.
const FRESH: Duration = Duration::from_secs(2);

/// A connection to an API server. Copies are the same connection.
#[derive(Clone)]
pub struct Connection {
    client: kube::Client,
    server: Uri,
}

/// What requests go through.
struct Wire {
    origin: Origin,
    pace: Pace,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stack: Option<Stack>,
    /// When the stack was made, or last tried to be.
    tried: Option<Instant>,
    /// Whether it should be made anew.
    stale: bool,
}

/// The way to the server, ready to be used.
#[derive(Clone)]
struct Stack {
    service: BoxCloneService<Request<Body>, Response<Incoming>, BoxError>,
    token: Option<Arc<Token>>,
    made: Instant,
}

impl Connection {
    /// Finds the server, and makes ready to ask it.
    ///
    /// # Errors
    /// When what is said about it cannot be used.
    pub async fn open(place: &Place, rate: Rate) -> Result<Self, Error> {
        Self::to(Origin::Place(place.clone()), rate).await
    }

    pub(super) async fn to(origin: Origin, rate: Rate) -> Result<Self, Error> {
        let way = origin.read().await?;
        let server = way.config.cluster_url.clone();
        let space = way.config.default_namespace.clone();
        let auth = &way.config.auth_info;
        // What a program says may be another thing in a minute; without one, what is wrong now stays wrong.
        let asks = auth.exec.is_some() || auth.auth_provider.is_some();
        let mut state = State::default();
        if !asks {
            state = State { stack: Some(Stack::new(way)?), tried: Some(Instant::now()), stale: false };
        }
        let wire = Arc::new(Wire { origin, pace: Pace::new(rate), state: Mutex::new(state) });
        let service = tower::service_fn(move |request| wire.clone().answer(request));
        Ok(Self { client: kube::Client::new(service, space), server })
    }

    /// The client, for whatever is to be asked or written. Every request of it keeps to the pace of the connection.
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// Where the server is.
    pub fn server(&self) -> &Uri {
        &self.server
    }
}

impl Wire {
    async fn answer(self: Arc<Self>, mut request: Request<Body>) -> Result<Response<Incoming>, BoxError> {
        self.pace.turn().await;
        let answer = async {
            let stack = self.stack().await?;
            if let Some(token) = &stack.token {
                request.headers_mut().insert(AUTHORIZATION, token.header());
            }
            let answer = stack.service.oneshot(request).await;
            if !answer.as_ref().is_ok_and(|a| a.status() != StatusCode::UNAUTHORIZED) {
                self.doubt(stack.made).await;
            }
            answer
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.map_err(|_| format!("no answer in {} s", PATIENCE.as_secs()))?
    }

    /// The way in force, made anew if it is stale. One that cannot be made anew stays.
    async fn stack(&self) -> Result<Stack, BoxError> {
        let mut state = self.state.lock().await;
        let due = state.tried.is_none_or(|at| at.elapsed() > FRESH);
        if (state.stale || state.stack.is_none()) && due {
            state.tried = Some(Instant::now());
            let way = self.origin.read().await;
            // A program may be run, and may take its time.
            let made = tokio::task::spawn_blocking(move || Stack::new(way?)).await?;
            match (made, &state.stack) {
                (Ok(stack), _) => (state.stack, state.stale) = (Some(stack), false),
                (Err(error), None) => return Err(error.into()),
                (Err(_), Some(_)) => {}
            }
        }
        state.stack.clone().ok_or_else(|| "the credentials could not be had a moment ago".into())
    }

    /// A request failed in a way that may be the fault of what is known here since `made`.
    async fn doubt(&self, made: Instant) {
        let mut state = self.state.lock().await;
        state.stale |= state.stack.as_ref().is_some_and(|stack| stack.made == made);
    }
}

impl Stack {
    fn new(way: Way) -> Result<Self, Error> {
        let Way { mut config, proxy } = way;
        config.headers.push((USER_AGENT, HeaderValue::from_static("mizzen")));
        // As in client-go, a file counts more than a token beside it.
        let token = config.auth_info.token_file.take().map(Token::read).transpose().map_err(Error::Unusable)?;
        config.auth_info.token = config.auth_info.token.filter(|_| token.is_none());
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_keepalive(Some(KEEPALIVE.0));
        let Some(proxy) = proxy else { return Self::over(&config, token, tcp) };
        match proxy.uri().scheme_str() {
            Some("http") => {
                let tunnel = Tunnel::new(proxy.uri().clone(), tcp);
                let tunnel = match proxy.basic_auth() {
                    Some(auth) => tunnel.with_auth(auth.clone()),
                    None => tunnel,
                };
                Self::over(&config, token, tunnel)
            }
            Some("socks5" | "socks5h") => {
                let socks = SocksV5::new(proxy.uri().clone(), tcp);
                let socks = match proxy.raw_auth() {
                    Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
                    None => socks,
                };
                Self::over(&config, token, socks)
            }
            other => Err(Error::Unusable(format!(
                "a proxy of the sort {:?} is not supported: http and socks5 are",
                other.unwrap_or_default()
            ))),
        }
    }

    /// The layers above what makes connections; as in `kube`'s `ClientBuilder`, with HTTP/2.
    fn over<C>(config: &Config, token: Option<Token>, connector: C) -> Result<Self, Error>
    where
        C: Service<Uri> + Clone + Send + Sync + 'static,
        C::Response: Connected + Read + Write + Send + Unpin + 'static,
        C::Future: Send + 'static,
        C::Error: Into<BoxError>,
    {
        let tls = config.rustls_client_config().map_err(unusable)?;
        let mut tls = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        if let Some(name) = &config.tls_server_name {
            let server = name.clone().try_into();
            let server = server.map_err(|_| Error::Unusable(format!("tls-server-name {name:?} is no name")))?;
            tls = tls.with_server_name_resolver(FixedServerNameResolver::new(server));
        }
        let mut http = Http::builder(TokioExecutor::new());
        http.timer(TokioTimer::new()).pool_timer(TokioTimer::new());
        http.http2_keep_alive_interval(KEEPALIVE.0).http2_keep_alive_timeout(KEEPALIVE.1);
        http.http2_keep_alive_while_idle(true);
        // A list is read as it comes; one kind must not wait for another.
        http.http2_initial_stream_window_size(4 << 20).http2_initial_connection_window_size(64 << 20);
        let http: Http<_, Body> = http.build(tls.enable_all_versions().wrap_connector(connector));
        let service = ServiceBuilder::new()
            .layer(config.base_uri_layer())
            .option_layer(config.auth_layer().map_err(unusable)?)
            .layer(config.extra_headers_layer().map_err(unusable)?)
            .map_err(BoxError::from)
            .service(http);
        Ok(Self { service: BoxCloneService::new(service), token: token.map(Arc::new), made: Instant::now() })
    }
}

fn unusable(error: kube::Error) -> Error {
    Error::Unusable(match error {
        // Its own words are those of a debugger.
        kube::Error::Auth(AuthError::AuthExecRun { status, out, .. }) => {
            let said = String::from_utf8_lossy(&out.stderr);
            format!("the program of the kubeconfig that gives credentials fails: {status}: {}", said.trim())
        }
        kube::Error::Auth(error) => format!("the credentials of the kubeconfig: {}", causes(&error)),
        error => format!("TLS to the API server: {}", causes(&error)),
    })
}

/// An error and what is behind it.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
