//! Where connections of some chains go.

use crate::base::{Namespace, Str};
use crate::model::facts::{self, Protocol, Target, TargetPort};

use super::Port;

/// A port of the workload, or all that have no chains of their own.
pub(super) struct Destination<'t> {
    /// The names of its chains for bytes and for calls.
    pub(super) names: [Str; 2],
    /// The port that is called; `None` for all that have no chains of their own.
    pub(super) number: Option<u16>,
    pub(super) cluster: Str,
    /// The prefix of calls in statistics.
    pub(super) stat_prefix: Str,
    pub(super) target: Option<&'t Target>,
    pub(super) origin: Option<(Namespace, Str)>,
    pub(super) port: facts::Port,
}

impl<'t> Destination<'t> {
    pub(super) fn of(port: &'t Port) -> Self {
        let target = &port.target;
        let name: Str = format!("{}_{}", port.bind, target.number).into();
        Self {
            stat_prefix: format!("inbound_{name};").into(),
            names: [name.clone(), name],
            number: Some(target.number),
            cluster: format!("inbound|{}||", target.number).into(),
            target: Some(target),
            origin: port.origin.clone(),
            port: target.port.clone(),
        }
    }

    /// Ports that no service has (istio `buildInboundPassthroughChains`).
    pub(super) fn unknown(number: Option<u16>) -> Self {
        let target = TargetPort::Number(number.unwrap_or(0));
        Self {
            names: ["virtualInbound".into(), "virtualInbound-catchall-http".into()],
            number,
            cluster: "InboundPassthroughCluster".into(),
            stat_prefix: "InboundPassthroughCluster;".into(),
            target: None,
            origin: None,
            port: facts::Port { number: 0, name: "virtualInbound".into(), protocol: Protocol::Unsupported, target },
        }
    }
}
