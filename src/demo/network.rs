//! The demonstration's network, made inside the sandbox: a bridge, and for each workload two network namespaces, one
//! with its sidecar and one with the application, whose only way out is the sidecar's.
//!
//! Istio captures an application's traffic by the user it runs as. An ordinary user has one user only, so here the
//! application has a network of its own instead, and what comes out of it is captured.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use super::place::Place;

/// The bridge: control plane, name server's address, default route, servers outside the mesh.
pub(super) const CENTRE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The sidecar's and the application's end of the line between them, the same for every workload.
const LINE: (&str, &str) = ("169.254.77.1", "169.254.77.2");

/// What enters from the application goes to 15001, or to the DNS listener, which binds to loopback; what enters from
/// the network goes to 15006, the proxy's own ports excepted. What the sidecar passes on to its application, which it
/// sends to the Pod's address from 127.0.0.6, goes down the line.
const RULES: &str = "\
*nat
-A PREROUTING -i app0 -p udp --dport 53 -j DNAT --to-destination 127.0.0.1:15053
-A PREROUTING -i app0 -p tcp -j REDIRECT --to-ports 15001
-A PREROUTING -i eth0 -p tcp -m multiport --dports 15008,15020,15021,15090 -j RETURN
-A PREROUTING -i eth0 -p tcp -j REDIRECT --to-ports 15006
-A OUTPUT -s 127.0.0.6/32 -p tcp -j DNAT --to-destination 169.254.77.2
-A POSTROUTING -s 127.0.0.6/32 -o app0 -j SNAT --to-source 169.254.77.1
COMMIT
";

/// A workload's two places.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// Where the sidecar runs, with the Pod's address.
    pub(super) sidecar: Place,
    /// Where the application runs.
    pub(super) application: Place,
}

/// Makes the bridge, which also has the addresses `outside`.
pub(super) fn make_centre(outside: &[Ipv4Addr]) -> io::Result<()> {
    ip("link set lo up")?;
    ip("link add name br0 type bridge")?;
    for address in [CENTRE].iter().chain(outside) {
        ip(&format!("address add {address}/24 dev br0"))?;
    }
    ip("link set br0 up")
}

/// Makes the places of the workload `name` with the Pod address `address`.
pub(super) fn make_cell(name: &str, address: Ipv4Addr) -> io::Result<Cell> {
    let (sidecar, application) = (name, format!("{name}-app"));
    ip(&format!("netns add {sidecar}"))?;
    ip(&format!("netns add {application}"))?;
    // An interface's name has at most 15 characters.
    let port = format!("pod{}", address.octets()[3]);
    ip(&format!("link add name {port} type veth peer name eth0 netns {sidecar}"))?;
    ip(&format!("link set {port} master br0 up"))?;
    ip(&format!("-n {sidecar} link add name app0 type veth peer name eth0 netns {application}"))?;
    for (namespace, interface, own) in [
        (sidecar, "eth0", format!("{address}/24")),
        (sidecar, "app0", format!("{}/30", LINE.0)),
        (&application, "eth0", format!("{}/30", LINE.1)),
    ] {
        ip(&format!("-n {namespace} address add {own} dev {interface}"))?;
        ip(&format!("-n {namespace} link set {interface} up"))?;
        ip(&format!("-n {namespace} link set lo up"))?;
    }
    ip(&format!("-n {sidecar} route add default via {CENTRE}"))?;
    ip(&format!("-n {application} route add default via {}", LINE.0))?;
    let cell = Cell { sidecar: Place::named(sidecar), application: Place::named(&application) };
    cell.sidecar.run(capture)??;
    Ok(cell)
}

/// Sets the rules in the calling thread's namespace, where loopback addresses may then cross an interface.
fn capture() -> io::Result<()> {
    std::fs::write("/proc/sys/net/ipv4/conf/all/route_localnet", "1")?;
    let mut restore = Command::new("iptables-restore").arg("-w").stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = restore.stdin.take() {
        input.write_all(RULES.as_bytes())?;
    }
    succeeded("iptables-restore", restore.wait()?.success())
}

fn ip(arguments: &str) -> io::Result<()> {
    let status = Command::new("ip").args(arguments.split(' ')).stdin(Stdio::null()).status()?;
    succeeded(&format!("ip {arguments}"), status.success())
}

fn succeeded(what: &str, success: bool) -> io::Result<()> {
    if success { Ok(()) } else { Err(io::Error::other(format!("`{what}` failed"))) }
}
