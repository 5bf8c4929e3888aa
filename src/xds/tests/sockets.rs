use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use crate::xds::{Address, Listener};

#[tokio::test]
async fn a_socket_is_for_its_owner_and_replaces_what_nobody_serves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xds");
    let first = Listener::unix(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(UnixStream::connect(&path).is_ok());
    assert!(Listener::unix(&path).is_err(), "the first one still serves");
    drop(first);
    let second = Listener::unix(&path).unwrap();
    assert!(UnixStream::connect(&path).is_ok());
    drop(second);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[tokio::test]
async fn a_file_is_not_taken_for_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("precious");
    std::fs::write(&path, "kept").unwrap();
    assert!(Listener::unix(&path).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
}

#[test]
fn this_machine_is_local_and_others_are_not() {
    let local = |text: &str| Address::Internet(text.parse().unwrap()).is_local();
    assert!(local("127.0.0.1:1") && local("[::1]:1") && local("[::ffff:127.0.0.1]:1") && Address::Local.is_local());
    assert!(!local("10.0.0.1:1") && !local("[::ffff:10.0.0.1]:1"));
}
