//! Events: what `kubectl describe` shows below an object.
//!
//! An Event is named by what it says of which object, so that a replica that takes over, or starts anew, does not say it
//! again: it is there already. What happens again within one life of a replica is counted in its series. Both that and
//! the limits are client-go's, which knows them per process.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::Method;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::bucket::Bucket;
use super::rights::Right;
use super::server::{Failure, Form, Server};
use crate::api::{Key, Object};
use crate::base::{Digest, Str};

const CONTROLLER: &str = "mizzen";
const GROUP: &str = "events.k8s.io";
/// Of one object: as client-go, so many at once and one more every five minutes.
const OF_OBJECT: (u32, Duration) = (25, Duration::from_secs(300));
/// Of all.
const OF_ALL: (u32, Duration) = (50, Duration::from_millis(200));
/// What happens again sooner is counted, and written with the next: a thousand proxies may refuse one thing.
const OFTEN: Duration = Duration::from_secs(1);
/// How many wait; more are dropped.
const WAITING: usize = 4096;
/// How many are remembered as told.
const REMEMBERED: usize = 20_000;
/// Kubernetes' limits, in bytes.
const LONGEST_NOTE: usize = 1024;
const LONGEST_NAME: usize = 253;

/// The object that something is said of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    pub(super) key: Key,
    pub(super) uid: Str,
}

impl About {
    pub(super) fn object(object: &Object) -> Self {
        Self { key: object.key(), uid: object.meta.uid.clone() }
    }
}

/// Something that a user must see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) about: About,
    /// Whether it is something bad.
    pub(super) warning: bool,
    /// One word.
    pub(super) reason: String,
    /// A sentence.
    pub(super) note: String,
}

/// Where notices are handed in.
#[derive(Clone)]
pub(super) struct Events(Sender<Notice>);

impl Events {
    /// Hands it in; it is sent when its turn comes.
    pub(super) fn tell(&self, notice: Notice) {
        if let Err(lost) = self.0.try_send(notice) {
            debug!("too many events at once; lost: {lost}");
        }
    }
}

/// Starts to send, until told to stop; then what waits is sent still.
pub(super) fn spawn(server: Server, instance: &str, stop: CancellationToken, running: &mut JoinSet<()>) -> Events {
    let (sender, inbox) = channel(WAITING);
    running.spawn(run(server, truncated(instance, 128).to_owned(), inbox, stop));
    Events(sender)
}

async fn next(inbox: &mut Receiver<Notice>, stop: &CancellationToken) -> Option<Notice> {
    match stop.run_until_cancelled(inbox.recv()).await {
        Some(notice) => notice,
        None => inbox.try_recv().ok(),
    }
}

async fn run(server: Server, instance: String, mut inbox: Receiver<Notice>, stop: CancellationToken) {
    // How often, and when it was last written.
    let mut told: BTreeMap<String, (i32, Instant)> = BTreeMap::new();
    let mut objects: BTreeMap<Key, Bucket> = BTreeMap::new();
    let mut all = Bucket::new(OF_ALL.0, OF_ALL.1, Instant::now());
    while let Some(notice) = next(&mut inbox, &stop).await {
        let now = Instant::now();
        let name = name(&notice);
        if let Some((times, last)) = told.get_mut(&name)
            && now.duration_since(*last) < OFTEN
        {
            *times += 1;
            continue;
        }
        objects.retain(|_, bucket| !bucket.is_full(now));
        let own = objects.entry(notice.about.key.clone());
        if !own.or_insert_with(|| Bucket::new(OF_OBJECT.0, OF_OBJECT.1, now)).take(now) {
            debug!("too much is said of {}; lost: {}", notice.about.key, notice.note);
            continue;
        }
        tokio::time::sleep(all.wait(now)).await;
        if told.len() > REMEMBERED {
            told.clear();
        }
        let (times, last) = told.entry(name.clone()).or_insert((0, now));
        (*times, *last) = (*times + 1, now);
        if let Err(Failure::Away(why)) = send(&server, &instance, &name, &notice, *times).await {
            warn!("an event of {} cannot be written: {why}", notice.about.key);
        }
    }
}

/// Says it, or that it is so again.
async fn send(server: &Server, instance: &str, name: &str, notice: &Notice, times: i32) -> Result<(), Failure> {
    let list = format!("/apis/{GROUP}/v1/namespaces/{}/events", namespace(notice));
    let now = MicroTime(Timestamp::now());
    if times > 1 {
        let series = json!({"series": EventSeries { count: times, last_observed_time: now.clone() }});
        let path = format!("{list}/{name}");
        let right = Right::to("patch", GROUP, "events");
        match server.write("event", Method::PATCH, &path, (Form::Merge, &series), &right).await {
            // It was too long ago.
            Err(Failure::Missing) => {}
            result => return result.map(drop),
        }
    }
    let event = event(instance, name, notice, now);
    let right = Right::to("create", GROUP, "events");
    match server.write("event", Method::POST, &list, (Form::Whole, &event), &right).await {
        // Another replica, or an earlier life of this one, has said so.
        Err(Failure::Conflict) => Ok(()),
        result => result.map(drop),
    }
}

fn event(instance: &str, name: &str, notice: &Notice, now: MicroTime) -> Value {
    let About { key, uid } = &notice.about;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let event = Event {
        action: Some("Read".to_owned()),
        event_time: Some(now),
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace(notice).to_owned()),
            ..ObjectMeta::default()
        },
        note: Some(truncated(&notice.note, LONGEST_NOTE).to_owned()),
        reason: Some(notice.reason.clone()),
        regarding: Some(ObjectReference {
            api_version: Some(key.kind.api_version()),
            kind: Some(key.kind.as_str().to_owned()),
            name: Some(key.name.to_string()),
            namespace: some(&key.namespace),
            uid: some(uid),
            ..ObjectReference::default()
        }),
        reporting_controller: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(instance.to_owned()),
        type_: Some(if notice.warning { "Warning" } else { "Normal" }.to_owned()),
        ..Event::default()
    };
    serde_json::to_value(event).unwrap_or_default()
}

/// Events of objects of the cluster are in `default`.
fn namespace(notice: &Notice) -> &str {
    let namespace = notice.about.key.namespace.as_str();
    if namespace.is_empty() { "default" } else { namespace }
}

/// The object's name, and a digest of all that is said.
fn name(notice: &Notice) -> String {
    let About { key, uid } = &notice.about;
    let said = format!("{key}\n{uid}\n{}\n{}\n{}", notice.warning, notice.reason, notice.note);
    let digest: String = Digest::of_bytes(said.as_bytes()).0[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}.{digest}", truncated(&key.name, LONGEST_NAME - 17).trim_end_matches(['.', '-']))
}

/// The beginning of a text that is too long.
fn truncated(text: &str, longest: usize) -> &str {
    let ends = text.char_indices().map(|(at, char)| at + char.len_utf8());
    &text[..ends.take_while(|end| *end <= longest).last().unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Kind;

    fn notice(note: &str) -> Notice {
        let key = Key::new(Kind::VirtualService, "shop".into(), "x".into());
        let about = About { key, uid: "u-1".into() };
        Notice { about, warning: true, reason: "Errors".to_owned(), note: note.to_owned() }
    }

    #[test]
    fn what_says_the_same_has_one_name_and_what_says_another_thing_another() {
        assert_eq!(name(&notice("a")), name(&notice("a")));
        assert_ne!(name(&notice("a")), name(&notice("b")));
        let mut reborn = notice("a");
        reborn.about.uid = "u-2".into();
        assert_ne!(name(&notice("a")), name(&reborn), "an object that was made anew is another");
    }

    #[test]
    fn a_note_that_is_too_long_is_cut_between_characters() {
        let long = "ä".repeat(LONGEST_NOTE);
        let event = event("pod", "x.1", &notice(&long), MicroTime(Timestamp::now()));
        let note = event["note"].as_str().unwrap();
        assert_eq!(note.len(), LONGEST_NOTE);
        assert!(long.starts_with(note));
    }
}
