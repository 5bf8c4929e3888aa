//! `overview`: how the control plane stands.

use std::collections::BTreeMap;

use serde::Serialize;

use super::findings::Counts;
use super::proxies::{Tally, tally};
use super::services::{Endpoints, health};
use crate::base::{Finding, Str};
use crate::debug::{Client, Cluster};
use crate::model::Survey;

/// What the program knows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// mizzen's version.
    pub mizzen: &'static str,
    /// The version of Istio whose behaviour it has.
    pub istio: &'static str,
    /// The name of this replica.
    pub replica: String,
    /// Which of several control planes this is; empty if nothing is said.
    pub revision: String,
    /// Where metrics of calls are, if that was told.
    pub prometheus: Option<String>,
    /// What is waited for before proxies are served.
    pub missing: Vec<&'static str>,
    /// The locks by which one replica of all writes to the cluster at a time; none where the mesh is a folder.
    pub locks: Vec<Lock>,
    /// The remote clusters that are read.
    pub remote: Vec<Cluster>,
}

/// A lock, as this replica knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    /// Its name.
    pub name: &'static str,
    /// What its holder writes.
    pub writes: &'static str,
    /// Who holds it, as far as is known; empty for nobody.
    pub holder: String,
    /// Whether that is this replica; it waits otherwise.
    pub ours: bool,
}

/// `GET /ui/api/overview`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// What the program knows of itself.
    #[serde(flatten)]
    pub about: About,
    /// Whether proxies are served.
    pub ready: bool,
    /// How many batches of changes were taken in.
    pub batch: u64,
    /// The name of the own cluster.
    pub cluster: Str,
    /// How many objects there are of each kind, most first.
    pub objects: Vec<(&'static str, usize)>,
    /// How many services there are.
    pub services: usize,
    /// How many endpoints they have.
    pub endpoints: Endpoints,
    /// How proxies stand.
    pub proxies: Tally,
    /// How many findings there are.
    pub findings: Counts,
}

/// How everything stands. Looks at every object.
pub fn overview(about: About, survey: &Survey, clients: &[Client], findings: &[Finding]) -> Overview {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for object in survey.objects() {
        *kinds.entry(object.kind().as_str()).or_default() += 1;
    }
    let mut objects: Vec<_> = kinds.into_iter().collect();
    objects.sort_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
    let snapshot = survey.snapshot();
    let mut endpoints = Endpoints::default();
    snapshot.endpoints().for_each(|(_, list)| endpoints.add(health(list)));
    Overview {
        ready: about.missing.is_empty(),
        about,
        batch: snapshot.revision,
        cluster: snapshot.mesh.cluster.clone(),
        objects,
        services: snapshot.services().count(),
        endpoints,
        proxies: tally(clients),
        findings: Counts::of(findings.iter()),
    }
}
