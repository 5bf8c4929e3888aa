//! The condition `Accepted` on Istio's objects with which something is wrong, and Events of whatever is wrong.
//!
//! An object with which nothing is wrong has no such condition, whether there ever was something or not: a condition
//! that nobody looks after would be a lie once mizzen is gone or the object has changed, and most objects are never
//! written at all. So it comes with the first finding, changes with them, and goes with the last. Kubernetes' own kinds
//! have no place for it and get Events only; what is about no object is told of mizzen's own Pod.
//!
//! A writer that begins reads all conditions once, so that it writes nothing that stands there and takes away what its
//! predecessor left. Objects of other revisions are theirs. The lock is one for all revisions, as are istiod's for what it
//! writes to Istio's objects (`istio-status-leader`, `istio-analyze-leader`; those per revision are for the Gateway API
//! alone, `pilot/pkg/bootstrap/configcontroller.go`): what is labelled for no revision is read by all, and two writers
//! would disagree about it. So objects have conditions only while a replica of their own revision holds the lock.

mod condition;
mod pass;
mod recall;
mod verdict;

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::events::Events;
use super::server::Server;
use super::{Options, Sight};

/// istiod's lock for writing status to objects.
pub(super) const LOCK: &str = "istio-status-leader";

/// When what went wrong is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// Writes until it is dropped.
pub(super) async fn write(
    server: Server,
    mut sights: watch::Receiver<Option<Sight>>,
    events: Events,
    options: Options,
) {
    let said = loop {
        match recall::all(&server, &options.revision).await {
            Some(said) => break said,
            None => tokio::time::sleep(AGAIN).await,
        }
    };
    let mut writer = pass::Writer::new(server, events, options, said);
    loop {
        let sight = sights.borrow_and_update().clone();
        if let Some(sight) = sight {
            writer.pass(&sight).await;
        }
        let again = async {
            match writer.due() {
                Some(at) => tokio::time::sleep_until(at.max(Instant::now()).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = sights.changed() => if changed.is_err() {
                return std::future::pending().await;
            },
            () = again => {}
        }
    }
}
