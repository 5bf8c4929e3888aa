//! One HTTP request at a time, for administration interfaces and for calls whose answers are looked at.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A request; the method is `GET` unless it says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'r> {
    pub(crate) method: &'r str,
    pub(crate) authority: &'r str,
    pub(crate) path: &'r str,
    pub(crate) headers: &'r [(&'r str, &'r str)],
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// By lower-case name; of several of one name the last.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Response {
    /// A header, empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// What the backend says in its answer.
    pub(crate) fn said(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The name of the backend that answered.
    pub(crate) fn backend(&self) -> String {
        self.said()["backend"].as_str().expect("backends give their names").to_owned()
    }
}

/// Status and body of `GET path` at `address`; `None` if nobody answers.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let request = Request { method: "GET", authority: &address.to_string(), path, headers: &[] };
    call(address, &request).ok().map(|response| (response.status, response.body))
}

/// The answer to one request on a connection of its own, within a minute.
pub(crate) fn call(address: SocketAddr, request: &Request<'_>) -> io::Result<Response> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(20))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let Request { method, authority, path, headers } = request;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes())?;
    let (mut reply, mut part) = (Vec::new(), [0; 16 * 1024]);
    // Not to the end of the connection: that a proxy keeps open for a second after an answer of its own, and for six where
    // its listener has just been changed (Envoy's `delayed_close_timeout` and `drain_timeout`).
    while !is_whole(&reply) {
        match stream.read(&mut part)? {
            0 => break,
            length => reply.extend(&part[..length]),
        }
    }
    let reply = String::from_utf8_lossy(&reply);
    read(&reply).ok_or_else(|| io::Error::other(format!("no answer of HTTP/1.1: {reply:?}")))
}

/// Whether an answer tells of itself that nothing follows.
fn is_whole(reply: &[u8]) -> bool {
    let Some(end) = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&reply[..end]).to_lowercase();
    if head.contains("\r\ntransfer-encoding: chunked") {
        return reply.ends_with(b"\r\n0\r\n\r\n") && read(&String::from_utf8_lossy(reply)).is_some();
    }
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| reply.len() >= end + 4 + length)
}

fn read(reply: &str) -> Option<Response> {
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: BTreeMap<String, String> = lines.filter_map(header).collect();
    let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    Some(Response { status, body: if chunked { unchunk(body)? } else { body.to_owned() }, headers })
}

/// A chunked body put together again.
fn unchunk(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..size)?);
        body = rest.get(size + 2..)?;
    }
}
