//! Network namespaces as guards.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use mizzen::demo::place::Place;

use super::process::run;
use super::require;

const PREFIX: &str = "mizzen-e2e";

/// A named network namespace of the test's own, removed when dropped.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// A new namespace with a working loopback, called after `label`, this process and a number.
    pub(crate) fn new(label: &str) -> Namespace {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let namespace = Namespace { name: format!("{PREFIX}-{}-{number}-{label}", std::process::id()) };
        run(ip().args(["netns", "add", &namespace.name]));
        namespace.ip(&["link", "set", "lo", "up"]);
        namespace
    }

    /// `ip` with `arguments` inside the namespace.
    pub(crate) fn ip(&self, arguments: &[&str]) -> String {
        run(ip().args(["-n", &self.name]).args(arguments))
    }

    /// A pair of connected interfaces: `here` in this namespace, `there` in the other.
    pub(crate) fn connect(&self, here: &str, other: &Namespace, there: &str) {
        self.ip(&["link", "add", here, "type", "veth", "peer", "name", there, "netns", &other.name]);
        self.ip(&["link", "set", here, "up"]);
        other.ip(&["link", "set", there, "up"]);
    }

    /// `program`, to be run inside the namespace. It dies with the thread that starts it, even if a test is killed.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        self.command_as(program, None)
    }

    /// The same as the user and group `id`, if one is given.
    pub(crate) fn command_as(&self, program: impl AsRef<Path>, id: Option<u32>) -> Command {
        let mut command = ip();
        command.args(["netns", "exec", &self.name, "setpriv", "--pdeathsig", "KILL"]);
        if let Some(id) = id {
            command.args([format!("--reuid={id}"), format!("--regid={id}"), "--clear-groups".to_owned()]);
        }
        command.arg("--").arg(program.as_ref());
        command
    }

    /// The namespace as a place to act in.
    pub(crate) fn place(&self) -> Place {
        Place::named(&self.name)
    }

    /// Runs `work` on a thread of its own inside the namespace.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.place().run(work).expect("root may enter it")
    }

    /// Gives programs that are started inside the namespace this resolver configuration.
    pub(crate) fn resolve_by(&self, resolv_conf: &str) {
        std::fs::create_dir_all(self.etc()).expect("root may write /etc/netns");
        std::fs::write(self.etc().join("resolv.conf"), resolv_conf).expect("root may write /etc/netns");
    }

    fn etc(&self) -> PathBuf {
        Path::new("/etc/netns").join(&self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

fn remove(name: &str) {
    let _ = ip().args(["netns", "del", name]).status();
    let _ = std::fs::remove_dir_all(Path::new("/etc/netns").join(name));
}

/// Removes what test processes that were killed have left behind.
pub(crate) fn remove_leftovers() {
    for line in run(ip().args(["netns", "list"])).lines() {
        let name = line.split(' ').next().unwrap_or_default();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').nth(1));
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove(name);
        }
    }
}

fn ip() -> Command {
    Command::new(require::program("ip", "iproute2"))
}
