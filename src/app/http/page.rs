//! The page: its files, and its data as JSON under `/ui/api/`.
//!
//! `GET /` leads to `/ui/`. Everything below is for whoever may see all debug pages. A browser on this machine may be made
//! to ask in the name of a stranger's page (DNS rebinding): so who asks from here has to call this server `localhost` or
//! by an address. Lists take `q`, `sort`, `offset` and `limit` ([`page::Ask`]); the shapes of answers are
//! those of the values in [`page`]. What is wrong with a question is answered as `{"error": "…"}`.

mod answer;
mod asked;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::extract::{Path, RawQuery, State as Extract};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::HeaderMap;
use tokio::sync::Mutex;

use super::State;
use super::auth::{admit, named_locally};
use super::prometheus::{Place, Prometheus};
use super::query::Query;
use crate::api::Key;
use crate::base::Str;
use crate::debug::{self, Client};
use crate::engine::Core;
use crate::page::{self, Answer, Ask, Mesh};
use crate::status::Standing;
use crate::wire::ResourceType;
use answer::{Error, file, json};

/// For how long answers of Prometheus are used again: several people look, one is asked.
const FRESH: Duration = Duration::from_secs(3);

/// What the page knows besides what the other pages know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The name of this replica.
    pub replica: String,
    /// Which of several control planes this is.
    pub revision: String,
    /// Where Istio's metrics are.
    pub prometheus: Option<Place>,
}

/// What is looked at, and what was made of it last.
#[derive(Clone)]
struct Page {
    state: State,
    options: Arc<Options>,
    prometheus: Option<Arc<Prometheus>>,
    /// Who may talk to whom, and of which revision that is.
    mesh: Latest<(u64, Arc<Mesh>)>,
    /// What Prometheus said, and when.
    said: Latest<(Instant, Said)>,
}

/// What was made last. Who asks while it is made again waits for that.
type Latest<T> = Arc<Mutex<Option<T>>>;

type Said = Result<Arc<[Answer; 3]>, String>;

/// The page and its data.
pub(super) fn routes(state: State, options: Options) -> Router {
    let prometheus = options.prometheus.clone().map(|place| Arc::new(Prometheus::new(place)));
    let page = Page { state, options: Arc::new(options), prometheus, mesh: Arc::default(), said: Arc::default() };
    let index = async |headers: HeaderMap| file("", &headers);
    let other = async |Path(name): Path<String>, headers: HeaderMap| file(&name, &headers);
    Router::new()
        .route("/ui/", get(index))
        .route("/ui/{name}", get(other))
        .route("/ui/api/{name}", get(data))
        .layer(from_fn(named_locally))
        .layer(from_fn_with_state(page.state.clone(), admit))
        .route("/", get(async || Redirect::temporary("/ui/")))
        .route("/ui", get(async || Redirect::temporary("/ui/")))
        .with_state(page)
}

async fn data(
    Extract(page): Extract<Page>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    page.answer(&name, &Query::parse(query.as_deref()), &headers).await.unwrap_or_else(IntoResponse::into_response)
}

impl Page {
    async fn answer(&self, name: &str, query: &Query<'_>, headers: &HeaderMap) -> Result<Response, Error> {
        let ask = asked::list(query);
        match name {
            "overview" => {
                let survey = self.ask(|core| core.index().survey()).await?;
                let (clients, findings) = (self.clients(), self.findings().await?);
                let about = self.about();
                json(headers, move || page::overview(about, &survey, &clients, &findings)).await
            }
            "proxies" => {
                let (clients, istio) = (self.clients(), self.istio().await?);
                json(headers, move || page::proxies(&clients, &istio, SystemTime::now(), &ask)).await
            }
            "proxy" => {
                let (client, istio) = (self.client(query, "id")?, self.istio().await?);
                json(headers, move || page::proxy(&client, &istio, SystemTime::now())).await
            }
            "holdings" => {
                let (client, kind) = (self.client(query, "id")?, asked::kind(query)?);
                json(headers, move || page::holdings(&client, kind, &ask)).await
            }
            "resource" => {
                let (client, kind, name) = (self.client(query, "id")?, asked::kind(query)?, asked::name(query));
                let from = self.origins(&client, kind, &name).await?;
                let made = move || page::shown(&client, kind, &name, &from)?.ok_or(Error::NoResource);
                answer::fallible(headers, made).await
            }
            "compare" => {
                let (a, b) = (self.client(query, "a")?, self.client(query, "b")?);
                let kind = query.get("type").map(|_| asked::kind(query)).transpose()?;
                json(headers, move || page::compare(&a, &b, kind, &ask)).await
            }
            "lines" => {
                let (a, b) = (self.client(query, "a")?, self.client(query, "b")?);
                let (kind, name) = (asked::kind(query)?, asked::name(query));
                answer::fallible(headers, move || Ok(page::lines_between(&a, &b, kind, &name)?)).await
            }
            "services" => {
                let snapshot = self.ask(|core| core.index().snapshot().clone()).await?;
                json(headers, move || page::services(&snapshot, &ask)).await
            }
            "service" => {
                let snapshot = self.ask(|core| core.index().snapshot().clone()).await?;
                let (host, namespace, findings) = (asked::host(query), asked::namespace(query), self.findings().await?);
                let made = move || page::service(&snapshot, &host, &namespace, &findings, &ask);
                answer::fallible(headers, move || made().ok_or(Error::NoService)).await
            }
            "findings" => {
                let all = self.findings().await?;
                let wanted = |name| query.has(name).then(|| query.get(name).unwrap_or_default().to_owned());
                let (namespace, severity) = (wanted("namespace"), query.get("severity").map(str::to_owned));
                let made = move || page::findings(&all, namespace.as_deref(), severity.as_deref(), &ask);
                json(headers, made).await
            }
            "changes" => {
                let (progress, clients) = (self.state.progress.clone(), self.clients());
                json(headers, move || page::changes(debug::changes(&progress, &clients), &ask)).await
            }
            "talk" => {
                let mesh = self.mesh().await?;
                json(headers, move || mesh.may(&ask)).await
            }
            "measured" => self.measured(headers, ask).await,
            _ => Err(Error::NoPage),
        }
    }

    async fn measured(&self, headers: &HeaderMap, ask: Ask) -> Result<Response, Error> {
        let Some(prometheus) = &self.prometheus else { return Err(Error::NoPrometheus) };
        let (mesh, said) = (self.mesh().await?, self.said(prometheus).await);
        let address = prometheus.address().to_owned();
        let made = move || {
            let (edges, error) = match said {
                Ok(answers) => (page::measured(&answers, &mesh), None),
                Err(error) => (page::Edges::new(), Some(error)),
            };
            page::Did::of(&edges, &ask, address, error)
        };
        json(headers, made).await
    }

    /// Takes something from the engine, between two revisions.
    async fn ask<T: Send + 'static>(&self, take: impl FnOnce(&Core) -> T + Send + 'static) -> Result<T, Error> {
        self.state.engine.with(|core| take(core)).await.ok_or(Error::Stopped)
    }

    fn clients(&self) -> Vec<Client> {
        self.state.clients.clients()
    }

    /// The proxy that a parameter names.
    fn client(&self, query: &Query<'_>, name: &str) -> Result<Client, Error> {
        let clients = self.clients();
        page::find(&clients, query.get(name).unwrap_or_default()).cloned().ok_or(Error::NoProxy)
    }

    /// The node ids of proxies of Istio's own build.
    async fn istio(&self) -> Result<BTreeSet<Str>, Error> {
        let istio = |core: &Core| {
            let proxies = core.plan().proxies().filter(|(_, proxy)| proxy.capabilities.is_istio());
            proxies.map(|(_, proxy)| proxy.id.clone()).collect()
        };
        self.ask(istio).await
    }

    /// The objects that a resource of a proxy follows from. Costs the engine as much as planning the resource does.
    async fn origins(&self, client: &Client, kind: ResourceType, name: &str) -> Result<Vec<Key>, Error> {
        let (node, name) = (client.node.str().clone(), Str::from(name));
        let origins = move |core: &Core| {
            // The newest, where it is connected twice.
            let of_node = core.plan().proxies().filter(|(_, proxy)| proxy.id == node).last();
            of_node.map(|(id, _)| core.origins(id, kind, &name)).unwrap_or_default()
        };
        self.ask(origins).await
    }

    async fn findings(&self) -> Result<Arc<[crate::base::Finding]>, Error> {
        self.state.findings.now(&self.state.engine).await.ok_or(Error::Stopped)
    }

    fn about(&self) -> page::About {
        let build = crate::app::version::Build::this();
        page::About {
            mizzen: crate::app::version::MIZZEN,
            istio: build.version,
            replica: self.options.replica.clone(),
            revision: self.options.revision.clone(),
            prometheus: self.options.prometheus.as_ref().map(|place| place.address.clone()),
            missing: self.state.readiness.missing(),
            locks: self.state.leaders.list().into_iter().map(lock).collect(),
            remote: self.state.remote(),
        }
    }

    /// Who may talk to whom; looked at again only where something changed.
    async fn mesh(&self) -> Result<Arc<Mesh>, Error> {
        let mut last = self.mesh.lock().await;
        let snapshot = self.ask(|core| core.index().snapshot().clone()).await?;
        let revision = snapshot.revision;
        if let Some((of, mesh)) = &*last
            && *of == revision
        {
            return Ok(mesh.clone());
        }
        let mesh = Arc::new(answer::blocking(move || page::configured(snapshot)).await?);
        *last = Some((revision, mesh.clone()));
        Ok(mesh)
    }

    /// What Prometheus says; not asked again for a moment, whatever it said.
    async fn said(&self, prometheus: &Prometheus) -> Said {
        let mut last = self.said.lock().await;
        if let Some((at, said)) = &*last
            && at.elapsed() < FRESH
        {
            return said.clone();
        }
        let said = prometheus.ask(page::QUERIES).await.map(Arc::new);
        *last = Some((Instant::now(), said.clone()));
        said
    }
}

/// A lock in the words of people.
fn lock(standing: Standing) -> page::Lock {
    let writes = match standing.lock {
        "istio-ip-autoallocate" => "Addresses of ServiceEntries",
        "istio-status-leader" => "Conditions of objects",
        other => other,
    };
    page::Lock { name: standing.lock, writes, holder: standing.holder, ours: standing.leading }
}
