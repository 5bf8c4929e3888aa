//! A way to the API server that can be cut.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Passes on what comes on a port of its own.
pub(crate) struct Relay {
    port: u16,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let all = open.clone();
        std::thread::spawn(move || {
            for here in listener.incoming().flatten() {
                let Ok(there) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let ends = [here.try_clone(), there.try_clone()];
                all.lock().unwrap().extend(ends.into_iter().flatten());
                if let (Ok(from), Ok(to)) = (here.try_clone(), there.try_clone()) {
                    std::thread::spawn(move || pass(from, to));
                }
                std::thread::spawn(move || pass(there, here));
            }
        });
        Self { port: own, open }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection; new ones are let through. Says how many there were.
    pub(crate) fn cut(&self) -> usize {
        let all = std::mem::take(&mut *self.open.lock().unwrap());
        all.iter().filter(|stream| stream.shutdown(Shutdown::Both).is_ok()).count()
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
