//! What a proxy says of the workload beside it.

use crate::base::Str;
use crate::model::View;
use crate::model::facts::{Beside, ContainerPort, Protocol, Target};
use crate::proxy::Proxy;

/// For which services the workload beside a proxy answers; see [`View::targets`].
pub fn targets(view: &View<'_>, proxy: &Proxy) -> Vec<Target> {
    view.targets(&Beside {
        addresses: &proxy.addresses,
        namespace: &proxy.namespace,
        cluster: proxy.cluster(),
        labels: &proxy.labels,
        ports: stated_ports(proxy),
    })
}

/// The containers' ports as pilot-agent states them (`POD_PORTS`, JSON within a string).
fn stated_ports(proxy: &Proxy) -> Vec<ContainerPort> {
    let ports = proxy.metadata.json("POD_PORTS");
    let port = |p: &serde_json::Value| {
        let number = u16::try_from(p.get("containerPort")?.as_u64()?).ok()?;
        let text = |key| p.get(key).and_then(|v| v.as_str()).unwrap_or_default();
        let protocol = if text("protocol") == "UDP" { Protocol::Udp } else { Protocol::Tcp };
        Some(ContainerPort { name: Str::from(text("name")), number, protocol })
    };
    ports.iter().filter_map(|p| p.as_array()).flatten().filter_map(port).collect()
}
