//! Where a thread's connections begin and end: this machine's own network, or a network namespace.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network to act in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The network that the process is in.
    Here,
    /// The network namespace at this path, e.g. `/run/netns/client`.
    Namespace(PathBuf),
}

impl Place {
    /// The namespace that `ip netns add NAME` made.
    pub fn named(name: &str) -> Self {
        Place::Namespace(Path::new("/run/netns").join(name))
    }

    /// Moves the calling thread here for the rest of its life; processes that it starts follow.
    ///
    /// # Errors
    /// The namespace does not exist, or the process lacks `CAP_SYS_ADMIN` over it.
    pub fn enter(&self) -> io::Result<()> {
        match self {
            Place::Here => Ok(()),
            Place::Namespace(path) => {
                let file = File::open(path)?;
                Ok(move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?)
            }
        }
    }

    /// Runs `work` here, on a thread of its own, and returns what it returns.
    ///
    /// # Errors
    /// See [`enter`](Self::enter).
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| self.enter().map(|()| work()));
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}
