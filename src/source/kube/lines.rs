//! The lines of a body that comes in pieces.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use kube::client::Body;

use super::connection::causes;

/// No object is this large: etcd takes 1.5 MiB.
const LONGEST: usize = 16 << 20;

/// Why there are no more lines.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The connection broke.
    #[error("{}", causes(.0))]
    Broken(#[from] kube::Error),
    /// What comes is not what was asked for.
    #[error("a line of more than {LONGEST} bytes")]
    Long,
}

/// A body, taken line by line.
pub(super) struct Lines {
    body: Body,
    rest: BytesMut,
    /// So many bytes of `rest` are known to have no end of a line.
    searched: usize,
}

impl Lines {
    pub(super) fn new(body: Body) -> Self {
        Self { body, rest: BytesMut::new(), searched: 0 }
    }

    /// The next line; none at the end. May be dropped and asked again without loss.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(at) = self.rest[self.searched..].iter().position(|b| *b == b'\n') {
                let line = self.rest.split_to(self.searched + at + 1).freeze();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.rest.len();
            if self.searched > LONGEST {
                return Err(Error::Long);
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.rest.extend_from_slice(&data);
                    }
                }
                None => return Ok(None),
            }
        }
    }
}
