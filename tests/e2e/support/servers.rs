//! Real servers for the mesh to reach: MariaDB and Redis.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use super::mesh::Mesh;
use super::netns::Namespace;
use super::process::{PATIENCE, Process, eventually};
use super::require;

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
    eventually(PATIENCE, &format!("a server at {address}:{port}"), || {
        process.assert_alive();
        mesh.centre().inside(|| std::net::TcpStream::connect(SocketAddr::from((address, port)))).ok()
    });
}

/// The `server_id` of the MariaDB server that an application in `namespace` reaches by `host`.
pub(crate) fn server_id(namespace: &Namespace, host: &str) -> Command {
    let mut command = namespace.command(require::program("mariadb", "mariadb-client"));
    command.args(["--no-defaults", "--connect-timeout=60", "--host", host, "--port", "3306", "--user", "anybody"]);
    command.args(["--skip-column-names", "--batch", "--execute", "SELECT @@server_id"]);
    command
}

/// `redis-cli` against `host` from inside `namespace`.
pub(crate) fn redis_cli(namespace: &Namespace, host: &str, words: &[&str]) -> Command {
    let mut command = namespace.command(require::program("redis-cli", "redis-tools"));
    command.args(["-h", host]).args(words);
    command
}
