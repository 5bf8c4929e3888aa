//! Whether a proxy lets somebody in (Envoy `source/extensions/filters/common/rbac`).

use std::net::IpAddr;

use serde_json::Value;

use super::route::header;
use super::text::{fits, list, matches, string};
use super::{Held, Request};

/// Somebody at the door of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// What the caller proves in the handshake, without the scheme; `None` in clear text.
    pub(crate) identity: Option<String>,
    /// The caller's address, which is the client's too.
    pub(crate) from: IpAddr,
    /// The port of the workload.
    pub(crate) port: u16,
    /// What is called; `None` where bytes are sent.
    pub(crate) request: Option<Request>,
}

/// What becomes of a visit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Door {
    /// The workload gets it.
    Open,
    /// The proxy refuses it.
    Shut,
    /// This cluster is asked.
    Asks(String),
}

impl Held {
    /// What becomes of a visit at the listener for calls in.
    pub(crate) fn visit(&self, visit: &Visit) -> Door {
        let Some(chain) = self.chain_in(visit) else { return Door::Shut };
        decide(list(&chain["filters"]), visit)
    }

    /// What becomes of a visit at a gateway.
    pub(crate) fn knock(&self, visit: &Visit) -> Door {
        let Some(chain) = self.chain_of_gateway(visit) else { return Door::Shut };
        decide(list(&chain["filters"]), visit)
    }
}

fn decide(filters: &[Value], visit: &Visit) -> Door {
    let mut mark = String::new();
    for filter in filters {
        let (name, config) = (string(&filter["name"]), &filter["typedConfig"]);
        if name.ends_with(".rbac") {
            let matched = judge(&config["rules"], visit);
            let refuses = match config["rules"]["action"].as_str() {
                _ if config["rules"].is_null() => false,
                None => matched.is_none(),
                Some("DENY") => matched.is_some(),
                Some(_) => false,
            };
            if refuses {
                return Door::Shut;
            }
            if config["shadowRulesStatPrefix"] == "istio_ext_authz_" {
                mark = judge(&config["shadowRules"], visit).unwrap_or_default();
            }
        } else if name.ends_with(".ext_authz") {
            let wanted = &config["filterEnabledMetadata"]["value"]["stringMatch"];
            if !mark.is_empty() && fits(wanted, &mark) {
                let grpc = &config["grpcService"]["envoyGrpc"]["clusterName"];
                let http = &config["httpService"]["serverUri"]["cluster"];
                return Door::Asks(string(if grpc.is_string() { grpc } else { http }));
            }
        } else if name.ends_with(".tcp_proxy") && config["cluster"] == "BlackHoleCluster" {
            return Door::Shut;
        } else if config["httpFilters"].is_array() {
            return decide(list(&config["httpFilters"]), visit);
        }
    }
    Door::Open
}

/// The first policy that matches, by name.
fn judge(rules: &Value, visit: &Visit) -> Option<String> {
    let policies = rules["policies"].as_object()?;
    let mut all: Vec<_> = policies.iter().collect();
    all.sort_by_key(|(name, _)| *name);
    let holds = |policy: &Value| {
        list(&policy["permissions"]).iter().any(|p| permits(p, visit))
            && list(&policy["principals"]).iter().any(|p| is(p, visit))
    };
    all.into_iter().find(|(_, policy)| holds(policy)).map(|(name, _)| name.clone())
}

fn permits(rule: &Value, visit: &Visit) -> bool {
    let (kind, value) = only(rule);
    match kind {
        "any" => true,
        "andRules" => list(&value["rules"]).iter().all(|r| permits(r, visit)),
        "orRules" => list(&value["rules"]).iter().any(|r| permits(r, visit)),
        "notRule" => !permits(value, visit),
        "header" => visit.request.as_ref().is_some_and(|r| header(value, r)),
        "urlPath" => path(visit).is_some_and(|path| fits(&value["path"], path)),
        "uriTemplate" => path(visit).is_some_and(|path| templated(&value["typedConfig"]["pathTemplate"], path)),
        "destinationPort" => value.as_u64() == Some(visit.port.into()),
        "metadata" => false,
        other => panic!("nobody has written down what {other} means"),
    }
}

fn is(id: &Value, visit: &Visit) -> bool {
    let (kind, value) = only(id);
    match kind {
        "any" => true,
        "andIds" => list(&value["ids"]).iter().all(|i| is(i, visit)),
        "orIds" => list(&value["ids"]).iter().any(|i| is(i, visit)),
        "notId" => !is(value, visit),
        "authenticated" => {
            visit.identity.as_ref().is_some_and(|id| fits(&value["principalName"], &format!("spiffe://{id}")))
        }
        "directRemoteIp" | "remoteIp" => {
            let range = format!("{}/{}", string(&value["addressPrefix"]), value["prefixLen"]);
            range.parse::<ipnet::IpNet>().unwrap().contains(&visit.from)
        }
        "header" => visit.request.as_ref().is_some_and(|r| header(value, r)),
        // There are no tokens here.
        "metadata" => false,
        other => panic!("nobody has written down what {other} means"),
    }
}

/// The one field of a oneof.
fn only(oneof: &Value) -> (&str, &Value) {
    let fields = oneof.as_object().expect("a condition is an object");
    assert_eq!(fields.len(), 1, "{oneof}");
    let (name, value) = fields.iter().next().unwrap();
    (name, value)
}

fn path(visit: &Visit) -> Option<&str> {
    visit.request.as_ref()?.path.split('?').next()
}

fn templated(template: &Value, path: &str) -> bool {
    let segment = |part: &str| match part {
        "**" => ".*".to_owned(),
        "*" => "[^/]+".to_owned(),
        literal => regex::escape(literal),
    };
    let parts: Vec<String> = template.as_str().unwrap().split('/').map(segment).collect();
    matches(&parts.join("/"), path)
}
