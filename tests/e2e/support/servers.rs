//! Real servers for the mesh to reach: gRPC backends in this process, MariaDB and Redis as processes.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use mizzen::demo::greeter::Greeter;
use tokio::sync::oneshot;
use tonic::transport::server::TcpIncoming;

use super::mesh::Mesh;
use super::netns::Namespace;
use super::process::{Process, eventually};
use super::require;

/// A gRPC backend on a thread of its own, ended when dropped.
pub(crate) struct Backend {
    _stop: oneshot::Sender<()>,
}

impl Backend {
    /// A backend that ends when `stop` is dropped.
    pub(crate) fn stopped_by(stop: oneshot::Sender<()>) -> Backend {
        Backend { _stop: stop }
    }
}

/// Starts a greeter called `name` on port 50051 of `namespace`.
pub(crate) fn greeter(namespace: &Namespace, name: &str) -> Backend {
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let (place, service) = (namespace.place(), Greeter::new(name));
    std::thread::spawn(move || {
        place.enter().expect("root may enter it");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(("0.0.0.0", 50051)).await.expect("a port of our own");
            ready.send(()).expect("somebody waits");
            let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
            let stopped = async { drop(stopped.await) };
            let server = tonic::transport::Server::builder().add_service(service);
            server.serve_with_incoming_shutdown(connections, stopped).await.expect("a server");
        });
    });
    is_ready.recv().expect("the backend starts");
    Backend::stopped_by(stop)
}

/// A MariaDB server at `address:3306` of the centre that answers `SELECT @@server_id` with `id`, to anybody.
pub(crate) fn mariadb(mesh: &Mesh, address: Ipv4Addr, id: u32) -> Process {
    let name = format!("mariadb-{id}");
    let directory = mesh.directory().join(&name);
    std::fs::create_dir(&directory).expect("a directory of our own");
    let mut command = mesh.centre().command(require::program("mariadbd", "mariadb-server"));
    command.args(["--no-defaults", "--user=root", "--skip-grant-tables", "--skip-log-bin"]);
    // No tables are needed, not even the server's own: this starts in a tenth of a second on an empty directory.
    command.args(["--skip-innodb", "--default-storage-engine=MyISAM", "--skip-name-resolve"]);
    command.arg(format!("--datadir={}", directory.display()));
    command.arg(format!("--socket={}", directory.join("socket").display()));
    command.arg(format!("--pid-file={}", directory.join("pid").display()));
    command.args([format!("--bind-address={address}"), format!("--server-id={id}")]);
    let mut process = Process::start(&name, command, mesh.directory().join(format!("{name}.log")));
    wait_for_port(mesh, &mut process, address, 3306);
    process
}

/// A Redis server at `address:6379` of the centre, empty.
pub(crate) fn redis(mesh: &Mesh, address: Ipv4Addr) -> Process {
    let mut command = mesh.centre().command(require::program("redis-server", "redis-server"));
    command.args(["--bind", &address.to_string(), "--save", "", "--appendonly", "no", "--protected-mode", "no"]);
    command.arg("--dir").arg(mesh.directory());
    let mut process = Process::start("redis", command, mesh.directory().join("redis.log"));
    wait_for_port(mesh, &mut process, address, 6379);
    process
}

fn wait_for_port(mesh: &Mesh, process: &mut Process, address: Ipv4Addr, port: u16) {
    eventually(Duration::from_secs(30), &format!("a server at {address}:{port}"), || {
        process.assert_alive();
        mesh.centre().inside(|| std::net::TcpStream::connect(SocketAddr::from((address, port)))).ok()
    });
}

/// The `server_id` of the MariaDB server that an application in `namespace` reaches by `host`.
pub(crate) fn server_id(namespace: &Namespace, host: &str) -> Command {
    let mut command = namespace.command(require::program("mariadb", "mariadb-client"));
    command.args(["--no-defaults", "--connect-timeout=5", "--host", host, "--port", "3306", "--user", "anybody"]);
    command.args(["--skip-column-names", "--batch", "--execute", "SELECT @@server_id"]);
    command
}

/// `redis-cli` against `host` from inside `namespace`.
pub(crate) fn redis_cli(namespace: &Namespace, host: &str, words: &[&str]) -> Command {
    let mut command = namespace.command(require::program("redis-cli", "redis-tools"));
    command.args(["-h", host]).args(words);
    command
}
