//! Where the API server is, whom it must prove to be, and who we are.
//!
//! As client-go finds it: a kubeconfig that was named, the Pod that we run in, or the user's own kubeconfig. What a
//! kubeconfig may say, and what that means, the crate `kube` knows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use kube::Config;
use kube::config::{AuthInfo, ExecInteractiveMode, KubeConfigOptions, Kubeconfig};

use super::connection::causes;

/// What is said about where the API server is.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// `--kubeconfig`. Where it names no file, it is as if it were absent, as in istiod: the chart always names one.
    pub named: Option<PathBuf>,
    /// `KUBECONFIG`: those of these files that are there, as one.
    pub environment: Vec<PathBuf>,
    /// Whether we run in a Pod: there are `KUBERNETES_SERVICE_HOST` and `…_PORT`.
    pub pod: bool,
    /// The user's own kubeconfig, `~/.kube/config`.
    pub home: Option<PathBuf>,
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
    /// A kubeconfig has something that is not supported, or lacks something.
    #[error("{place}: {why}")]
    Kubeconfig {
        /// The kubeconfig, or its files.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// What a Pod is given to reach the API server cannot be used.
    #[error("in this Pod: {0}")]
    Pod(String),
    /// Certificates, keys or credentials cannot be used.
    #[error("{0}")]
    Unusable(String),
}

/// What leads to an API server, to be read anew when it may be stale.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Place(Place),
    /// The text of a kubeconfig, and what it may ask for although that touches the machine of the control plane.
    Text(Arc<str>, Arc<BTreeSet<String>>),
}

/// A way to an API server.
pub(super) struct Way {
    pub(super) config: Config,
    /// What connections to it go through.
    pub(super) proxy: Option<Intercept>,
}

impl Origin {
    pub(super) async fn read(&self) -> Result<Way, Error> {
        match self {
            Self::Place(place) => place.read().await,
            Self::Text(text, allowed) => {
                let wrong = |why: &str| Error::Unusable(format!("the kubeconfig {why}"));
                // No word of it: the reader's own words quote what they are about.
                let kubeconfig = Kubeconfig::from_yaml(text).map_err(|_| wrong("cannot be read"))?;
                let refused = kubeconfig.auth_infos.iter().filter_map(|u| u.auth_info.as_ref());
                if let Some(why) = refused.filter_map(|user| refused_option(user, allowed)).next() {
                    return Err(wrong(&why));
                }
                of_kubeconfig("the kubeconfig", kubeconfig).await
            }
        }
    }
}

impl Place {
    async fn read(&self) -> Result<Way, Error> {
        let there = |paths: &[PathBuf]| paths.iter().filter(|p| p.is_file()).cloned().collect::<Vec<_>>();
        let mut files = self.named.as_slice().iter().filter(|p| p.is_file()).cloned().collect::<Vec<_>>();
        if files.is_empty() {
            files = there(&self.environment);
        }
        if files.is_empty() && self.pod {
            let config = Config::incluster_env().map_err(|e| Error::Pod(causes(&e)))?;
            let proxy = proxy(&config, None);
            return Ok(Way { config, proxy });
        }
        if files.is_empty() {
            files = there(self.home.as_slice());
        }
        if files.is_empty() {
            return Err(Error::NoCluster);
        }
        let name = files.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
        let mut merged = Kubeconfig::default();
        for path in &files {
            let next = Kubeconfig::read_from(path).and_then(|next| merged.merge(at(path, next)));
            merged = next.map_err(|e| kubeconfig_error(&path.display().to_string(), &e))?;
        }
        of_kubeconfig(&name, merged).await
    }
}

/// What a kubeconfig of others may not ask for (istio `pkg/kube/util.go`, `sanitizeKubeConfig`).
fn refused_option(user: &AuthInfo, allowed: &BTreeSet<String>) -> Option<String> {
    let provider = user.auth_provider.as_ref().map(|p| p.name.as_str()).filter(|name| *name != "oidc");
    let asked = [
        (provider.is_some(), provider.unwrap_or_default()),
        (user.client_key.is_some(), "clientKey"),
        (user.client_certificate.is_some(), "clientCertificate"),
        (user.token_file.is_some(), "tokenFile"),
        (user.exec.is_some(), "exec"),
    ];
    let (_, option) = asked.into_iter().find(|(asked, option)| *asked && !allowed.contains(*option))?;
    Some(format!(
        "asks for {option}, which runs a program or reads a file of the control plane; it is refused unless \
         PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS names {option}"
    ))
}

/// A path to a program is meant from where the kubeconfig is, as client-go takes it; a bare name is looked for as the
/// shell does. (`kube` does the same for the paths of files.)
fn at(path: &Path, mut config: Kubeconfig) -> Kubeconfig {
    let users = config.auth_infos.iter_mut().filter_map(|user| user.auth_info.as_mut());
    for command in users.filter_map(|user| user.exec.as_mut()?.command.as_mut()).filter(|c| c.contains('/')) {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        *command = folder.join(&*command).to_string_lossy().into_owned();
    }
    config
}

/// The way that the current context of a kubeconfig says.
async fn of_kubeconfig(name: &str, mut kubeconfig: Kubeconfig) -> Result<Way, Error> {
    // There is nobody who could be asked for a password.
    for exec in kubeconfig.auth_infos.iter_mut().filter_map(|u| u.auth_info.as_mut()?.exec.as_mut()) {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
    let own = proxy_url(&kubeconfig);
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let config = config.map_err(|e| kubeconfig_error(name, &e))?;
    let proxy = proxy(&config, own.as_deref());
    if own.is_some() && proxy.is_none() {
        let why = "its proxy-url has no address that can be used".to_owned();
        return Err(Error::Kubeconfig { place: name.to_owned(), why });
    }
    Ok(Way { config, proxy })
}

/// What the cluster of the current context says. (`kube` mixes it with the environment.)
fn proxy_url(kubeconfig: &Kubeconfig) -> Option<String> {
    let current = kubeconfig.current_context.as_ref()?;
    let context = kubeconfig.contexts.iter().find(|c| c.name == *current)?.context.as_ref()?;
    let cluster = kubeconfig.clusters.iter().find(|c| c.name == context.cluster)?.cluster.as_ref()?;
    cluster.proxy_url.clone().filter(|url| !url.is_empty())
}

/// The proxy that a kubeconfig names; else that of the environment (`HTTPS_PROXY`, `NO_PROXY` …), which as in Go never
/// counts for servers of this machine.
fn proxy(config: &Config, own: Option<&str>) -> Option<Intercept> {
    let server = &config.cluster_url;
    match own {
        Some(url) => Matcher::builder().all(url).build().intercept(server),
        None if is_here(server.host().unwrap_or_default()) => None,
        None => Matcher::from_env().intercept(server),
    }
}

fn is_here(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn kubeconfig_error(name: &str, error: &kube::config::KubeconfigError) -> Error {
    Error::Kubeconfig { place: name.to_owned(), why: causes(error) }
}
