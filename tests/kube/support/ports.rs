//! Ports for servers of tests, of which several processes may run on one machine.

use std::fs::{self, File};
use std::net::TcpListener;
use std::sync::Mutex;

use rustix::fs::{FlockOperation, flock};

/// A port of this machine that no other process of tests takes as long as this one lives.
///
/// It is none of those that the system gives to whoever connects. Of these one may be taken while its server is away for a
/// moment; and who tries again and again to connect to it is connected to himself in the end, from the very same port.
pub(crate) fn free_port() -> u16 {
    static TAKEN: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let folder = std::env::temp_dir().join("mizzen-test-ports");
    fs::create_dir_all(&folder).unwrap();
    let mut taken = TAKEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for port in 20_000..30_000 {
        let lock = File::options().create(true).append(true).open(folder.join(port.to_string())).unwrap();
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            taken.push(lock);
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    }
    panic!("no port is free");
}
