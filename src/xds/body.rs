//! A response body made of shared slices.
//!
//! A chunk is up to 64 kB of a response as a list of slices, which HTTP/2 writes with one vectored call per data frame.
//! Only slices too small to be worth an entry of that list are copied together.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Frame;
use tokio::sync::mpsc;
use tonic::Status;

/// How much is handed over at once, in bytes: a stream whose client does not read holds back few of these.
const CHUNK: usize = 64 * 1024;
/// Slices below this length are copied together. One data frame of 16 kB is written from at most 16 slices (`Take`,
/// crate `bytes`), so that shorter ones would mean more calls.
const SMALL: usize = 1024;

/// Part of a response: slices that are not contiguous.
#[derive(Clone, Default, Debug)]
pub struct Chunk {
    slices: VecDeque<Bytes>,
    len: usize,
}

impl Chunk {
    fn push(&mut self, slice: Bytes) {
        if !slice.is_empty() {
            self.len += slice.len();
            self.slices.push_back(slice);
        }
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        self.slices.front().map_or(&[], |s| s)
    }

    fn chunks_vectored<'a>(&'a self, dst: &mut [IoSlice<'a>]) -> usize {
        let filled = dst.len().min(self.slices.len());
        dst.iter_mut().zip(&self.slices).for_each(|(io, slice)| *io = IoSlice::new(slice));
        filled
    }

    fn advance(&mut self, mut n: usize) {
        assert!(n <= self.len, "not so many bytes are left");
        self.len -= n;
        while n > 0 {
            let front = self.slices.front_mut().expect("as many bytes as `len` says");
            if n < front.len() {
                front.advance(n);
                return;
            }
            n -= front.len();
            self.slices.pop_front();
        }
    }
}

/// Cuts a message into chunks.
pub(super) struct Chunks<I> {
    slices: I,
    rest: Option<Bytes>,
}

impl<I: Iterator<Item = Bytes>> Chunks<I> {
    pub(super) fn new(slices: I) -> Self {
        Self { slices, rest: None }
    }
}

impl<I: Iterator<Item = Bytes>> Iterator for Chunks<I> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let mut chunk = Chunk::default();
        let mut small = BytesMut::new();
        while chunk.len + small.len() < CHUNK {
            let Some(mut slice) = self.rest.take().or_else(|| self.slices.next()) else { break };
            let room = CHUNK - chunk.len - small.len();
            if slice.len() > room {
                self.rest = Some(slice.split_off(room));
            }
            if slice.len() < SMALL {
                small.extend_from_slice(&slice);
            } else {
                chunk.push(small.split().freeze());
                chunk.push(slice);
            }
        }
        chunk.push(small.freeze());
        (chunk.len > 0).then_some(chunk)
    }
}

/// What a stream sends.
#[derive(Debug)]
pub(super) enum Piece {
    Data(Chunk),
    /// The end of the stream and of the body.
    End(Status),
}

/// The body of a stream's response: chunks as they come, and the status as trailers.
#[derive(Debug)]
pub struct Body {
    pieces: Option<mpsc::Receiver<Piece>>,
}

impl Body {
    pub(super) fn new(pieces: mpsc::Receiver<Piece>) -> Self {
        Self { pieces: Some(pieces) }
    }
}

impl Default for Body {
    /// A body without content: its status is in the headers.
    fn default() -> Self {
        Self { pieces: None }
    }
}

impl http_body::Body for Body {
    type Data = Chunk;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Chunk>, Infallible>>> {
        let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
        let status = match std::task::ready!(pieces.poll_recv(cx)) {
            Some(Piece::Data(chunk)) => return Poll::Ready(Some(Ok(Frame::data(chunk)))),
            Some(Piece::End(status)) => status,
            None => Status::internal("the stream broke off"),
        };
        self.pieces = None;
        let mut trailers = http::HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            trailers.insert("grpc-status", http::HeaderValue::from(i32::from(tonic::Code::Internal)));
        }
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_none()
    }
}
