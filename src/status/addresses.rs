//! `status.addresses` of ServiceEntries: what the model gave, in istiod's words (`pilot/pkg/controllers/ipallocate`).
//!
//! The model reads a status before it gives anything, and adopts it; so what stands there already is never moved, all
//! replicas agree once it stands there, and a new leader goes on where the last one was killed.

mod wanted;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::Method;
use tokio::sync::watch;
use tracing::{debug, warn};

use super::events::{About, Events, Notice};
use super::rights::Right;
use super::server::{Failure, Form, Server};
use crate::api::service_entry::Allocated;
use crate::api::{Key, Kind, Object, Spec};
use crate::base::Str;
use crate::model::Survey;

/// istiod's lock for the same.
pub(super) const LOCK: &str = "istio-ip-autoallocate";

/// When something is tried again that the mesh still shows as it was: a write that was refused, or one whose result
/// does not come back.
const AGAIN: Duration = Duration::from_secs(10);

/// What was written last, and not yet seen.
struct Written {
    uid: Str,
    from: Vec<Allocated>,
    to: Vec<Allocated>,
    until: Instant,
}

/// Writes until it is dropped.
pub(super) async fn write(server: Server, mut meshes: watch::Receiver<Option<Survey>>, events: Events) {
    let mut written = BTreeMap::new();
    loop {
        let mesh = meshes.borrow_and_update().clone();
        if let Some(mesh) = mesh {
            pass(&server, &mesh, &events, &mut written).await;
        }
        let next = written.values().map(|w: &Written| w.until).min();
        let again = async {
            match next {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = meshes.changed() => if changed.is_err() {
                return std::future::pending().await;
            },
            () = again => {}
        }
    }
}

async fn pass(server: &Server, mesh: &Survey, events: &Events, written: &mut BTreeMap<Key, Written>) {
    let mut due = Vec::new();
    let now = Instant::now();
    written.retain(|_, last| last.until > now);
    for object in mesh.of_kind(Kind::ServiceEntry) {
        let Spec::ServiceEntry(entry) = &object.spec else { continue };
        let Some(to) = wanted::wanted(&object.meta, entry, mesh.allocations()) else { continue };
        let same = |last: &Written| last.uid == object.meta.uid && last.from == entry.allocated && last.to == to;
        if !written.get(&object.key()).is_some_and(same) {
            due.push((object, &entry.allocated, to));
        }
    }
    for (object, from, to) in due {
        let outcome = put(server, object, from, &to).await;
        if outcome.is_ok() {
            for (host, address) in wanted::moved(from, &to) {
                events.tell(conflict(object, mesh, host, address, &to));
            }
        }
        let until = Instant::now() + AGAIN;
        written.insert(object.key(), Written { uid: object.meta.uid.clone(), from: from.clone(), to, until });
        match outcome {
            Ok(()) | Err(Failure::Missing | Failure::Conflict) => {}
            // Most likely it has just become another, and comes again.
            Err(Failure::Unfit(why)) => debug!("the addresses of {} are not written: {why}", object.key()),
            // The next would fare no better.
            Err(Failure::Forbidden) => return,
            Err(Failure::Away(why)) => return warn!("addresses cannot be written now: {why}"),
        }
    }
}

/// One of the patches fits, unless the object is no longer what it was.
async fn put(server: &Server, object: &Object, from: &[Allocated], to: &[Allocated]) -> Result<(), Failure> {
    let key = object.key();
    let path = server.path(&key).await.ok_or(Failure::Missing)?;
    let right = Right::to("patch", key.kind.group(), format!("{}/status", key.kind.plural()));
    let mut outcome = Err(Failure::Missing);
    for patch in wanted::patches(from, to) {
        let path = format!("{path}/status?fieldManager=mizzen");
        outcome = server.write("addresses", Method::PATCH, &path, (Form::Operations, &patch), &right).await.map(drop);
        if !matches!(outcome, Err(Failure::Unfit(_))) {
            break;
        }
    }
    outcome
}

/// An address that had to be given up.
fn conflict(object: &Object, mesh: &Survey, host: &Str, address: &Str, to: &[Allocated]) -> Notice {
    let other = match mesh.allocations().holder(address) {
        Some((namespace, name)) => format!("is also that of ServiceEntry {namespace}/{name}, which is older"),
        None => "is one that a user wrote into a ServiceEntry's spec.addresses".to_owned(),
    };
    let now: Vec<&str> = to.iter().filter(|a| a.host == *host).map(|a| a.value.as_str()).collect();
    let note = format!("the virtual address {address} of {host} {other}; it has {} now", now.join(" and "));
    Notice { about: About::object(object), warning: true, reason: "AddressConflict".to_owned(), note }
}
