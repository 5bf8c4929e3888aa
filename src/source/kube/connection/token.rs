//! A token in a file that is replaced while we run.
//!
//! Not `kube`'s, which takes the end of a line for a part of the token, and prefers a token that is not in a file.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::HeaderValue;
use parking_lot::Mutex;

/// The file is read again after this, as in client-go: Kubernetes replaces tokens well before they end.
const FRESH: Duration = Duration::from_secs(60);

/// A token in a file.
pub(super) struct Token {
    path: PathBuf,
    last: Mutex<(HeaderValue, Instant)>,
}

impl Token {
    pub(super) fn read(path: impl Into<PathBuf>) -> Result<Self, String> {
        let path = path.into();
        let header = header(&path)?;
        Ok(Self { path, last: Mutex::new((header, Instant::now())) })
    }

    /// The header that a request needs. A file that cannot be read leaves the last token in force.
    pub(super) fn header(&self) -> HeaderValue {
        let mut last = self.last.lock();
        if last.1.elapsed() > FRESH {
            *last = (header(&self.path).unwrap_or_else(|_| last.0.clone()), Instant::now());
        }
        last.0.clone()
    }
}

fn header(path: &std::path::Path) -> Result<HeaderValue, String> {
    let token = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let header = HeaderValue::try_from(format!("Bearer {}", token.trim()));
    let mut header = header.map_err(|_| format!("{}: the token has bytes that none has", path.display()))?;
    header.set_sensitive(true);
    Ok(header)
}
