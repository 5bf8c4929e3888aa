//! A name server, just enough of one: questions for A records over UDP (RFC 1035).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use super::netns::Namespace;

const TYPE_A: u16 = 1;
const NXDOMAIN: u8 = 3;

/// How long a known name that begins with `slow-` takes.
pub(crate) const SLOW: Duration = Duration::from_millis(400);

/// Serves `names` at `address` for as long as the process lives; every other name does not exist, and a name has no
/// address but its IPv4 one.
pub(crate) fn serve(namespace: &Namespace, address: Ipv4Addr, names: &[(&str, Ipv4Addr)]) {
    let table: BTreeMap<String, Ipv4Addr> = names.iter().map(|(name, ip)| ((*name).to_owned(), *ip)).collect();
    let socket = namespace.inside(|| UdpSocket::bind((address, 53)).expect("port 53 of a namespace of our own"));
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            let Some((answer, delay)) = answer(&buffer[..length], &table) else { continue };
            let socket = socket.try_clone().expect("a second handle");
            std::thread::spawn(move || {
                std::thread::sleep(delay);
                let _ = socket.send_to(&answer, client);
            });
        }
    });
}

/// The reply to a query, and how long it takes.
fn answer(query: &[u8], table: &BTreeMap<String, Ipv4Addr>) -> Option<(Vec<u8>, Duration)> {
    let (name, kind, end) = question(query)?;
    let name = name.to_lowercase();
    let address = table.get(&name);
    let found = address.filter(|_| kind == TYPE_A);
    let code = if address.is_some() { 0 } else { NXDOMAIN };
    let mut reply = query[..2].to_vec();
    // Response, recursion desired and available; one question, one answer or none.
    reply.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(found.is_some()), 0, 0, 0, 0]);
    reply.extend(&query[12..end]);
    if let Some(address) = found {
        // The name of the question, type A, class IN, 5 seconds, 4 bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4]);
        reply.extend(address.octets());
    }
    let slow = address.is_some() && name.starts_with("slow-");
    Some((reply, if slow { SLOW } else { Duration::ZERO }))
}

/// Name and type of a message's only question, and where it ends.
fn question(message: &[u8]) -> Option<(String, u16, usize)> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(std::str::from_utf8(message.get(at..at + length)?).ok()?);
        at += length;
    }
    let kind = u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?);
    Some((labels.join("."), kind, at + 4))
}
