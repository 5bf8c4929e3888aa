//! Callers outside the mesh who speak TLS: curl on a connection for each call, openssl on one that stays.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Instant;

use mizzen::demo::load::Call;

use super::netns::Namespace;
use super::process::{PATIENCE, eventually};
use super::require;

/// Somebody in a namespace who calls a server whose certificates an authority has signed.
pub(crate) struct Caller<'n> {
    pub(crate) place: &'n Namespace,
    pub(crate) server: SocketAddr,
    /// The authority's certificate.
    pub(crate) trusted: PathBuf,
}

impl<'n> Caller<'n> {
    /// What curl says of `path` at `host`, on a connection of its own.
    pub(crate) fn curl(&self, host: &str, path: &str) -> Output {
        self.curl_with(host, path, &[])
    }

    fn curl_with(&self, host: &str, path: &str, arguments: &[&str]) -> Output {
        let mut command = self.place.command(require::program("curl", "curl"));
        let port = self.server.port();
        command.args(["--silent", "--show-error", "--max-time", "60"]).args(arguments);
        command.args(["--resolve", &format!("{host}:{port}:{}", self.server.ip())]);
        command.arg("--cacert").arg(&self.trusted);
        command.arg(format!("https://{host}:{port}{path}")).output().expect("curl runs")
    }

    /// The name in the certificate that `host` shows to one who calls `path`, if the call succeeds.
    fn certificate(&self, host: &str, path: &str) -> Result<String, String> {
        let output = self.curl_with(host, path, &["--fail", "--output", "/dev/null", "--write-out", "%{certs}"]);
        if !output.status.success() {
            return Err(format!("{host}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let subject = said.lines().find_map(|line| line.strip_prefix("Subject:"));
        let name = subject.and_then(|subject| subject.split("CN = ").nth(1));
        name.map(str::to_owned).ok_or_else(|| format!("{host} shows no certificate: {said}"))
    }

    /// A connection to `host` that stays.
    pub(crate) fn connect(&self, host: &str) -> Connection {
        let mut command: Command = self.place.command(require::program("openssl", "openssl"));
        command.args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", host, "-servername", host]);
        command.args(["-connect", &self.server.to_string(), "-CAfile"]).arg(&self.trusted);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("openssl starts");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Connection { child, input, output, host: host.to_owned() }
    }

    /// Calls `path` at each of `hosts` in turn, on a connection for each call, until [`Load::end`].
    pub(crate) fn call_on<'s>(&'s self, scope: &'s Scope<'s, '_>, hosts: &'s [&'s str], path: &'s str) -> Load<'s> {
        let calls: &Calls = Box::leak(Box::default());
        let thread = scope.spawn(move || {
            for host in hosts.iter().cycle().take_while(|_| !calls.stop.load(Ordering::Relaxed)) {
                let begun = Instant::now();
                let outcome = self.certificate(host, path);
                calls.made.lock().unwrap().push(Call { begun, outcome });
            }
        });
        Load { calls, thread: Some(thread) }
    }
}

#[derive(Default)]
struct Calls {
    made: Mutex<Vec<Call>>,
    stop: AtomicBool,
}

/// Calls without end, each on a connection of its own; who answers is told by the name in the certificate shown.
pub(crate) struct Load<'s> {
    calls: &'static Calls,
    thread: Option<ScopedJoinHandle<'s, ()>>,
}

impl Load<'_> {
    /// Waits for `count` calls begun at `from` or later, and returns them.
    pub(crate) fn calls_from(&self, from: Instant, count: usize) -> Vec<Call> {
        eventually(PATIENCE, "calls to be made", || {
            let made = self.calls.made.lock().unwrap();
            let mut calls: Vec<Call> = made.iter().filter(|call| call.begun >= from).cloned().collect();
            calls.truncate(count);
            (calls.len() == count).then_some(calls)
        })
    }

    /// Ends the load and returns all calls.
    pub(crate) fn end(mut self) -> Vec<Call> {
        self.calls.stop.store(true, Ordering::Relaxed);
        self.thread.take().expect("it ends once").join().expect("callers do not panic");
        std::mem::take(&mut self.calls.made.lock().unwrap())
    }
}

impl Drop for Load<'_> {
    /// Or the scope of a test that fails would wait for the caller for ever.
    fn drop(&mut self) {
        self.calls.stop.store(true, Ordering::Relaxed);
    }
}

/// One connection, on which requests are made one after the other.
pub(crate) struct Connection {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    host: String,
}

impl Connection {
    /// Status and body of the answer to `GET path`.
    pub(crate) fn get(&mut self, path: &str) -> std::io::Result<(u16, String)> {
        write!(self.input, "GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host)?;
        self.input.flush()?;
        let ended = || std::io::Error::other("the connection ended");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.output.read_line(&mut head)? == 0 {
                return Err(ended());
            }
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(ended)?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.and_then(|length| length.parse().ok()).unwrap_or(0)];
        self.output.read_exact(&mut body)?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
