//! The demonstration's child processes, and waiting for them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::place::Place;

/// A child process, killed when dropped. What it prints goes to its log.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` at `place`, out of reach of the terminal's Ctrl-C: who started it ends it.
    pub(super) fn start(name: &str, place: &Place, mut command: Command, log: PathBuf) -> io::Result<Process> {
        let output = File::options().create(true).append(true).open(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        let child = place.run(|| command.spawn())??;
        Ok(Process { name: name.to_owned(), child, log })
    }

    /// Waits until `GET path` at `address`, asked from `place`, is answered with 200; returns how long that took.
    pub(super) fn wait_until_ready(&mut self, place: &Place, address: SocketAddr, path: &str) -> io::Result<Duration> {
        let start = Instant::now();
        while !place.run(|| answers(address, path))? {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.failed(&format!("ended ({status})")));
            }
            if start.elapsed() > Duration::from_secs(30) {
                return Err(self.failed("is not ready after 30 s"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(start.elapsed())
    }

    fn failed(&self, what: &str) -> io::Error {
        io::Error::other(format!("{} {what}; its log is {}", self.name, self.log.display()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answers(address: SocketAddr, path: &str) -> bool {
    let ask = || -> io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
