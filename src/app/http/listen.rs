//! Sockets by addresses as Go writes them.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::net::TcpListener;

/// Opens an address as Go's `net.Listen` does: `:8080` is every interface, of both families where the system has both;
/// a host may be a name; port 0 is one that is free.
///
/// # Errors
/// When the address has no port, or cannot be had; the text names it.
pub async fn listen(address: &str) -> io::Result<TcpListener> {
    let opened = match address.strip_prefix(':').map(str::parse::<u16>) {
        Some(Ok(port)) => match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
            // A system without IPv6.
            Err(e) if e.kind() != io::ErrorKind::AddrInUse => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await,
            bound => bound,
        },
        Some(Err(_)) => Err(io::Error::new(io::ErrorKind::InvalidInput, "the port is not a number")),
        None => TcpListener::bind(address).await,
    };
    opened.map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {address:?}: {e}")))
}
