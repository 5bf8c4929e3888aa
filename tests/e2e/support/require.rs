//! What the machine must have; a missing part is a failed test that says what to install.

use std::path::PathBuf;

/// Fails unless the test may make network namespaces: it needs root on Linux.
pub(crate) fn root() {
    assert!(
        rustix::process::geteuid().is_root(),
        "the end-to-end tests make network namespaces and capture rules: run them as root (sudo -E cargo test --test e2e)"
    );
}

/// The path of `name`, which the Debian package `package` contains.
#[expect(clippy::disallowed_methods, reason = "looks for programs as a shell does")]
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Servers and network tools live in sbin, which an ordinary user's PATH may lack.
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = places.map(|place| place.join(name)).find(|candidate| candidate.is_file());
    found.unwrap_or_else(|| panic!("no `{name}` on this machine: install {package} (tests/setup.sh does it)"))
}
