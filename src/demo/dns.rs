//! One question to a name server: the IPv4 address of a name, over UDP (RFC 1035), as an application's resolver asks.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Type A, class IN.
const A_IN: [u8; 4] = [0, 1, 0, 1];

/// The first IPv4 address that `server` gives for `name`; `None` if it says that there is none.
///
/// # Errors
/// No answer within two seconds, or one that is no answer to the question.
pub fn resolve(server: IpAddr, name: &str) -> io::Result<Option<Ipv4Addr>> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    let query = query(name).ok_or_else(|| io::Error::other(format!("{name} is no host name")))?;
    socket.send_to(&query, SocketAddr::new(server, 53))?;
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer)?;
    answer(&query, &buffer[..length]).ok_or_else(|| io::Error::other(format!("no answer about {name}")))
}

/// One question with recursion desired. Nobody else sends to the socket, so the number need not be hard to guess.
fn query(name: &str) -> Option<Vec<u8>> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        message.push(length);
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(A_IN);
    Some(message)
}

/// `Some(None)` where the reply says that there is no address, `None` where it is no reply to `query`.
fn answer(query: &[u8], reply: &[u8]) -> Option<Option<Ipv4Addr>> {
    let same_number = reply.get(..2)? == &query[..2];
    // The question comes back before the answers.
    let mut rest = reply.get(query.len()..).filter(|_| same_number)?;
    let answers = u16::from_be_bytes([reply[6], reply[7]]);
    for _ in 0..answers {
        let name = name_length(rest)?;
        let length = usize::from(u16::from_be_bytes(rest.get(name + 8..name + 10)?.try_into().ok()?));
        let data = rest.get(name + 10..name + 10 + length)?;
        if rest[name..name + 4] == A_IN {
            return Some(Some(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?)));
        }
        rest = &rest[name + 10 + length..];
    }
    Some(None)
}

/// How many bytes the name at the start of `message` takes; a pointer (RFC 1035, 4.1.4) ends it.
fn name_length(message: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match usize::from(*message.get(at)?) {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length => at += 1 + length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(records: &[&[u8]]) -> Vec<u8> {
        let mut message = query("db.example.com").unwrap();
        message[7] = u8::try_from(records.len()).unwrap();
        message.extend(records.concat());
        message
    }

    fn read(records: &[&[u8]]) -> Option<Option<Ipv4Addr>> {
        answer(&query("db.example.com").unwrap(), &reply(records))
    }

    const ADDRESS: &[u8] = &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 240, 240, 0, 1];
    const ALIAS: &[u8] = &[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 30, 0, 2, 0xc0, 15];

    #[test]
    fn an_address_is_found_behind_an_alias() {
        assert_eq!(read(&[ALIAS, ADDRESS]), Some(Some(Ipv4Addr::new(240, 240, 0, 1))));
    }

    #[test]
    fn no_record_means_no_address() {
        assert_eq!(read(&[]), Some(None));
        assert_eq!(read(&[ALIAS]), Some(None));
    }

    #[test]
    fn a_cut_message_is_no_answer() {
        assert_eq!(read(&[&ADDRESS[..ADDRESS.len() - 1]]), None);
        assert_eq!(answer(&query("db.example.com").unwrap(), &[0x12, 0x34]), None);
    }

    #[test]
    fn what_is_no_host_name_is_not_asked() {
        assert_eq!(query("a..b"), None);
        assert_eq!(query(&"x".repeat(64)), None);
    }

    #[test]
    fn a_question_in_bytes_is_one_header_and_one_name() {
        let message = query("a.bc").unwrap();
        assert_eq!(&message[12..], [1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1]);
    }
}
