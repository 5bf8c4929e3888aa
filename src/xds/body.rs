//! A response body made of shared slices.
//!
//! A chunk is 32 kB of a response as a list of slices, which HTTP/2 writes with one vectored call per data frame: two
//! full frames, as clients allow them. Only slices too small to be worth an entry of that list are copied together.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::Frame;
use tokio::sync::mpsc;
use tonic::Status;

use super::incoming::PREFIX;
use super::response::{Response, Written};

/// How much is handed over at once, in bytes: a stream whose client does not read holds back few of these. A multiple of
/// HTTP/2's frames of 16 kB: no frame spans two chunks, so that what is beyond would be a small frame, and a call, of
/// its own.
const CHUNK: usize = 32 * 1024;
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

    /// Cuts off what is beyond `at` bytes.
    fn split_off(&mut self, at: usize) -> Self {
        let mut rest = Self::default();
        while let Some(beyond) = self.len.checked_sub(at).filter(|beyond| *beyond > 0)
            && let Some(mut last) = self.slices.pop_back()
        {
            let kept = last.len().saturating_sub(beyond);
            let cut = last.split_off(kept);
            self.len -= cut.len();
            rest.len += cut.len();
            rest.slices.push_front(cut);
            if !last.is_empty() {
                self.slices.push_back(last);
            }
        }
        rest
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

/// How much is allocated at once for what is copied together, in bytes.
const COPIES: usize = 8 * 1024;

/// Where a response is written to: the chunk that is being filled.
#[derive(Default)]
pub(super) struct Sink {
    chunk: Chunk,
    /// Where small slices are copied together.
    copies: BytesMut,
}

impl Sink {
    /// Adds a shared slice: what of `buffer` begins at `from`.
    pub(super) fn put(&mut self, buffer: &Bytes, from: usize) {
        let len = buffer.len() - from;
        if len < SMALL {
            self.room(len).extend_from_slice(&buffer[from..]);
        } else {
            self.flush();
            self.chunk.push(buffer.slice(from..));
        }
    }

    /// Where `len` bytes can be written.
    pub(super) fn room(&mut self, len: usize) -> &mut BytesMut {
        if self.copies.capacity() - self.copies.len() < len {
            self.flush();
            self.copies = BytesMut::with_capacity(len.max(COPIES));
        }
        &mut self.copies
    }

    fn flush(&mut self) {
        self.chunk.push(self.copies.split().freeze());
    }

    fn len(&self) -> usize {
        self.chunk.len + self.copies.len()
    }
}

/// A response as chunks of a message of gRPC, with its prefix.
pub struct Chunks {
    response: Response,
    written: Written,
    sink: Sink,
}

impl Chunks {
    /// The chunks of a response whose [`Response::encoded_len`] is `len`.
    pub fn new(response: Response, len: usize) -> Self {
        let mut sink = Sink::default();
        let prefix = sink.room(PREFIX);
        prefix.put_u8(0); // Not compressed.
        prefix.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
        Self { response, written: Written::default(), sink }
    }
}

impl Iterator for Chunks {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        while self.sink.len() < CHUNK && self.response.write_next(&mut self.written, &mut self.sink) {}
        self.sink.flush();
        let rest = self.sink.chunk.split_off(CHUNK);
        let chunk = std::mem::replace(&mut self.sink.chunk, rest);
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
