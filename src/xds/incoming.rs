//! Requests out of the body of a call: messages of gRPC, each behind five bytes.
//!
//! Not tonic's `Streaming`: its buffer doubles until the longest request fits and stays with the stream, which after a
//! first request with two thousand names was a third of the memory of all streams. Here a message that came in one
//! frame is not copied at all, and one that came in many gets a buffer of its own length.

use std::pin::Pin;

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use tonic::Status;

use super::codec::decode;
use super::request::{Face, Request};

/// What is before each message of gRPC: whether it is compressed, and its length.
pub(super) const PREFIX: usize = 5;

/// A body that requests come in.
pub trait Incoming: Body<Data = Bytes> + Send + 'static {}

impl<B: Body<Data = Bytes> + Send + 'static> Incoming for B {}

/// The requests of one stream.
pub(super) struct Requests<B> {
    face: Face,
    body: Pin<Box<B>>,
    /// The longest request in bytes.
    max: usize,
    /// What has come of the body and is not taken in yet.
    rest: Bytes,
    prefix: BytesMut,
    /// The message that is coming in, and its length.
    message: Option<(BytesMut, usize)>,
}

impl<B: Incoming> Requests<B> {
    pub(super) fn new(face: Face, body: B, max: usize) -> Self {
        let (rest, prefix) = (Bytes::new(), BytesMut::with_capacity(PREFIX));
        Self { face, body: Box::pin(body), max, rest, prefix, message: None }
    }

    /// The next request; `None` when the client has left. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// When what the client says is not a request, or is too long.
    pub(super) async fn next(&mut self) -> Result<Option<Request>, Status> {
        loop {
            if let Some(bytes) = self.take()? {
                let garbled = |e| Status::invalid_argument(format!("not a discovery request: {e}"));
                let len = bytes.len();
                return decode(self.face, bytes).map(|request| Some(Request { len, ..request })).map_err(garbled);
            }
            match self.body.frame().await {
                None if self.message.is_some() || !self.prefix.is_empty() => {
                    return Err(Status::internal("the requests end within one"));
                }
                // One whose connection broke has left as well.
                None | Some(Err(_)) => return Ok(None),
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
            }
        }
    }

    /// A whole message, if all of it is there.
    fn take(&mut self) -> Result<Option<Bytes>, Status> {
        let Some((message, len)) = &mut self.message else {
            fill(&mut self.prefix, PREFIX, &mut self.rest);
            if self.prefix.len() < PREFIX {
                return Ok(None);
            }
            let len = length(&self.prefix, self.max)?;
            self.prefix.clear();
            if self.rest.len() >= len {
                return Ok(Some(self.rest.split_to(len)));
            }
            self.message = Some((BytesMut::with_capacity(len), len));
            return self.take();
        };
        fill(message, *len, &mut self.rest);
        let whole = message.len() == *len;
        Ok(if whole { self.message.take().map(|(message, _)| message.freeze()) } else { None })
    }
}

/// Takes from `rest` what is missing for `len` bytes.
fn fill(buffer: &mut BytesMut, len: usize, rest: &mut Bytes) {
    let n = rest.len().min(len - buffer.len());
    buffer.extend_from_slice(&rest[..n]);
    rest.advance(n);
}

fn length(prefix: &[u8], max: usize) -> Result<usize, Status> {
    let (compressed, mut len) = (prefix[0], &prefix[1..]);
    if compressed != 0 {
        return Err(Status::unimplemented("requests are not taken compressed"));
    }
    let len = usize::try_from(len.get_u32()).unwrap_or(usize::MAX);
    if len > max {
        return Err(Status::resource_exhausted(format!("a request of {len} bytes; {max} are taken")));
    }
    Ok(len)
}
