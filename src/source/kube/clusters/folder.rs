//! Kubeconfigs of remote clusters in a folder (`PILOT_MULTICLUSTER_KUBECONFIG_PATH`), which are read in place of Secrets.
//!
//! As in istiod (`pkg/kube/multicluster/kubeconfig_files.go`), each `.yaml` or `.yml` is the kubeconfig of one cluster, and
//! says itself what that is called. What cannot be read, or is no kubeconfig, stays what it last was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kube::config::Kubeconfig;
use tokio::sync::mpsc;

use super::told;
use crate::api::secret::Secret;
use crate::api::{Key, Kind, Meta, Object, Spec};
use crate::base::{Finding, Namespace, Severity, Str};
use crate::source::Event;
use crate::source::files::walk::walk;

/// How often it is looked at: the few files are read in less than a millisecond, on every file system, and kubelet takes
/// a minute to bring a change.
const AGAIN: Duration = Duration::from_secs(1);

/// What a file holds, or why it cannot be read.
type Content = Result<Vec<u8>, String>;

/// What there is; or why that cannot be found out.
type Look = Result<BTreeMap<PathBuf, Content>, String>;

/// The folder, and what its files last said.
pub(super) struct Folder {
    path: PathBuf,
    looks: mpsc::Receiver<Look>,
    known: BTreeMap<PathBuf, Arc<Object>>,
    findings: Vec<Finding>,
    read: bool,
}

impl Folder {
    /// Looks at it from now on, in a task of its own.
    pub(super) fn open(path: PathBuf) -> Self {
        let (sender, looks) = mpsc::channel(1);
        tokio::spawn(look_again_and_again(path.clone(), sender));
        Self { path, looks, known: BTreeMap::new(), findings: Vec::new(), read: false }
    }

    /// Whether it was looked at once.
    pub(super) fn is_read(&self) -> bool {
        self.read
    }

    /// What is wrong with it.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter()
    }

    /// What happened to its files, as if they were Secrets.
    fn take(&mut self, look: Look) -> Vec<Event> {
        self.read = true;
        self.findings.clear();
        let wrong = |path: &Path, code, why: &str| told::finding(&key(path), &Str::new(), Severity::Error, code, why);
        let files = match look {
            Ok(files) => files,
            Err(why) => {
                let text =
                    format!("the folder of kubeconfigs cannot be read: {why}; what was last read stays in force");
                self.findings.push(wrong(&self.path, "unreadable", &text));
                return Vec::new();
            }
        };
        let hidden = |path: &Path| path.ancestors().any(|above| files.get(above).is_some_and(Result::is_err));
        let gone = self.known.keys().filter(|path| !files.contains_key(*path) && !hidden(path));
        let gone: Vec<PathBuf> = gone.cloned().collect();
        let gone = gone.into_iter().filter_map(|path| self.known.remove(&path));
        let mut events: Vec<Event> = gone.map(|object| Event::Delete(object.key())).collect();
        for (path, content) in files {
            match content.map(|text| secret(&path, &text)) {
                // It has been created, and is not written yet.
                Ok(None) => {}
                Ok(Some(Ok(object))) if self.known.get(&path) == Some(&object) => {}
                Ok(Some(Ok(object))) => {
                    events.push(Event::Upsert(object.clone()));
                    self.known.insert(path, object);
                }
                Ok(Some(Err(why))) => self.findings.push(wrong(&path, "bad-kubeconfig", why)),
                Err(why) => self.findings.push(wrong(&path, "unreadable", &format!("the file cannot be read: {why}"))),
            }
        }
        events
    }
}

/// Waits until something happened in a folder; for ever, where there is none. May be dropped and asked again without loss.
pub(super) async fn changed(folder: &mut Option<Folder>) -> Vec<Event> {
    let Some(folder) = folder else { return std::future::pending().await };
    match folder.looks.recv().await {
        Some(look) => folder.take(look),
        None => std::future::pending().await,
    }
}

async fn look_again_and_again(path: PathBuf, looks: mpsc::Sender<Look>) {
    let mut last = None;
    loop {
        let folder = path.clone();
        let Ok(look) = tokio::task::spawn_blocking(move || look_at(&folder)).await else { return };
        if last.as_ref() != Some(&look) {
            if looks.send(look.clone()).await.is_err() {
                return;
            }
            last = Some(look);
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = looks.closed() => return,
        }
    }
}

fn look_at(folder: &Path) -> Look {
    let tree = walk(folder).map_err(|error| error.to_string())?;
    let files = tree.files.into_keys().filter(|path| is_kubeconfig(path));
    let files = files.map(|path| {
        let content = std::fs::read(&path).map_err(|error| error.to_string());
        (path, content)
    });
    let problems = tree.problems.into_iter().map(|(path, error)| (path, Err(error.to_string())));
    Ok(files.chain(problems).collect())
}

fn is_kubeconfig(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

fn key(path: &Path) -> Key {
    Key::new(Kind::Secret, Namespace::default(), path.to_string_lossy().into_owned().into())
}

/// The kubeconfig as if it were in a Secret; none if the file is empty. No word of it in what is wrong.
fn secret(path: &Path, text: &[u8]) -> Option<Result<Arc<Object>, &'static str>> {
    let text = String::from_utf8_lossy(text);
    if text.trim().is_empty() {
        return None;
    }
    let Ok(kubeconfig) = Kubeconfig::from_yaml(&text) else { return Some(Err("the kubeconfig cannot be read")) };
    let Some(id) = cluster_of(&kubeconfig) else { return Some(Err("the kubeconfig names no cluster")) };
    let data = BTreeMap::from([(id, text.as_bytes().into())]);
    let meta = Meta { name: key(path).name, ..Meta::default() };
    Some(Ok(Arc::new(Object { meta, spec: Spec::Secret(Secret { data, ..Secret::default() }), file: None })))
}

/// What the cluster is called: by the current context, else by the first context that names one, else by the first name.
fn cluster_of(kubeconfig: &Kubeconfig) -> Option<Str> {
    let mut contexts: Vec<(&str, &str)> = kubeconfig
        .contexts
        .iter()
        .filter_map(|named| Some((named.name.as_str(), named.context.as_ref()?.cluster.as_str())))
        .filter(|(_, cluster)| !cluster.is_empty())
        .collect();
    contexts.sort_unstable();
    let current = contexts.iter().find(|(name, _)| kubeconfig.current_context.as_deref() == Some(name));
    let first = current.or_else(|| contexts.first()).map(|(_, cluster)| *cluster);
    let named = kubeconfig.clusters.iter().map(|named| named.name.as_str()).filter(|name| !name.is_empty()).min();
    first.or(named).map(Str::from)
}

#[cfg(test)]
mod tests;
