//! One look at all findings, and what is written because of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use http::Method;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tracing::{debug, warn};

use super::verdict::{Verdict, verdicts};
use super::{AGAIN, condition};
use crate::api::{Key, Kind};
use crate::base::{Finding, Str};
use crate::model::Survey;
use crate::status::events::{About, Events, Notice};
use crate::status::rights::Right;
use crate::status::server::{Failure, Form, Server};
use crate::status::{Options, Sight};

/// How long a ServiceEntry's condition waits for its addresses.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long something that is not allowed, or not taken, is not tried again.
const DENIED: Duration = Duration::from_secs(300);

/// What stands in an object's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) verdict: Verdict,
    pub(super) uid: Str,
    /// The object's generation when that was looked at.
    pub(super) generation: i64,
}

/// What a writer knows.
pub(super) struct Writer {
    server: Server,
    events: Events,
    options: Options,
    /// What stands in the statuses of Istio's objects.
    said: BTreeMap<Key, Said>,
    /// What was told of Kubernetes' own.
    told: BTreeMap<Key, Verdict>,
    /// What was told of no object.
    mentioned: BTreeSet<String>,
    /// What is not to be tried before then.
    later: BTreeMap<Key, Instant>,
    /// Kinds of which nothing may be written, likewise.
    denied: BTreeMap<Kind, Instant>,
    /// ServiceEntries that wait for their addresses, since then.
    waiting: BTreeMap<Key, Instant>,
}

/// What came of one object.
enum Outcome {
    /// It stands there now; what stood there before.
    Written(Said, Option<Verdict>),
    /// It stood there.
    Stands(Said),
    /// There is no condition of ours any more; there was one just now.
    Removed,
    /// There is none.
    Nothing,
    /// Its addresses come first.
    Waits,
}

impl Writer {
    pub(super) fn new(server: Server, events: Events, options: Options, said: BTreeMap<Key, Said>) -> Self {
        let (told, mentioned) = (BTreeMap::new(), BTreeSet::new());
        let (later, denied, waiting) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { server, events, options, said, told, mentioned, later, denied, waiting }
    }

    /// When something is to be tried again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.later.values().chain(self.denied.values()).min().copied()
    }

    /// Makes what stands in the cluster what follows from these findings.
    pub(super) async fn pass(&mut self, sight: &Sight) {
        let (verdicts, others) = verdicts(&sight.findings);
        let (own, foreign): (BTreeMap<_, _>, BTreeMap<_, _>) =
            verdicts.into_iter().partition(|(key, _)| key.kind.is_istio());
        let now = Instant::now();
        self.later.retain(|_, until| *until > now);
        self.denied.retain(|_, until| *until > now);
        self.waiting.retain(|key, _| own.contains_key(key));
        let keys: BTreeSet<Key> = own.keys().chain(self.said.keys()).cloned().collect();
        for key in keys {
            let verdict = own.get(&key);
            let waits = self.later.contains_key(&key) || self.denied.contains_key(&key.kind);
            if !waits && !self.stands(&key, verdict, &sight.survey) && !self.revise(&key, verdict, &sight.survey).await
            {
                return;
            }
        }
        self.tell_foreign(foreign, &sight.survey).await;
        self.mention(&others, &sight.survey);
    }

    /// Whether nothing is to be done, as far as is known here.
    fn stands(&self, key: &Key, verdict: Option<&Verdict>, survey: &Survey) -> bool {
        let Some(said) = self.said.get(key) else { return verdict.is_none() };
        let same = survey
            .object(key)
            .is_none_or(|object| object.meta.uid == said.uid && object.meta.generation <= said.generation);
        same && verdict == Some(&said.verdict)
    }

    /// Looks at an object in the cluster, and writes if that is needed. False if nobody answers there.
    async fn revise(&mut self, key: &Key, verdict: Option<&Verdict>, survey: &Survey) -> bool {
        match self.put(key, verdict).await {
            Ok(Outcome::Written(said, before)) => {
                self.tell(key, said.uid.clone(), before.as_ref(), verdict);
                self.said.insert(key.clone(), said);
            }
            Ok(Outcome::Stands(said)) => drop(self.said.insert(key.clone(), said)),
            Ok(Outcome::Removed) => {
                let before = self.said.remove(key);
                let uid = before.as_ref().map(|b| b.uid.clone());
                let uid = survey.object(key).map(|o| o.meta.uid.clone()).or(uid).unwrap_or_default();
                self.tell(key, uid, before.map(|b| b.verdict).as_ref(), None);
            }
            Ok(Outcome::Nothing) => drop(self.said.remove(key)),
            Ok(Outcome::Waits) => drop(self.later.insert(key.clone(), Instant::now() + AGAIN / 5)),
            Err(Failure::Missing) => drop(self.said.remove(key)),
            Err(Failure::Forbidden) => drop(self.denied.insert(key.kind, Instant::now() + DENIED)),
            Err(Failure::Conflict) => drop(self.later.insert(key.clone(), Instant::now() + AGAIN)),
            Err(Failure::Unfit(why)) => {
                warn!("the condition of {key} cannot be written: {why}");
                self.later.insert(key.clone(), Instant::now() + DENIED);
            }
            Err(Failure::Away(why)) => {
                debug!("conditions cannot be written now: {why}");
                self.later.insert(key.clone(), Instant::now() + AGAIN);
                return false;
            }
        }
        true
    }

    /// Writes a condition, if it does not stand there. What others write meanwhile makes a conflict; then it is looked at
    /// again, once now and once more later.
    async fn put(&mut self, key: &Key, verdict: Option<&Verdict>) -> Result<Outcome, Failure> {
        match self.put_once(key, verdict).await {
            Err(Failure::Conflict) => self.put_once(key, verdict).await,
            outcome => outcome,
        }
    }

    async fn put_once(&mut self, key: &Key, verdict: Option<&Verdict>) -> Result<Outcome, Failure> {
        let path = self.server.path(key).await.ok_or(Failure::Missing)?;
        let (group, plural) = (key.kind.group(), key.kind.plural());
        let object = self.server.ask(Method::GET, &path, None, &Right::to("get", group, plural)).await?;
        let (meta, status) = (&object["metadata"], &object["status"]);
        let generation = meta["generation"].as_i64().unwrap_or_default();
        let said = |verdict: &Verdict| Said {
            verdict: verdict.clone(),
            uid: meta["uid"].as_str().unwrap_or_default().into(),
            generation,
        };
        let now = serde_json::to_value(Time(Timestamp::now())).unwrap_or_default();
        let now = now.as_str().unwrap_or_default();
        let Some(conditions) = condition::revised(status, verdict, generation, now) else {
            return Ok(verdict.map_or(Outcome::Nothing, |verdict| Outcome::Stands(said(verdict))));
        };
        let usable = verdict.is_some_and(|v| v.reason != "Invalid");
        if self.options.allocate && usable && awaits_addresses(key.kind, &object) && self.waits(key) {
            return Ok(Outcome::Waits);
        }
        let before = condition::read(status);
        let patch =
            json!({"metadata": {"resourceVersion": meta["resourceVersion"]}, "status": {"conditions": conditions}});
        let right = Right::to("patch", group, format!("{plural}/status"));
        let path = format!("{path}/status?fieldManager=mizzen");
        self.server.write("condition", Method::PATCH, &path, (Form::Merge, &patch), &right).await?;
        Ok(verdict.map_or(Outcome::Removed, |verdict| Outcome::Written(said(verdict), before)))
    }

    /// Whether a ServiceEntry still has time to get its addresses.
    fn waits(&mut self, key: &Key) -> bool {
        self.waiting.entry(key.clone()).or_insert_with(Instant::now).elapsed() < PATIENCE
    }

    /// An Event for what a user must see: that an object is not accepted, or is again. Warnings of Istio's objects are
    /// in the condition.
    fn tell(&self, key: &Key, uid: Str, before: Option<&Verdict>, now: Option<&Verdict>) {
        let about = About { key: key.clone(), uid };
        let failed = before.is_some_and(|before| !before.accepted);
        let said = |verdict: &Verdict| (verdict.accepted, verdict.message.clone());
        match now {
            Some(verdict) if !verdict.accepted && before.map(said) != Some(said(verdict)) => {
                self.events.tell(bad(about, verdict));
            }
            Some(Verdict { accepted: true, .. }) | None if failed => self.events.tell(mended(about)),
            _ => {}
        }
    }

    async fn tell_foreign(&mut self, verdicts: BTreeMap<Key, Verdict>, survey: &Survey) {
        let gone: Vec<Key> = self.told.keys().filter(|key| !verdicts.contains_key(*key)).cloned().collect();
        for key in gone {
            self.told.remove(&key);
            if let Some(object) = survey.object(&key) {
                self.events.tell(mended(About::object(object)));
            }
        }
        for (key, verdict) in verdicts {
            if self.told.get(&key) == Some(&verdict) {
                continue;
            }
            let uid = match survey.object(&key) {
                Some(object) => object.meta.uid.clone(),
                None => self.uid(&key).await,
            };
            // An object of another cluster is told of by nobody here.
            if !uid.is_empty() {
                self.events.tell(bad(About { key: key.clone(), uid }, &verdict));
            }
            self.told.insert(key, verdict);
        }
    }

    /// The id of an object that the mesh knows nothing of, as of the ConfigMap with its settings; empty if there is
    /// none in this cluster.
    async fn uid(&self, key: &Key) -> Str {
        let Some(path) = self.server.path(key).await else { return Str::new() };
        let list = path.rsplit_once('/').map_or(path.as_str(), |(list, _)| list);
        let path = format!("{list}?fieldSelector=metadata.name%3D{}", key.name);
        let right = Right::to("list", key.kind.group(), key.kind.plural());
        let list = self.server.ask(Method::GET, &path, None, &right).await.unwrap_or_default();
        list["items"][0]["metadata"]["uid"].as_str().unwrap_or_default().into()
    }

    /// What is about no object, each thing once for as long as it lasts.
    fn mention(&mut self, findings: &[&Finding], survey: &Survey) {
        let now: BTreeSet<String> = findings.iter().map(|f| format!("{}{}", f.code, f)).collect();
        let pod = Key::new(Kind::Pod, self.options.namespace.as_str().into(), self.options.pod.as_str().into());
        let uid = survey.object(&pod).map(|pod| pod.meta.uid.clone()).unwrap_or_default();
        for finding in findings.iter().filter(|f| !self.mentioned.contains(&format!("{}{f}", f.code))) {
            let about = About { key: pod.clone(), uid: uid.clone() };
            let note = finding.to_string();
            self.events.tell(Notice { about, warning: true, reason: word(finding.code), note });
        }
        self.mentioned = now;
    }
}

fn bad(about: About, verdict: &Verdict) -> Notice {
    Notice { about, warning: true, reason: verdict.reason.clone(), note: verdict.message.clone() }
}

fn mended(about: About) -> Notice {
    let note = "what was wrong is mended".to_owned();
    Notice { about, warning: false, reason: "Accepted".to_owned(), note }
}

/// `held-list` as `HeldList`.
fn word(code: &str) -> String {
    let upper = |part: &str| part[..1].to_ascii_uppercase() + &part[1..];
    code.split('-').filter(|part| !part.is_empty()).map(upper).collect()
}

/// Whether somebody is about to give addresses to a ServiceEntry. istiod's patch cannot add them to a status that has
/// something else (`ipallocate.go`: `replace` where nothing is fails, and so does the second patch, which tests that
/// there is no status), so that a condition which comes first would keep them away for good.
fn awaits_addresses(kind: Kind, object: &Value) -> bool {
    const LABEL: &str = "networking.istio.io/enable-autoallocate-ip";
    if kind != Kind::ServiceEntry {
        return false;
    }
    let (spec, status) = (&object["spec"], &object["status"]);
    let empty = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
    let resolution = spec["resolution"].as_str().unwrap_or("NONE");
    let out = object["metadata"]["labels"][LABEL].as_str().is_some_and(|v| v.eq_ignore_ascii_case("false"));
    let wild = |host: &Value| host.as_str().is_some_and(|host| host.starts_with('*'));
    let named = spec["hosts"].as_array().is_some_and(|hosts| hosts.iter().any(|host| !wild(host)));
    empty(&status["addresses"])
        && empty(&spec["addresses"])
        && resolution != "NONE"
        && (named || resolution == "DYNAMIC_DNS")
        && !out
}
