//! Sockets by addresses as Go writes them.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::net::TcpListener;

use crate::xds;

/// Opens an address as Go's `net.Listen` does: `:8080` is every interface, of both families where the system has both;
/// a host may be a name; port 0 is one that is free.
///
/// # Errors
/// When the address has no port, or cannot be had; the text names it.
pub async fn listen(address: &str) -> io::Result<TcpListener> {
    let opened = match address.strip_prefix(':').map(str::parse::<u16>) {
        Some(Ok(port)) => match xds::listen((Ipv6Addr::UNSPECIFIED, port).into()) {
            // A system without IPv6.
            Err(e) if e.kind() != io::ErrorKind::AddrInUse => xds::listen((Ipv4Addr::UNSPECIFIED, port).into()),
            bound => bound,
        },
        Some(Err(_)) => Err(io::Error::new(io::ErrorKind::InvalidInput, "the port is not a number")),
        None => resolved(address).await,
    };
    opened.map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {address:?}: {e}")))
}

/// On the first address that a name has and that can be had.
async fn resolved(address: &str) -> io::Result<TcpListener> {
    let mut opened = Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no address of this machine"));
    for found in tokio::net::lookup_host(address).await? {
        opened = xds::listen(found);
        if opened.is_ok() {
            break;
        }
    }
    opened
}
