//! Many calls over few connections: HTTP/1.1 with keep-alive.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::netns::Namespace;

/// A connection on which one request follows the other.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    authority: String,
}

impl Connection {
    /// From where the calling thread is.
    pub(crate) fn open(address: SocketAddr, authority: &str) -> Connection {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(30)).expect("somebody listens");
        stream.set_nodelay(true).expect("a socket of ours");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket of ours");
        Connection { stream: BufReader::new(stream), authority: authority.to_owned() }
    }

    /// Status and body of the answer to `GET path`.
    pub(crate) fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{headers}\r\n", self.authority);
        self.stream.get_mut().write_all(request.as_bytes()).expect("the connection stays");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut head).expect("an answer comes"), 0, "the connection ended: {head}");
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer of HTTP");
        let lines = head.lines().map(str::to_ascii_lowercase);
        let length = lines.into_iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).expect("the whole answer comes");
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

/// `count` calls of `path` over so many connections from `namespace`, all of which must be answered with 200.
pub(crate) fn repeat(namespace: &Namespace, address: SocketAddr, authority: &str, path: &str, count: usize) {
    const CONNECTIONS: usize = 4;
    let place = namespace.place();
    std::thread::scope(|scope| {
        for caller in 0..CONNECTIONS {
            let place = place.clone();
            let share = count / CONNECTIONS + usize::from(caller < count % CONNECTIONS);
            scope.spawn(move || {
                place.enter().expect("root may enter it");
                let mut connection = Connection::open(address, authority);
                for _ in 0..share {
                    assert_eq!(connection.get(path, &[]).0, 200);
                }
            });
        }
    });
}
