//! Which kinds of Istio the API server serves, and in which versions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use serde::Deserialize;
use tokio::sync::{Notify, watch};

use super::client::{Client, Error};
use crate::api::Kind;

/// How often it is asked while a CRD is missing. As long as nothing is new, the answer has no body.
const PATIENT: Duration = Duration::from_secs(5);
/// How often it is asked when all that are wanted are there.
const CONTENT: Duration = Duration::from_secs(600);
/// All groups in one answer (Kubernetes 1.27 and later).
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
     application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// The version in which each kind is read. Kinds that are not served are absent.
pub(super) type Served = BTreeMap<Kind, &'static str>;

/// What is known of what is served; `None` until the first answer.
pub(super) type Known = watch::Receiver<Option<Arc<Served>>>;

/// Asks again and again until nobody wants to know; `nudge` asks at once.
pub(super) async fn run(
    client: Arc<Client>,
    wanted: Vec<Kind>,
    known: watch::Sender<Option<Arc<Served>>>,
    nudge: Arc<Notify>,
) {
    let mut failures = super::backoff::Backoff::new();
    let (mut tag, mut complete) = (None, false);
    loop {
        let wait = match ask(&client, &mut tag).await {
            Ok(served) => {
                failures.reset();
                complete = wanted.iter().all(|kind| served.contains_key(kind));
                let served = Some(Arc::new(served));
                known.send_if_modified(|last| {
                    let changed = *last != served;
                    last.clone_from(&served);
                    changed
                });
                if complete { CONTENT } else { PATIENT }
            }
            // It is what it was.
            Err(error) if error.code() == 304 => {
                if complete {
                    CONTENT
                } else {
                    PATIENT
                }
            }
            Err(_) => failures.wait(),
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // A CRD that was just removed is still served for a moment.
            () = nudge.notified() => tokio::time::sleep(Duration::from_millis(200)).await,
            () = known.closed() => return,
        }
    }
}

async fn ask(client: &Client, tag: &mut Option<HeaderValue>) -> Result<Served, Error> {
    let answer = client.read("/apis", AGGREGATED, tag.as_ref()).await?;
    let aggregated = answer.kind.is_some_and(|k| k.to_str().is_ok_and(|k| k.contains("APIGroupDiscoveryList")));
    if aggregated {
        let list: Aggregated = parse(&answer.body)?;
        *tag = answer.tag;
        return Ok(chosen(|kind, version| list.serves(kind, version)));
    }
    // An older server: one request for each version of each group.
    let mut serves = Vec::new();
    let mut asked = Vec::new();
    for kind in Kind::all().filter(|kind| !kind.group().is_empty()) {
        for version in kind.versions() {
            let group = format!("{}/{version}", kind.group());
            if asked.contains(&group) {
                continue;
            }
            match client.read(&format!("/apis/{group}"), "application/json", None).await {
                Ok(answer) => serves.push((kind.group(), *version, parse::<Resources>(&answer.body)?)),
                Err(e) if e.code() == 404 => {}
                Err(e) => return Err(e),
            }
            asked.push(group);
        }
    }
    Ok(chosen(|kind, version| {
        let named = |r: &Named| r.name == kind.plural();
        serves.iter().any(|(g, v, list)| *g == kind.group() && *v == version && list.resources.iter().any(named))
    }))
}

/// The first version of each kind that is served.
fn chosen(serves: impl Fn(Kind, &str) -> bool) -> Served {
    let version = |kind: Kind| match kind.group() {
        "" => Some("v1"),
        _ => kind.versions().iter().copied().find(|version| serves(kind, version)),
    };
    Kind::all().filter_map(|kind| Some((kind, version(kind)?))).collect()
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|e| Error::Unreachable(format!("what is served cannot be read: {e}")))
}

#[derive(Deserialize)]
struct Aggregated {
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    metadata: Named,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<Plural>,
}

#[derive(Deserialize)]
struct Plural {
    resource: String,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    resources: Vec<Named>,
}

impl Aggregated {
    fn serves(&self, kind: Kind, version: &str) -> bool {
        let group = self.items.iter().filter(|g| g.metadata.name == kind.group());
        let versions = group.flat_map(|g| &g.versions).filter(|v| v.version == version);
        versions.flat_map(|v| &v.resources).any(|r| r.resource == kind.plural())
    }
}
