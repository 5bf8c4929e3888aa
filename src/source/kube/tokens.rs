//! Whose a token is, by the API server's word (TokenReview).
//!
//! As in istiod (`security/pkg/k8s/tokenreview`), only tokens of service accounts count, and only those that are for an
//! audience of ours: who gets hold of one that an application gives to others cannot use it here.

use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus};
use kube::Api;
use kube::api::PostParams;
use tokio::sync::Semaphore;

use super::pace::{Pace, Rate};

/// How many tokens are asked about, whoever sends them: by the same connection the mesh is read.
const RATE: Rate = Rate { qps: 10.0, burst: 20 };
/// How many may wait for an answer.
const WAITING: usize = 16;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// No token is longer; Kubernetes' own have some thousand characters.
const LONGEST: usize = 16 << 10;

/// A service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Where it is.
    pub namespace: String,
    /// How it is called there.
    pub name: String,
}

/// Why it is not known whose a token is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is nobody's, or not for us.
    #[error("{0}")]
    Refused(String),
    /// The role of mizzen's own service account does not allow to ask.
    #[error("tokens cannot be reviewed: {0}")]
    Forbidden(String),
    /// There is no answer, which may be different in a moment.
    #[error("tokens cannot be reviewed now: {0}")]
    Away(String),
}

/// Whoever knows whose tokens are.
pub struct Tokens {
    api: Api<TokenReview>,
    audiences: Vec<String>,
    pace: Pace,
    places: Semaphore,
}

impl Tokens {
    /// Tokens for any of these audiences, by an API server.
    pub fn new(client: kube::Client, audiences: Vec<String>) -> Self {
        Self { api: Api::all(client), audiences, pace: Pace::new(RATE), places: Semaphore::new(WAITING) }
    }

    /// The audiences that tokens have to be for.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// Whose a token is. One request, unless it has not even the form of a token.
    ///
    /// # Errors
    /// When it is nobody's, or that cannot be found out.
    pub async fn owner(&self, token: &str) -> Result<Account, TokenError> {
        if !is_token(token) {
            return Err(TokenError::Refused("it has not the form of a token".to_owned()));
        }
        let busy = || TokenError::Away("too many are being asked about".to_owned());
        let _place = self.places.try_acquire().map_err(|_| busy())?;
        let late = |_| TokenError::Away("the API server does not answer".to_owned());
        let status = tokio::time::timeout(PATIENCE, self.review(token)).await.map_err(late)??;
        self.account(status)
    }

    async fn review(&self, token: &str) -> Result<TokenReviewStatus, TokenError> {
        self.pace.turn().await;
        let spec = TokenReviewSpec { token: Some(token.to_owned()), audiences: Some(self.audiences.clone()) };
        let review = TokenReview { spec, ..TokenReview::default() };
        let answer = self.api.create(&PostParams::default(), &review).await.map_err(|error| match error {
            kube::Error::Api(status) if status.code == 403 => TokenError::Forbidden(status.message.clone()),
            error => TokenError::Away(error.to_string()),
        })?;
        Ok(answer.status.unwrap_or_default())
    }

    fn account(&self, status: TokenReviewStatus) -> Result<Account, TokenError> {
        let refused = |why: String| Err(TokenError::Refused(why));
        if let Some(error) = status.error.filter(|error| !error.is_empty()) {
            return refused(error);
        }
        if status.authenticated != Some(true) {
            return refused("the API server does not know it".to_owned());
        }
        // A server that knows nothing of audiences says nothing of them.
        if !status.audiences.unwrap_or_default().iter().any(|audience| self.audiences.contains(audience)) {
            return refused(format!("it is for none of the audiences {}", self.audiences.join(", ")));
        }
        let user = status.user.unwrap_or_default();
        let name = user.username.unwrap_or_default();
        let grouped = user.groups.unwrap_or_default().iter().any(|group| group == "system:serviceaccounts");
        match name.split(':').collect::<Vec<_>>()[..] {
            ["system", "serviceaccount", namespace, account] if grouped && !namespace.is_empty() => {
                Ok(Account { namespace: namespace.to_owned(), name: account.to_owned() })
            }
            _ => refused(format!("{name:?} is no service account")),
        }
    }
}

/// Whether it may be a token of a service account, a JWT: three parts. Spares the API server what is none.
fn is_token(text: &str) -> bool {
    let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let parts: Vec<&str> = text.split('.').collect();
    text.len() <= LONGEST && parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && letters(part))
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use http_body_util::BodyExt;
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;

    const TOKEN: &str = "e30.e30.sig";

    /// What comes of a review that is answered so.
    async fn reviewed(code: u16, answer: Value) -> Result<Account, TokenError> {
        let service = tower::service_fn(move |request: Request<Body>| {
            let answer = answer.clone();
            async move {
                assert_eq!(request.uri().path(), "/apis/authentication.k8s.io/v1/tokenreviews");
                let asked = request.into_body().collect().await.unwrap().to_bytes();
                let asked: Value = serde_json::from_slice(&asked).unwrap();
                assert_eq!(asked["spec"], json!({"token": TOKEN, "audiences": ["istio-ca"]}));
                let answer = Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
                Ok::<_, tower::BoxError>(answer.unwrap())
            }
        });
        Tokens::new(kube::Client::new(service, "default"), vec!["istio-ca".to_owned()]).owner(TOKEN).await
    }

    fn status(edit: impl FnOnce(&mut Value)) -> Value {
        let mut status = json!({"authenticated": true, "audiences": ["istio-ca"], "user": {
            "username": "system:serviceaccount:shop:web", "groups": ["system:serviceaccounts", "system:authenticated"]}});
        edit(&mut status);
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {}, "status": status})
    }

    #[tokio::test]
    async fn a_token_is_its_service_accounts_if_the_api_server_says_so_and_it_is_for_us() {
        let account = Account { namespace: "shop".to_owned(), name: "web".to_owned() };
        assert_eq!(reviewed(201, status(|_| {})).await, Ok(account));
        let refused = async |edit: &dyn Fn(&mut Value)| match reviewed(201, status(|s| edit(s))).await {
            Err(TokenError::Refused(why)) => why,
            other => panic!("{other:?}"),
        };
        assert!(refused(&|s| s["authenticated"] = false.into()).await.contains("does not know it"));
        assert_eq!(refused(&|s| s["error"] = "expired".into()).await, "expired");
        assert!(refused(&|s| s["audiences"] = json!(["https://elsewhere"])).await.contains("audiences istio-ca"));
        assert!(refused(&|s| s["audiences"] = Value::Null).await.contains("audiences"));
        assert!(refused(&|s| s["user"]["groups"] = json!(["system:masters"])).await.contains("no service account"));
        for name in ["admin", "system:node:shop:web", "system:serviceaccount::web", "system:serviceaccount:a:b:c"] {
            assert!(refused(&|s| s["user"]["username"] = name.into()).await.contains(name));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_found_out_is_not_the_callers_fault() {
        let failure = |code: u16| json!({"kind": "Status", "status": "Failure", "code": code, "message": "no"});
        assert_eq!(reviewed(403, failure(403)).await, Err(TokenError::Forbidden("no".to_owned())));
        assert!(matches!(reviewed(500, failure(500)).await, Err(TokenError::Away(_))));
    }

    #[tokio::test]
    async fn what_has_not_the_form_of_a_token_is_asked_nobody() {
        let service = tower::service_fn(|_: Request<Body>| async {
            panic!("asked");
            #[expect(unreachable_code, reason = "the type of the answer")]
            Ok::<_, tower::BoxError>(Response::new(Body::empty()))
        });
        let tokens = Tokens::new(kube::Client::new(service, "default"), Vec::new());
        let long = format!("{}.e30.sig", "x".repeat(LONGEST));
        for text in ["", "a", "a.b", "a..c", "a.b.c.d", "a.b c.d", "ä.b.c", long.as_str()] {
            assert!(matches!(tokens.owner(text).await, Err(TokenError::Refused(_))), "{text}");
        }
    }
}
