//! As much of MySQL's protocol as it takes to ask a server who it is: handshake, `SELECT @@server_id`, one row.
//!
//! The server speaks first, as every MySQL server does: whoever stands between cannot wait for the client to say
//! whom it wants.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// `CLIENT_LONG_PASSWORD`, `CLIENT_PROTOCOL_41`, `CLIENT_SECURE_CONNECTION`, `CLIENT_PLUGIN_AUTH`.
const CAPABILITIES: u32 = 0x1 | 0x200 | 0x8000 | 0x0008_0000;
const UTF8: u8 = 33;
const PLUGIN: &[u8] = b"mysql_native_password\0";
const COM_QUIT: u8 = 1;
const COM_QUERY: u8 = 3;
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const END_OF_ROWS: &[u8] = &[0xfe, 0, 0, 2, 0];
const ERROR: u8 = 0xff;

/// Serves connections to `listener` as the server `id`, each on a thread of its own, until the process ends. Anybody
/// may log in; every query has the one answer.
pub fn serve(listener: TcpListener, id: u32) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                // A client that goes away without a word is as good as one that quits.
                let _ = answer(stream, id);
            });
        }
    });
}

fn answer(mut stream: TcpStream, id: u32) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write_packet(&mut stream, 0, &greeting())?;
    let (sequence, _login) = read_packet(&mut stream)?;
    write_packet(&mut stream, sequence + 1, OK)?;
    loop {
        let (_, command) = read_packet(&mut stream)?;
        match command.first() {
            Some(&COM_QUIT) | None => return Ok(()),
            Some(&COM_QUERY) => write_row(&mut stream, "@@server_id", &id.to_string())?,
            Some(_) => write_packet(&mut stream, 1, OK)?,
        }
    }
}

fn greeting() -> Vec<u8> {
    let [low1, low2, high1, high2] = CAPABILITIES.to_le_bytes();
    let mut packet = vec![10];
    packet.extend(b"8.0.0-mizzen-demo\0");
    // Connection number; the first eight bytes of a challenge that nobody has to meet; capabilities around the
    // character set, the status and the length of the challenge.
    packet.extend([1, 0, 0, 0]);
    packet.extend([b'x'; 8]);
    packet.extend([0, low1, low2, UTF8, 2, 0, high1, high2, 21]);
    packet.extend([0; 10]);
    packet.extend(b"xxxxxxxxxxxx\0");
    packet.extend(PLUGIN);
    packet
}

/// A result of one column and one row.
fn write_row(stream: &mut TcpStream, column: &str, value: &str) -> io::Result<()> {
    write_packet(stream, 1, &[1])?;
    let mut definition = Vec::new();
    // Catalogue, schema, table and its original name, then the column's two names.
    for name in ["def", "", "", "", column, column] {
        put_text(&mut definition, name);
    }
    // Twelve bytes: character set, width 20, type VAR_STRING.
    definition.extend([12, UTF8, 0, 20, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0]);
    write_packet(stream, 2, &definition)?;
    write_packet(stream, 3, END_OF_ROWS)?;
    let mut row = Vec::new();
    put_text(&mut row, value);
    write_packet(stream, 4, &row)?;
    write_packet(stream, 5, END_OF_ROWS)
}

/// The `server_id` of the server at `address`.
///
/// # Errors
/// No connection, or something that is no MySQL server.
pub fn server_id(address: SocketAddr) -> io::Result<u32> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    read_packet(&mut stream)?;
    write_packet(&mut stream, 1, &login())?;
    no_error(read_packet(&mut stream)?.1)?;
    write_packet(&mut stream, 0, &[&[COM_QUERY], &b"SELECT @@server_id"[..]].concat())?;
    no_error(read_packet(&mut stream)?.1)?;
    // The column's definition and the end of definitions.
    read_packet(&mut stream)?;
    read_packet(&mut stream)?;
    let (_, row) = read_packet(&mut stream)?;
    let value = row.get(1..).and_then(|text| std::str::from_utf8(text).ok()).and_then(|text| text.parse().ok());
    value.ok_or_else(|| io::Error::other("the answer is no number"))
}

fn login() -> Vec<u8> {
    let mut packet = CAPABILITIES.to_le_bytes().to_vec();
    packet.extend([0, 0, 0, 1, UTF8]);
    packet.extend([0; 23]);
    packet.extend(b"demo\0");
    // No password.
    packet.push(0);
    packet.extend(PLUGIN);
    packet
}

fn no_error(packet: Vec<u8>) -> io::Result<()> {
    if packet.first() == Some(&ERROR) { Err(io::Error::other("the server answers with an error")) } else { Ok(()) }
}

fn put_text(packet: &mut Vec<u8>, text: &str) {
    packet.push(u8::try_from(text.len()).expect("our own short texts"));
    packet.extend(text.as_bytes());
}

/// Packets carry three bytes of length and a number that counts within one exchange.
fn write_packet(stream: &mut TcpStream, sequence: u8, payload: &[u8]) -> io::Result<()> {
    let [low, middle, high, _] = u32::try_from(payload.len()).expect("our own short packets").to_le_bytes();
    stream.write_all(&[&[low, middle, high, sequence], payload].concat())
}

fn read_packet(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
    stream.read_exact(&mut payload)?;
    Ok((head[3], payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_tells_who_it_is_again_and_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        serve(listener, 21);
        assert_eq!(server_id(address).unwrap(), 21);
        assert_eq!(server_id(address).unwrap(), 21);
    }

    #[test]
    fn what_is_no_server_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(server_id(address).is_err());
    }
}
