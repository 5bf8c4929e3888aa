//! The users' mesh while it runs: applications beside stock Envoys, servers outside, and what looks at all of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use mizzen::demo::dns::resolve;
use mizzen::demo::load::Target;

use crate::configuration::{self, CLIENT, COLLECTOR};
use crate::parts::collector::Collector;
use crate::parts::prometheus::Prometheus;
use crate::parts::zipkin::Zipkin;
use crate::parts::{greeter, web};
use crate::support::backend::Backend;
use crate::support::envoy::Sidecar;
use crate::support::mesh::{CENTRE, Mesh};
use crate::support::process::Process;
use crate::support::servers;

/// MySQL servers, all on port 3306, with the names of their ServiceEntries. As its id each gives the end of its address.
pub(crate) const DATABASES: [(&str, Ipv4Addr, &str); 4] = [
    ("catalog.rds.example.com", Ipv4Addr::new(10, 77, 0, 21), "mysql-catalog"),
    ("members.rds.example.com", Ipv4Addr::new(10, 77, 0, 22), "mysql-members"),
    ("stock-primary.rds.example.com", Ipv4Addr::new(10, 77, 0, 23), "mysql-stock"),
    ("stock-replica.rds.example.com", Ipv4Addr::new(10, 77, 0, 24), "mysql-stock"),
];
pub(crate) const REDIS: (&str, Ipv4Addr) = ("session.cache.example.com", Ipv4Addr::new(10, 77, 0, 41));
const ZIPKIN: (&str, Ipv4Addr) = ("zipkin.observe.example.com", Ipv4Addr::new(10, 77, 0, 31));
const OTEL: (&str, Ipv4Addr) = ("otel.observe.example.com", Ipv4Addr::new(10, 77, 0, 32));
/// A server that no object tells of.
pub(crate) const STRANGER: (&str, Ipv4Addr) = ("stranger.example.org", Ipv4Addr::new(10, 77, 0, 51));

pub(crate) const WEB: &str = "web.shop.svc.cluster.local";
pub(crate) const GREETER: &str = "greeter.shop.svc.cluster.local";
/// The host by which users outside know `web`, and the gateway that they call.
pub(crate) const WWW: &str = "www.shop.example.com";
pub(crate) const GATEWAY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 77, 0, 71)), 8080);

/// Everything in it ends with it, the control plane last.
pub(crate) struct Users {
    pub(crate) prometheus: Prometheus,
    pub(crate) zipkin: Zipkin,
    pub(crate) collector: Collector,
    pub(crate) client: Sidecar,
    _others: Vec<Sidecar>,
    _applications: Vec<Backend>,
    _servers: Vec<Process>,
    pub(crate) mesh: Mesh,
}

impl Users {
    pub(crate) fn open() -> Users {
        let mut names: Vec<(&str, Ipv4Addr)> = DATABASES.iter().map(|(name, ip, _)| (*name, *ip)).collect();
        names.extend([REDIS, ZIPKIN, OTEL, STRANGER]);
        let mut mesh = Mesh::new(&names);
        let mut zipkin = Zipkin::start(&mesh, ZIPKIN.1);
        let collector = Collector::start(mesh.centre(), OTEL.1);

        let log = mesh.directory().join("logs");
        std::fs::create_dir(&log).unwrap();
        std::fs::set_permissions(&log, PermissionsExt::from_mode(0o777)).unwrap();
        mesh.settings = configuration::settings(&log.join("access.log").display().to_string());
        let objects = configuration::objects();
        mesh.configure("mesh.yaml", &objects);
        mesh.configure("client.yaml", CLIENT);
        mesh.configure("otel.yaml", COLLECTOR);
        mesh.start_control_plane();
        let mut outside: Vec<Process> =
            DATABASES.iter().map(|(_, ip, _)| servers::mariadb(&mesh, *ip, ip.octets()[3].into())).collect();
        outside.push(servers::redis(&mesh, REDIS.1));

        let greeters = ["greeter-5b7c-aaaaa", "greeter-5b7c-bbbbb"].map(|name| sidecar(&mesh, &objects, name));
        let web = sidecar(&mesh, &objects, "web-6f9d-ccccc");
        let client = sidecar(&mesh, CLIENT, "client-77aa-ddddd");
        writable(&mesh, "istio-ingressgateway-7d9f");
        let gateway = mesh.gateway(&objects, "istio-ingressgateway-7d9f");
        let mut applications: Vec<Backend> =
            greeters.iter().map(|sidecar| greeter::serve(sidecar.namespace())).collect();
        applications.push(web::serve(web.namespace(), target(&web)));
        applications.push(web::serve(mesh.centre(), target(&web)));

        let prometheus = Prometheus::start(&mesh);
        zipkin.wait(&mesh);
        let users = Users {
            prometheus,
            zipkin,
            collector,
            client,
            _others: greeters.into_iter().chain([web, gateway]).collect(),
            _applications: applications,
            _servers: outside,
            mesh,
        };
        users.prometheus.wait_for("every target to be scraped", "sum(up)", |up| up == 6.0);
        users
    }

    /// The address that the client's sidecar tells for a name.
    pub(crate) fn resolve(&self, name: &str) -> IpAddr {
        let answer = self.client.namespace().inside(|| resolve(IpAddr::V4(CENTRE), name));
        IpAddr::V4(answer.expect("the sidecar answers").unwrap_or_else(|| panic!("{name} has no address")))
    }

    /// The greeter, as applications know it.
    pub(crate) fn greeter(&self) -> Target {
        target(&self.client)
    }

    /// Keeps the directory with what all processes said; where it is.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.mesh.keep()
    }
}

/// The greeter, as an application beside this sidecar knows it.
fn target(sidecar: &Sidecar) -> Target {
    let answer = sidecar.namespace().inside(|| resolve(IpAddr::V4(CENTRE), GREETER));
    let address = answer.expect("the sidecar answers").expect("it knows the greeter's name");
    Target { address: SocketAddr::from((address, 50051)), authority: format!("{GREETER}:50051") }
}

fn sidecar(mesh: &Mesh, yaml: &str, name: &str) -> Sidecar {
    writable(mesh, name);
    mesh.sidecar(yaml, name)
}

/// Where a proxy's standard output goes. It opens that by its name, as another user, as it does in a container.
fn writable(mesh: &Mesh, name: &str) {
    let file = output(mesh, name);
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
}

/// The file with all that the proxy called `name` says: access logs, and Envoy's own log.
pub(crate) fn output(mesh: &Mesh, name: &str) -> PathBuf {
    mesh.directory().join(format!("{name}.envoy.log"))
}
