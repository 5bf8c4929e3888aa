//! Requests to the API server, as kubectl makes them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use http::header::CONTENT_TYPE;
use http::{Method, Request};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use mizzen::api::Kind;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The API server, for one who may do everything.
pub(crate) struct Api {
    runtime: Runtime,
    kubeconfig: PathBuf,
    wire: OnceLock<Wire>,
}

#[derive(Clone)]
struct Wire(Client);

impl Wire {
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value), String> {
        let kind = if method == Method::PATCH { "application/apply-patch+yaml" } else { "application/json" };
        let body = Body::from(body.map(|b| b.to_string()).unwrap_or_default().into_bytes());
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, kind).body(body).unwrap();
        let answer = self.0.send(request).await.map_err(|e| e.to_string())?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect_bytes().await.map_err(|e| e.to_string())?;
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        Ok((status, serde_json::from_slice(&body).unwrap_or_else(|_| text())))
    }

    /// Applies a document, and its status if it has one.
    async fn apply(&self, document: Value) -> Result<(), String> {
        let path = path(&document);
        let query = "fieldManager=test&force=true";
        let mut parts = vec![(format!("{path}?{query}"), document.clone())];
        if document["status"].is_object() && !path.contains("customresourcedefinitions") {
            parts.push((format!("{path}/status?{query}"), document));
        }
        for (path, document) in parts {
            let (status, answer) = self.send(Method::PATCH, &path, Some(document)).await?;
            if status >= 300 {
                return Err(format!("{path}: {}", answer["message"].as_str().unwrap_or(&answer.to_string())));
            }
        }
        Ok(())
    }

    async fn delete(&self, path: String) -> Result<(), String> {
        let options = json!({"gracePeriodSeconds": 0, "propagationPolicy": "Background"});
        match self.send(Method::DELETE, &path, Some(options)).await? {
            (status, _) if status < 300 || status == 404 => Ok(()),
            (_, answer) => Err(format!("{path}: {answer}")),
        }
    }

    /// What a namespace's controller would do in the end.
    async fn delete_namespace(&self, name: String) -> Result<(), String> {
        let path = format!("/api/v1/namespaces/{name}");
        self.delete(path.clone()).await?;
        let done =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {"finalizers": []}});
        self.send(Method::PUT, &format!("{path}/finalize"), Some(done)).await.map(drop)
    }
}

/// The path of all objects of a kind.
fn collection(kind: &str, namespace: Option<&str>, version: Option<&str>) -> String {
    match (kind, namespace) {
        ("CustomResourceDefinition", _) => return "/apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned(),
        ("ClusterRole", _) => return "/apis/rbac.authorization.k8s.io/v1/clusterroles".to_owned(),
        ("ClusterRoleBinding", _) => return "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings".to_owned(),
        ("MutatingWebhookConfiguration", _) => {
            return "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations".to_owned();
        }
        ("Role" | "RoleBinding", Some(namespace)) => {
            return format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/{}s", kind.to_lowercase());
        }
        ("ServiceAccount", Some(namespace)) => return format!("/api/v1/namespaces/{namespace}/serviceaccounts"),
        _ => {}
    }
    let kind = Kind::all().find(|k| k.as_str() == kind).expect("a kind that mizzen knows");
    let version = version.unwrap_or_else(|| kind.versions()[0]);
    let group =
        if kind.group().is_empty() { format!("/api/{version}") } else { format!("/apis/{}/{version}", kind.group()) };
    let namespace = namespace.filter(|_| kind.namespaced()).map(|n| format!("/namespaces/{n}")).unwrap_or_default();
    format!("{group}{namespace}/{}", kind.plural())
}

/// The path of an object.
fn path(document: &Value) -> String {
    let kind = document["kind"].as_str().unwrap_or_default();
    let meta = &document["metadata"];
    let version = document["apiVersion"].as_str().and_then(|v| v.rsplit('/').next());
    let namespace = meta["namespace"].as_str().unwrap_or("default");
    format!("{}/{}", collection(kind, Some(namespace), version), meta["name"].as_str().unwrap_or_default())
}

impl Api {
    pub(crate) fn new(kubeconfig: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { runtime, kubeconfig: kubeconfig.to_owned(), wire: OnceLock::new() }
    }

    /// Known once the server has made its certificate.
    fn wire(&self) -> Option<Wire> {
        if let Some(wire) = self.wire.get() {
            return Some(wire.clone());
        }
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig).unwrap();
        let options = KubeConfigOptions::default();
        let mut config = self.runtime.block_on(Config::from_custom_kubeconfig(kubeconfig, &options)).ok()?;
        config.default_retry = false;
        let _inside = self.runtime.enter();
        Some(self.wire.get_or_init(|| Wire(Client::try_from(config).unwrap())).clone())
    }

    fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value), String> {
        let wire = self.wire().ok_or("no certificate yet")?;
        self.runtime.block_on(wire.send(method, path, body))
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.send(Method::GET, "/readyz", None).is_ok_and(|(status, _)| status == 200)
    }

    /// What a GET gives; null if there is nothing.
    pub(crate) fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, None).ok().filter(|(status, _)| *status == 200).map_or(Value::Null, |(_, v)| v)
    }

    /// When the objects of a kind were created, but for the Service by which the API server is called.
    pub(crate) fn created(&self, kind: Kind) -> Vec<String> {
        let list = self.get(&collection(kind.as_str(), None, None));
        let items = list["items"].as_array().into_iter().flatten();
        let applied = items.filter(|item| kind != Kind::Service || item["metadata"]["name"] != "kubernetes");
        applied.filter_map(|item| item["metadata"]["creationTimestamp"].as_str().map(str::to_owned)).collect()
    }

    /// A token of a service account for the API server, good for an hour.
    pub(crate) fn token(&self, namespace: &str, account: &str) -> String {
        self.token_for(namespace, account, &[])
    }

    /// The same for others: its audiences, none for the API server.
    pub(crate) fn token_for(&self, namespace: &str, account: &str, audiences: &[&str]) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                             "spec": {"expirationSeconds": 3600, "audiences": audiences}});
        let (_, answer) = self.send(Method::POST, &path, Some(request)).unwrap();
        answer["status"]["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// Applies documents server-side, many at once; namespaces first, and those that are only named too. Fails on
    /// what is refused.
    pub(crate) fn apply(&self, documents: Vec<Value>) {
        let refused = self.try_apply(documents);
        assert!(refused.is_empty(), "the API server refuses {refused:#?}");
    }

    /// The same, and what is refused is told.
    pub(crate) fn try_apply(&self, documents: Vec<Value>) -> Vec<String> {
        let (mut first, rest): (Vec<Value>, Vec<Value>) = documents
            .into_iter()
            .partition(|d| ["Namespace", "CustomResourceDefinition"].contains(&d["kind"].as_str().unwrap_or_default()));
        let named = rest.iter().filter_map(|d| d["metadata"]["namespace"].as_str());
        let mut named: Vec<&str> = named.filter(|n| !first.iter().any(|f| f["metadata"]["name"] == **n)).collect();
        named.sort_unstable();
        named.dedup();
        let space = |name: &&str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        first.extend(named.iter().map(space).collect::<Vec<_>>());
        let mut refused = self.many(first, |wire, document| async move { wire.apply(document).await });
        refused.extend(self.many(rest, |wire, document| async move { wire.apply(document).await }));
        refused
    }

    /// Does something with each, some at a time.
    fn many<T, F>(&self, all: Vec<T>, work: impl Fn(Wire, T) -> F) -> Vec<String>
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let wire = self.wire().unwrap();
        let mut failed = Vec::new();
        let mut all = all.into_iter().peekable();
        while all.peek().is_some() {
            let tasks: Vec<_> = all.by_ref().take(64).map(|t| self.runtime.spawn(work(wire.clone(), t))).collect();
            failed.extend(tasks.into_iter().filter_map(|task| self.runtime.block_on(task).unwrap().err()));
        }
        failed
    }

    /// Deletes an object at once.
    pub(crate) fn delete(&self, document: &Value) {
        let wire = self.wire().unwrap();
        self.runtime.block_on(wire.delete(path(document))).unwrap();
    }

    /// Deletes all objects that are not Kubernetes' own.
    pub(crate) fn clear(&self) {
        let mut paths = Vec::new();
        for kind in Kind::all().filter(|kind| *kind != Kind::Namespace) {
            let list = self.get(&collection(kind.as_str(), None, None));
            for item in list["items"].as_array().into_iter().flatten() {
                let meta = &item["metadata"];
                let own = meta["namespace"].as_str().is_some_and(|n| n.starts_with("kube-"));
                if !(own || kind == Kind::Service && meta["name"] == "kubernetes") {
                    paths.push(path(&json!({"kind": kind.as_str(), "metadata": meta})));
                }
            }
        }
        assert_eq!(self.many(paths, |wire, path| async move { wire.delete(path).await }), [""; 0]);
        let list = self.get("/api/v1/namespaces");
        let names = list["items"].as_array().into_iter().flatten().filter_map(|n| n["metadata"]["name"].as_str());
        let names: Vec<String> =
            names.filter(|n| *n != "default" && !n.starts_with("kube-")).map(str::to_owned).collect();
        assert_eq!(self.many(names, |wire, name| async move { wire.delete_namespace(name).await }), [""; 0]);
    }
}
