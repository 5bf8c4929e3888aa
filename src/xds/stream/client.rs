//! A client that was admitted: requests and publications go to the protocol, and responses to the transport.

use std::pin::Pin;

use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};
use tonic::{Code, Status};
use tracing::{debug, warn};

use crate::wire::ResourceType;
use crate::xds::body::{Chunks, Piece};
use crate::xds::connections::OpenConnection;
use crate::xds::directory::{Directory, Subscription};
use crate::xds::incoming::Incoming;
use crate::xds::protocol::{Labels, Note, Session, Wait};
use crate::xds::request::{Face, Request};
use crate::xds::response::Response;
use crate::xds::service::Shared;

use super::{Ends, closing};

/// A client that was admitted.
pub(super) struct Client<'a, D> {
    shared: &'a Shared<D>,
    pub(super) connection: OpenConnection,
    session: Session,
    subscription: Subscription,
    sending: Option<Sending>,
    /// What the protocol waits for, and for how much longer.
    waiting: Option<(Wait, Pin<Box<Sleep>>)>,
    /// The latest revision that the client was sent in full.
    delivered: u64,
    /// Whether something was sent since.
    pushed: bool,
    /// The latest revision of which the client has answered every response.
    answered: u64,
}

/// A response on its way to the transport.
struct Sending {
    kind: ResourceType,
    bytes: usize,
    chunks: Chunks,
    begun: Instant,
    /// When the client last took something.
    moved: Instant,
}

impl Sending {
    fn new(response: Response) -> Self {
        let (kind, bytes) = (response.kind, response.encoded_len());
        let now = Instant::now();
        Self { kind, bytes, chunks: Chunks::new(response, bytes), begun: now, moved: now }
    }
}

impl<'a, D: Directory> Client<'a, D> {
    pub(super) fn new(
        shared: &'a Shared<D>,
        connection: OpenConnection,
        mut subscription: Subscription,
        face: Face,
    ) -> Self {
        let publication = subscription.publications.borrow_and_update().clone();
        let delivered = publication.revision;
        let labels = Labels {
            nonce: format!("{}/{}/", shared.epoch, connection.id).into(),
            version: format!("{}/", shared.epoch).into(),
        };
        let session = Session::new(face, subscription.cache.clone(), labels, publication);
        Self {
            shared,
            connection,
            session,
            subscription,
            sending: None,
            waiting: None,
            delivered,
            pushed: false,
            answered: 0,
        }
    }

    /// Runs until the client leaves, or has to.
    pub(super) async fn pump<B: Incoming>(&mut self, ends: &mut Ends<B>) -> Result<(), Status> {
        loop {
            if self.sending.is_none() {
                self.sending = self.next_response();
            }
            self.mind_waiting();
            let idle = self.sending.is_none();
            let stalled =
                self.sending.as_ref().map_or_else(Instant::now, |s| s.moved) + self.shared.options.write_timeout;
            tokio::select! {
                biased;
                () = ends.closing.cancelled(), if idle => return Err(closing()),
                // Requests are taken in even while a response is written: a client may not read before it was heard.
                request = ends.requests.next() => match request? {
                    Some(request) => self.on_request(&request)?,
                    None => return Ok(()),
                },
                room = ends.pieces.reserve(), if !idle => match room {
                    Ok(room) => self.send_chunk(room),
                    Err(_) => return Ok(()),
                },
                () = tokio::time::sleep_until(stalled), if !idle => {
                    self.shared.metrics.write_timeout();
                    self.sending.iter().for_each(|sending| self.shared.metrics.not_pushed(sending.kind));
                    return Err(Status::deadline_exceeded("the client does not read"));
                }
                changed = self.subscription.publications.changed() => match changed {
                    Ok(()) => self.on_publication(),
                    Err(_) => return Err(closing()),
                },
                () = ends.pieces.closed(), if idle => return Ok(()),
                wait = patience(&mut self.waiting) => self.give_up(wait),
            }
        }
    }

    fn next_response(&mut self) -> Option<Sending> {
        let response = self.session.poll_response();
        if response.is_none() {
            self.note_delivery();
            self.note_answers();
        }
        let response = response?;
        debug!(id = %self.connection.id, kind = response.kind.short(), nonce = %response.nonce,
            resources = response.resources.len(), removed = response.removed.len(), "push");
        self.connection.update(response.kind, self.session.state(response.kind), true);
        self.pushed = true;
        Some(Sending::new(response))
    }

    fn send_chunk(&mut self, room: mpsc::Permit<'_, Piece>) {
        let Some(sending) = &mut self.sending else { return };
        if let Some(chunk) = sending.chunks.next() {
            sending.moved = Instant::now();
            room.send(Piece::Data(chunk));
            return;
        }
        self.shared.metrics.pushed(sending.kind, sending.bytes, sending.begun.elapsed());
        self.sending = None;
    }

    pub(super) fn on_request(&mut self, request: &Request) -> Result<(), Status> {
        self.shared.metrics.received(request.len);
        let note = self.session.on_request(request).map_err(|v| Status::resource_exhausted(v.to_string()))?;
        let id = &self.connection.id;
        let kind = match note {
            Note::Subscribed(kind) | Note::Accepted(kind) => kind,
            Note::Stale(kind) => {
                debug!(%id, kind = kind.short(), nonce = &*request.nonce, "answer to a response that is not the latest");
                self.shared.metrics.expired_nonce(kind);
                kind
            }
            Note::Refused(kind, ref rejection) => {
                warn!(%id, kind = kind.short(), nonce = %rejection.nonce, resources = ?rejection.names,
                    "the proxy refuses configuration: {}", rejection.message);
                self.shared.metrics.rejected(kind, self.connection.node.proxy(), code_name(rejection.code));
                self.subscription.guard.refused(kind, rejection);
                kind
            }
            Note::Ignored => {
                debug!(%id, type_url = &*request.type_url, "a type that is not served");
                return Ok(());
            }
        };
        self.connection.update(kind, self.session.state(kind), false);
        Ok(())
    }

    fn on_publication(&mut self) {
        let publication = self.subscription.publications.borrow_and_update().clone();
        if let Some(times) = self.shared.directory.times(publication.revision) {
            self.shared.metrics.queued(times.published.elapsed());
        }
        self.session.on_publication(publication);
    }

    /// Measures how long a revision took to get here, if it changed anything for this client.
    fn note_delivery(&mut self) {
        let Some(revision) = self.session.delivered().filter(|r| *r > self.delivered) else { return };
        self.delivered = revision;
        if std::mem::take(&mut self.pushed)
            && let Some(times) = self.shared.directory.times(revision)
        {
            self.shared.metrics.converged(times.began.elapsed());
        }
    }

    /// Tells that a revision is answered in full.
    fn note_answers(&mut self) {
        if let Some(revision) = self.session.answered().filter(|r| *r > self.answered) {
            self.answered = revision;
            self.subscription.guard.answered(revision);
        }
    }

    /// Starts to wait for what the protocol waits for, once it has been written in full.
    fn mind_waiting(&mut self) {
        let wait = self.session.waiting().filter(|_| self.sending.is_none());
        if self.waiting.as_ref().map(|(w, _)| *w) != wait {
            self.waiting = wait.map(|wait| (wait, Box::pin(sleep(self.shared.options.patience))));
        }
    }

    fn give_up(&mut self, wait: Wait) {
        match wait {
            Wait::Answer(number) => warn!(id = %self.connection.id, number,
                "the proxy has not answered a response in time, perhaps because a cluster does not get ready; what waits for it is sent now"),
            Wait::Requests => debug!(id = %self.connection.id, "the proxy came back without listeners or routes"),
        }
        self.session.give_up(wait);
    }
}

/// Resolves when the patience for what is waited for is at its end; never, if nothing is.
async fn patience(waiting: &mut Option<(Wait, Pin<Box<Sleep>>)>) -> Wait {
    match waiting {
        Some((wait, sleep)) => {
            sleep.await;
            *wait
        }
        None => std::future::pending().await,
    }
}

/// The name of a gRPC status as Go writes it, which istiod's metrics carry.
fn code_name(code: i32) -> &'static str {
    match Code::from_i32(code) {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
