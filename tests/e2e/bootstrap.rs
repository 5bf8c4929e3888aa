//! The bootstrap against the real Envoy.

use mizzen::agent::bootstrap::{Discovery, Options, Workload, bootstrap};

use crate::support::envoy;
use crate::support::process::run;

fn options() -> Options {
    let workload = Workload {
        name: "client".to_owned(),
        namespace: "shop".to_owned(),
        ips: vec!["10.77.0.2".parse().unwrap()],
        labels: [("app".to_owned(), "client".to_owned())].into(),
        service_account: "default".to_owned(),
        owner: None,
        node_name: Some("node-1".to_owned()),
        containers: vec!["app".to_owned()],
        ports: Vec::new(),
    };
    Options::new(workload, Discovery::Port { host: "10.77.0.1".to_owned(), port: 15010 })
}

#[test]
fn envoy_accepts_the_bootstrap() {
    let plain = options();
    let with_agent = Options { sds_socket: Some("/run/sds".into()), ..options() };
    let by_name =
        Options { discovery: Discovery::Port { host: "istiod.istio-system.svc".to_owned(), port: 15010 }, ..options() };
    let with_dns = Options { dns: Some(vec!["10.77.0.1:53".parse().unwrap()]), ..options() };
    let sixth = Options {
        workload: Workload { ips: vec!["fd00::2".parse().unwrap()], ..options().workload },
        discovery: Discovery::Port { host: "fd00::1".to_owned(), port: 15010 },
        ..options()
    };
    let by_socket = Options { discovery: Discovery::Socket("/run/xds".into()), ..options() };
    for variant in [by_socket, plain, with_agent, by_name, with_dns, sixth] {
        let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
        std::fs::write(file.path(), bootstrap(&variant).to_string()).unwrap();
        let mut validate = std::process::Command::new(envoy::binary());
        run(validate.args(["--mode", "validate", "-l", "warning", "-c"]).arg(file.path()));
    }
}
