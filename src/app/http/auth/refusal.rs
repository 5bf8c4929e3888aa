//! How somebody is refused: what is wrong, and what can be done.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use serde_json::json;

use crate::source::kube::{Account, TokenError};

/// The rule that a role needs, as the chart has it.
const RULE: &str = "{apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create]}";

/// Why a page is not shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is nobody to say whose a token is.
    NoServer,
    /// There is no token; one would have to be for this audience.
    NoToken(String),
    /// It is nobody's, for this reason; it would have to be for this audience.
    BadToken(String, String),
    /// This account may not see the page; those of the root namespace may.
    NotAllowed { account: Account, root: String },
    /// mizzen's own account lacks a right.
    NoRight(String),
    /// The API server cannot be asked.
    Away(String),
    /// The engine has stopped.
    Stopped,
}

impl Refusal {
    pub(super) fn of(error: TokenError, audience: String) -> Self {
        match error {
            TokenError::Refused(why) => Self::BadToken(why, audience),
            TokenError::Forbidden(why) => Self::NoRight(why),
            TokenError::Away(why) => Self::Away(why),
        }
    }

    /// For the log; strangers are not told what the API server says of their tokens.
    pub(super) fn why(&self) -> String {
        match self {
            Self::NoServer | Self::NoToken(_) => "the caller is not on this machine, and has no token".to_owned(),
            Self::BadToken(why, _) => format!("the API server does not take the token: {why}"),
            Self::NotAllowed { account, .. } => format!("{}/{} may not see it", account.namespace, account.name),
            Self::NoRight(why) => format!(
                "mizzen may not ask whose the token is. Give the role of its ServiceAccount the rule {RULE}, as \
                 deploy/chart has it. The API server says: {why}"
            ),
            Self::Away(why) => format!("it cannot be found out whose the token is: {why}"),
            Self::Stopped => "mizzen is stopping".to_owned(),
        }
    }

    /// For the caller, as text or as the page's JSON.
    pub(super) fn answer(&self, as_json: bool) -> Response {
        let said = self.said();
        let (kind, body) = match as_json {
            true => ("application/json", json!({ "error": said }).to_string()),
            false => ("text/plain; charset=utf-8", format!("{said}\n")),
        };
        let mut answer = (self.status(), [(CONTENT_TYPE, kind)], body).into_response();
        if matches!(self, Self::NoToken(_) | Self::BadToken(..)) {
            answer.headers_mut().insert(WWW_AUTHENTICATE, http::HeaderValue::from_static("Bearer"));
        }
        answer
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NoServer | Self::NoToken(_) | Self::BadToken(..) => StatusCode::UNAUTHORIZED,
            Self::NotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::NoRight(_) | Self::Away(_) | Self::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn said(&self) -> String {
        let make = |audience: &str| {
            format!(
                "send `Authorization: Bearer TOKEN` with the token of a service account, as `kubectl create token NAME \
                 --namespace NAMESPACE --audience {audience}` makes one"
            )
        };
        match self {
            Self::NoServer => "this page is for callers on the machine that mizzen runs on: ask there, or by `ssh -L \
                               15014:localhost:15014 HOST`. The mesh is a folder here, so there is no Kubernetes that \
                               could say who else you are"
                .to_owned(),
            Self::NoToken(audience) => format!(
                "who are you? Ask through `kubectl port-forward`, which needs nothing else, or {}",
                make(audience)
            ),
            Self::BadToken(_, audience) => format!(
                "the API server does not take this token: it may have expired, be of another cluster, or not be for \
                 the audience {audience}. Ask through `kubectl port-forward`, or {}",
                make(audience)
            ),
            Self::NotAllowed { account: Account { namespace, .. }, root } => format!(
                "service accounts of {namespace} may see /debug/config_dump, /debug/edsz and /debug/ndsz, of proxies of \
                 {namespace}. Ask with one of {root} or of a namespace in DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES, or \
                 through `kubectl port-forward`"
            ),
            Self::NoRight(_) => format!(
                "mizzen may not ask the API server whose this token is: its role lacks the rule {RULE}. Until it has it, \
                 ask through `kubectl port-forward`"
            ),
            Self::Away(_) => "the API server cannot say now whose this token is: try again in a moment".to_owned(),
            Self::Stopped => "mizzen is stopping".to_owned(),
        }
    }
}
