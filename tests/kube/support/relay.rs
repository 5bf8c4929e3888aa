//! A way to servers that can be cut, and led elsewhere, as the address of a Service is.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Passes on what comes to an address of its own, each connection to the next server in turn.
pub(crate) struct Relay {
    address: SocketAddr,
    ways: Arc<Ways>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Ways {
    servers: Mutex<Vec<SocketAddr>>,
    next: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

impl Relay {
    /// To a port of this machine.
    pub(crate) fn to(port: u16) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), vec![SocketAddr::from(([127, 0, 0, 1], port))])
    }

    /// From an address to servers.
    pub(crate) fn at(address: SocketAddr, servers: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let ways = Arc::new(Ways { servers: Mutex::new(servers), ..Ways::default() });
        let all = ways.clone();
        let thread = std::thread::spawn(move || {
            for here in listener.incoming().flatten() {
                if all.ended.load(Ordering::Relaxed) {
                    return;
                }
                all.lead(here);
            }
        });
        Self { address, ways, thread: Some(thread) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Whether there is a connection that was not cut.
    pub(crate) fn is_used(&self) -> bool {
        !self.ways.open.lock().unwrap().is_empty()
    }

    /// Cuts every connection; new ones are let through. Says how many there were.
    pub(crate) fn cut(&self) -> usize {
        let all = std::mem::take(&mut *self.ways.open.lock().unwrap());
        all.iter().filter(|stream| stream.shutdown(Shutdown::Both).is_ok()).count()
    }

    /// Leads new connections to these servers; those that there are stay.
    pub(crate) fn lead_to(&self, servers: Vec<SocketAddr>) {
        *self.ways.servers.lock().unwrap() = servers;
    }
}

impl Drop for Relay {
    /// Gives the address free.
    fn drop(&mut self) {
        self.ways.ended.store(true, Ordering::Relaxed);
        if TcpStream::connect(self.address).is_ok() {
            let _ = self.thread.take().map(JoinHandle::join);
        }
        self.cut();
    }
}

impl Ways {
    /// A server that is not there closes the connection, and the next takes the next.
    fn lead(&self, here: TcpStream) {
        let servers = self.servers.lock().unwrap().clone();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(server) = servers.get(turn % servers.len().max(1)) else { return };
        let Ok(there) = TcpStream::connect(server) else { return };
        // Or small messages wait for the acknowledgement of those before.
        let _ = (here.set_nodelay(true), there.set_nodelay(true));
        let ends = [here.try_clone(), there.try_clone()];
        self.open.lock().unwrap().extend(ends.into_iter().flatten());
        if let (Ok(from), Ok(to)) = (here.try_clone(), there.try_clone()) {
            std::thread::spawn(move || pass(from, to));
        }
        std::thread::spawn(move || pass(there, here));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
