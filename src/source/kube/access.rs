//! Where the API server is, whom it must prove to be, and who we are.
//!
//! As client-go finds it: a kubeconfig that was named, the Pod that we run in, or the user's own kubeconfig.

mod cluster;
mod credentials;
mod kubeconfig;

use std::path::{Path, PathBuf};

use http::Uri;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

pub(super) use credentials::Credentials;

/// What is said about where the API server is.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// `--kubeconfig`. Where it names no file, it is as if it were absent, as in istiod: the chart always names one.
    pub named: Option<PathBuf>,
    /// `KUBECONFIG`: the first of these files that is there.
    pub environment: Vec<PathBuf>,
    /// `KUBERNETES_SERVICE_HOST` and `…_PORT`, which a Pod has.
    pub pod: Option<(String, String)>,
    /// The user's own kubeconfig, `~/.kube/config`.
    pub home: Option<PathBuf>,
}

/// A way to the API server.
pub struct Access {
    /// Its address, without a path.
    pub(super) server: Uri,
    /// Whom to trust, and the certificate we have.
    pub(super) tls: ClientConfig,
    /// What proves who we are, if it is not the certificate.
    pub(super) credentials: Credentials,
}

/// Why there is no way to the API server: for who runs the program to mend.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing says where it is.
    #[error(
        "no cluster: there is no kubeconfig (--kubeconfig, KUBECONFIG or ~/.kube/config), and this is no Pod. \
         For a folder of YAML as the mesh: --registries= --configDir DIR"
    )]
    NoCluster,
    /// A file cannot be read.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A kubeconfig has something that is not supported, or lacks something.
    #[error("{}: {why}", path.display())]
    Kubeconfig {
        /// The kubeconfig.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Certificates or keys cannot be used.
    #[error("TLS to the API server: {0}")]
    Tls(String),
}

impl Access {
    /// The way that is meant.
    pub(super) fn find(place: &Place) -> Result<Self, Error> {
        let named = place.named.iter().chain(&place.environment).find(|path| path.is_file());
        match (named, &place.pod, &place.home) {
            (Some(path), _, _) => kubeconfig::read_file(path),
            (None, Some((host, port)), _) => cluster::of_pod(host, port),
            (None, None, Some(path)) if path.is_file() => kubeconfig::read_file(path),
            _ => Err(Error::NoCluster),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|e| Error::File { path: path.to_owned(), why: e.to_string() })
}

/// TLS that trusts these roots, and shows this certificate if there is one; both as PEM.
fn tls(roots: &[u8], identity: Option<(&[u8], &[u8])>) -> Result<ClientConfig, Error> {
    let wrong = |what: &str, why: String| Error::Tls(format!("{what}: {why}"));
    let mut store = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots) {
        let root = root.map_err(|e| wrong("the roots", e.to_string()))?;
        store.add(root).map_err(|e| wrong("the roots", e.to_string()))?;
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| Error::Tls(e.to_string()))?.with_root_certificates(store);
    let Some((certificate, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|e| wrong("our certificate", e.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| wrong("our key", e.to_string()))?;
    builder.with_client_auth_cert(chain, key).map_err(|e| wrong("our certificate", e.to_string()))
}

#[cfg(test)]
mod tests;
