//! A corner of the machine where an ordinary user may make networks: user, network, mount and process namespaces.

use std::path::Path;
use std::process::{Command, Stdio};

/// `ip` keeps its names of namespaces under `/run`, which an ordinary user cannot write: an empty one covers it. Nor
/// has such a user's PATH the places where network tools are.
const COVER: &str = "PATH=$PATH:/usr/sbin:/sbin && mount -t tmpfs tmpfs /run && ";
/// What the demonstration will need, tried on a throwaway namespace.
const PROBE: &str = "ip netns add probe && ip netns exec probe \
                     iptables -w -t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 15001 && \
                     ip netns exec probe sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet'";

/// A way into a sandbox that works on this machine: arguments of `unshare`.
#[derive(Clone, Debug)]
pub(super) struct Sandbox {
    arguments: &'static [&'static str],
}

/// As an ordinary user, who is root in there; or as root where user namespaces are switched off.
const WAYS: [&[&str]; 2] = [
    &["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"],
    &["--net", "--mount", "--pid", "--fork", "--kill-child"],
];

impl Sandbox {
    /// The first way that lets us make namespaces, addresses and capture rules, or what stands in the way.
    pub(super) fn find() -> Result<Sandbox, String> {
        let mut reason = String::new();
        for arguments in WAYS {
            let sandbox = Sandbox { arguments };
            let output = sandbox.shell(PROBE).stdin(Stdio::null()).output();
            let said = match output {
                Ok(output) if output.status.success() => return Ok(sandbox),
                Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                Err(error) => format!("unshare: {error}"),
            };
            // The ordinary user's way tells more: the other fails for lack of root.
            if reason.is_empty() {
                reason = said.lines().next().unwrap_or("unshare failed").to_owned();
            }
        }
        Err(reason)
    }

    /// `program` inside the sandbox. When it ends, everything that it started there ends with it.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = self.shell("exec \"$0\" \"$@\"");
        command.arg(program);
        command
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(self.arguments).args(["sh", "-c", &format!("{COVER}{script}")]);
        command
    }
}
