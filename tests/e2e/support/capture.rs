//! Transparent capture: the rules that Istio's init container writes for a sidecar.

use super::netns::Namespace;
use super::process::run;
use super::require;

/// The user the sidecar runs as; its own traffic passes.
pub(crate) const PROXY_ID: u32 = 1337;
/// Ports of the agent and of tunnels, which are never captured.
const OWN_PORTS: &str = "15008,15020,15021,15090";
/// Where an inbound cluster binds for the last step to the application.
const PASSED_ON: &str = "127.0.0.6/32";

/// Sends what enters and leaves `namespace` through the sidecar in it: TCP in to 15006, TCP out to 15001, and DNS
/// queries to `name_server` to 15053.
pub(crate) fn install(namespace: &Namespace, name_server: &str) {
    let proxy = PROXY_ID.to_string();
    let (inbound, outbound) = (["-j", "REDIRECT", "--to-ports", "15006"], ["-j", "REDIRECT", "--to-ports", "15001"]);
    let tcp = |chain, rule: &[&str]| append(namespace, chain, &[&["-p", "tcp"], rule].concat());

    tcp("PREROUTING", &["-m", "multiport", "--dports", OWN_PORTS, "-j", "RETURN"]);
    tcp("PREROUTING", &inbound);

    let dns = ["-p", "udp", "--dport", "53", "-d", name_server];
    append(namespace, "OUTPUT", &[&dns[..], &["-m", "owner", "--uid-owner", &proxy, "-j", "RETURN"]].concat());
    append(namespace, "OUTPUT", &[&dns[..], &["-j", "REDIRECT", "--to-ports", "15053"]].concat());

    // The order matters: delivery to the application, the workload calling itself through a virtual address, the
    // application's own loopback, the sidecar's calls, DNS over TCP; the rest is captured.
    tcp("OUTPUT", &["-o", "lo", "-s", PASSED_ON, "-j", "RETURN"]);
    let own = ["-o", "lo", "!", "-d", "127.0.0.1/32", "-m", "owner", "--uid-owner", &proxy];
    tcp("OUTPUT", &[&own[..], &inbound].concat());
    tcp("OUTPUT", &["-o", "lo", "-m", "owner", "!", "--uid-owner", &proxy, "-j", "RETURN"]);
    tcp("OUTPUT", &["-m", "owner", "--uid-owner", &proxy, "-j", "RETURN"]);
    tcp("OUTPUT", &["--dport", "53", "-d", name_server, "-j", "RETURN"]);
    tcp("OUTPUT", &["-d", "127.0.0.1/32", "-j", "RETURN"]);
    tcp("OUTPUT", &outbound);

    separate_dns_flows(namespace, name_server);
}

/// The application's queries and the sidecar's, which may use the same ports, are tracked apart.
fn separate_dns_flows(namespace: &Namespace, name_server: &str) {
    let zone = ["-j", "CT", "--zone", "1"];
    let proxy = PROXY_ID.to_string();
    let out = ["OUTPUT", "-p", "udp", "--dport", "53", "-m", "owner", "--uid-owner", &proxy];
    let back = ["PREROUTING", "-p", "udp", "--sport", "53", "-s", name_server];
    for rule in [&out[..], &back] {
        run(iptables(namespace).args(["-t", "raw", "-A"]).args(rule).args(zone));
    }
}

fn append(namespace: &Namespace, chain: &str, rule: &[&str]) {
    run(iptables(namespace).args(["-t", "nat", "-A", chain]).args(rule));
}

fn iptables(namespace: &Namespace) -> std::process::Command {
    let mut command = namespace.command(require::program("iptables", "iptables"));
    command.arg("-w");
    command
}
