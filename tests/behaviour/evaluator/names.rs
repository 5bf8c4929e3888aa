//! Names to addresses, as the agent beside the proxy answers DNS from the name table.

use std::net::IpAddr;

use super::Held;

/// Where a name that the mesh does not know is said to be.
const ELSEWHERE: &str = "198.51.100.7";

impl Held {
    /// The address of a host: its own if it is one; from the table, in full, by a short name or under a wildcard;
    /// somewhere on the internet else.
    pub(super) fn resolve(&self, host: &str) -> String {
        if host.parse::<IpAddr>().is_ok() {
            return host.to_owned();
        }
        let table = self.0["nametable"].as_object();
        let ip = |name: &str| {
            let ips = table?.get(name)?["ips"].as_array()?;
            ips.first()?.as_str().map(str::to_owned)
        };
        let own = format!(".{}.svc.cluster.local", self.1);
        let ends = ["", &own, ".svc.cluster.local", ".cluster.local"];
        let short = ends.iter().find_map(|end| ip(&format!("{host}{end}")));
        let wild = || {
            let ends = host.match_indices('.').map(|(at, _)| format!("*{}", &host[at..]));
            ends.into_iter().find_map(|wildcard| ip(&wildcard))
        };
        short.or_else(wild).unwrap_or_else(|| ELSEWHERE.to_owned())
    }
}
