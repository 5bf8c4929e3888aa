//! What proves who we are: a token, which may be replaced while we run.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use http::HeaderValue;
use serde::Deserialize;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Tokens in files are read again after this, as in client-go: Kubernetes replaces them well before they end.
const FRESH: Duration = Duration::from_secs(60);
/// A program that makes a token may not take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the token is from.
enum Source {
    /// There is none; a certificate will do.
    None,
    /// It is said.
    Fixed(HeaderValue),
    File(PathBuf),
    /// A program prints it (`client.authentication.k8s.io`).
    Program(Program),
}

/// A program of a kubeconfig.
pub(super) struct Program {
    pub(super) command: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) api_version: String,
}

/// A token and where new ones are from.
pub(in crate::source::kube) struct Credentials {
    source: Source,
    last: Mutex<Option<(HeaderValue, Instant)>>,
}

/// What such a program prints.
#[derive(Deserialize)]
struct ExecCredential {
    status: ExecStatus,
}

#[derive(Deserialize)]
struct ExecStatus {
    token: Option<String>,
}

impl Credentials {
    fn new(source: Source) -> Self {
        Self { source, last: Mutex::default() }
    }

    pub(super) fn none() -> Self {
        Self::new(Source::None)
    }

    pub(super) fn file(path: PathBuf) -> Self {
        Self::new(Source::File(path))
    }

    pub(super) fn program(program: Program) -> Self {
        Self::new(Source::Program(program))
    }

    /// `None` if the token cannot be in a header.
    pub(super) fn fixed(token: &str) -> Option<Self> {
        Some(Self::new(Source::Fixed(header(token).ok()?)))
    }

    /// The header that a request needs, if it needs one. The error is a sentence.
    pub(in crate::source::kube) async fn header(&self) -> Result<Option<HeaderValue>, String> {
        let fresh = match &self.source {
            Source::None => return Ok(None),
            Source::Fixed(header) => return Ok(Some(header.clone())),
            Source::File(_) => FRESH,
            // Until it is refused.
            Source::Program(_) => Duration::MAX,
        };
        let mut last = self.last.lock().await;
        if let Some((header, at)) = &*last
            && at.elapsed() < fresh
        {
            return Ok(Some(header.clone()));
        }
        let token = match &self.source {
            Source::File(path) => {
                tokio::fs::read_to_string(path).await.map_err(|e| format!("{}: {e}", path.display()))?
            }
            Source::Program(program) => program.run().await?,
            Source::None | Source::Fixed(_) => return Ok(None),
        };
        let header = header(token.trim())?;
        *last = Some((header.clone(), Instant::now()));
        Ok(Some(header))
    }

    /// The server does not accept it: the next will be a new one.
    pub(in crate::source::kube) async fn refused(&self) {
        *self.last.lock().await = None;
    }
}

fn header(token: &str) -> Result<HeaderValue, String> {
    let mut header =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| "the token has bytes that none has".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}

impl Program {
    async fn run(&self) -> Result<String, String> {
        let mut command = Command::new(&self.command);
        let info = format!(
            r#"{{"apiVersion":"{}","kind":"ExecCredential","spec":{{"interactive":false}}}}"#,
            self.api_version
        );
        command.args(&self.arguments).envs(self.environment.iter().map(|(k, v)| (k, v)));
        command.env("KUBERNETES_EXEC_INFO", info).stdin(Stdio::null()).kill_on_drop(true);
        let told = |why: String| format!("{} of the kubeconfig: {why}", self.command);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        let output =
            output.map_err(|_| told("it takes more than a minute".to_owned()))?.map_err(|e| told(e.to_string()))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(told(format!("{}: {}", output.status, text.trim())));
        }
        let printed: ExecCredential = serde_json::from_slice(&output.stdout)
            .map_err(|e| told(format!("what it prints is no ExecCredential: {e}")))?;
        printed.status.token.ok_or_else(|| told("it gives no token, and certificates of it are not supported".into()))
    }
}
