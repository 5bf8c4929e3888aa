//! Requests to the API server for which the crate `kube` has no words: a status patched by JSON, of any kind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::header::CONTENT_TYPE;
use http::{Method, Request};
use kube::{Client, Error};
use serde_json::Value;

use super::Observer;
use super::rights::{Right, Rights};
use crate::api::{Key, Kind};

/// The API server. Copies share what they know.
#[derive(Clone)]
pub(super) struct Server {
    client: Client,
    rights: Arc<Rights>,
    observer: Arc<dyn Observer>,
    /// In which version kinds are served; those that were not found out yet are absent.
    served: Arc<Mutex<BTreeMap<Kind, &'static str>>>,
}

/// Why a request came to nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no such object (any more).
    Missing,
    /// It is another than the one the request was made for, or is there already.
    Conflict,
    /// What was asked does not hold: a `test` of a patch, a schema.
    Unfit(String),
    /// It is not allowed.
    Forbidden,
    /// Anything else, which may well be over in a moment.
    Away(String),
}

/// How a body is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    /// RFC 7396: what is named is replaced, what is null goes.
    Merge,
    /// RFC 6902: a list of operations, of which all are done or none.
    Operations,
}

impl Server {
    pub(super) fn new(client: Client, observer: Arc<dyn Observer>) -> Self {
        Self { client, rights: Arc::default(), observer, served: Arc::default() }
    }

    pub(super) fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Sends a request, and says what right it needs.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<(Form, &Value)>,
        right: &Right,
    ) -> Result<Value, Failure> {
        let kind = match body {
            Some((Form::Merge, _)) => "application/merge-patch+json",
            Some((Form::Operations, _)) => "application/json-patch+json",
            _ => "application/json",
        };
        let bytes = body.map(|(_, body)| body.to_string().into_bytes()).unwrap_or_default();
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, kind).body(bytes);
        let request = request.map_err(|e| Failure::Away(e.to_string()))?;
        self.client.request(request).await.map_err(|error| {
            self.rights.note(&error, right);
            Failure::from(error)
        })
    }

    /// The same for something that is written, which is counted.
    pub(super) async fn write(
        &self,
        what: &'static str,
        method: Method,
        path: &str,
        body: (Form, &Value),
        right: &Right,
    ) -> Result<Value, Failure> {
        let result = self.ask(method, path, Some(body), right).await;
        // What turns out to be another than thought is no failure: it is looked at again.
        if !matches!(result, Err(Failure::Missing | Failure::Conflict | Failure::Unfit(_))) {
            self.observer.wrote(what, result.is_ok());
        }
        result
    }

    /// The path of an object; none if its kind is not served.
    pub(super) async fn path(&self, key: &Key) -> Option<String> {
        let version = self.version(key.kind).await?;
        let (group, plural) = (key.kind.group(), key.kind.plural());
        let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let namespace = match key.namespace.is_empty() {
            true => String::new(),
            false => format!("/namespaces/{}", key.namespace),
        };
        Some(format!("{root}{namespace}/{plural}/{}", key.name))
    }

    /// In which version a kind is served: Istio's older CRDs know no v1.
    pub(super) async fn version(&self, kind: Kind) -> Option<&'static str> {
        if !kind.is_istio() {
            return Some(kind.versions()[0]);
        }
        if let Some(version) = self.served.lock().ok().and_then(|served| served.get(&kind).copied()) {
            return Some(version);
        }
        for version in kind.versions() {
            let list = self.client.list_api_group_resources(&format!("{}/{version}", kind.group())).await;
            if list.is_ok_and(|list| list.resources.iter().any(|r| r.name == kind.plural())) {
                self.served.lock().ok()?.insert(kind, version);
                return Some(version);
            }
        }
        None
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(status) => match status.code {
                404 => Self::Missing,
                409 => Self::Conflict,
                403 => Self::Forbidden,
                400 | 422 => Self::Unfit(status.message),
                _ => Self::Away(status.message),
            },
            other => Self::Away(other.to_string()),
        }
    }
}
