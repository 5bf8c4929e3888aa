//! Servers outside the mesh which share a port number, told apart by name.

use std::net::Ipv4Addr;

use super::fixture::CLIENT;
use crate::support::mesh::Mesh;
use crate::support::process::run;
use crate::support::servers::{mariadb, redis, redis_cli, server_id};

const ORDERS: (&str, Ipv4Addr) = ("orders-db.mysql.example.com", Ipv4Addr::new(10, 77, 0, 21));
const USERS: (&str, Ipv4Addr) = ("users-db.mysql.example.com", Ipv4Addr::new(10, 77, 0, 22));
const CACHE: (&str, Ipv4Addr) = ("cache.redis.example.com", Ipv4Addr::new(10, 77, 0, 41));

const ENTRIES: &str = "\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: orders-db, namespace: shop}
spec:
  hosts: [orders-db.mysql.example.com]
  resolution: DNS
  ports: [{number: 3306, name: tcp-mysql, protocol: TCP}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: users-db, namespace: shop}
spec:
  hosts: [users-db.mysql.example.com]
  resolution: STATIC
  ports: [{number: 3306, name: tcp-mysql, protocol: TCP}]
  endpoints: [{address: 10.77.0.22}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: cache, namespace: shop}
spec:
  hosts: [cache.redis.example.com]
  resolution: STATIC
  ports: [{number: 6379, name: tcp-redis, protocol: TCP}]
  endpoints: [{address: 10.77.0.41}]
";

fn connections(port: u16, host: &str) -> String {
    format!("cluster.outbound|{port}||{host};.upstream_cx_total")
}

#[test]
fn each_query_lands_on_the_mariadb_server_that_was_named() {
    let mut mesh = Mesh::new(&[ORDERS, USERS]);
    mesh.configure("client.yaml", CLIENT);
    mesh.configure("entries.yaml", ENTRIES);
    let _servers = [mariadb(&mesh, ORDERS.1, 21), mariadb(&mesh, USERS.1, 22)];
    mesh.start_control_plane();
    let client = mesh.sidecar(CLIENT, "client");

    let queries = [ORDERS, USERS, USERS, ORDERS, USERS];
    for (host, address) in queries {
        let answer = run(&mut server_id(client.namespace(), host));
        assert_eq!(answer.trim(), address.octets()[3].to_string(), "{host}");
    }
    assert_eq!(client.statistic(&connections(3306, ORDERS.0)), 2);
    assert_eq!(client.statistic(&connections(3306, USERS.0)), 3);
}

#[test]
fn redis_is_reached_by_its_name() {
    let mut mesh = Mesh::new(&[CACHE]);
    mesh.configure("client.yaml", CLIENT);
    mesh.configure("entries.yaml", ENTRIES);
    let _server = redis(&mesh, CACHE.1);
    run(&mut redis_cli(mesh.centre(), &CACHE.1.to_string(), &["SET", "who", "the real one"]));
    mesh.start_control_plane();
    let client = mesh.sidecar(CLIENT, "client");

    assert_eq!(run(&mut redis_cli(client.namespace(), CACHE.0, &["GET", "who"])).trim(), "the real one");
    assert_eq!(client.statistic(&connections(6379, CACHE.0)), 1);
}

#[test]
fn commands_of_redis_are_counted_where_istiods_variable_asks_for_it() {
    let mut mesh = Mesh::new(&[CACHE, USERS]);
    mesh.variables = vec![("PILOT_ENABLE_REDIS_FILTER", "true"), ("PILOT_ENABLE_MYSQL_FILTER", "true")];
    mesh.configure("client.yaml", CLIENT);
    // A stock Envoy has no filter for MySQL: those ports stay as they are.
    let spoken = ENTRIES.replace("name: tcp-redis, protocol: TCP", "name: redis, protocol: REDIS");
    mesh.configure("entries.yaml", &spoken.replace("name: tcp-mysql, protocol: TCP", "name: mysql, protocol: MYSQL"));
    let _servers = [redis(&mesh, CACHE.1), mariadb(&mesh, USERS.1, 22)];
    mesh.start_control_plane();
    let client = mesh.sidecar(CLIENT, "client");

    for n in 0..3 {
        run(&mut redis_cli(client.namespace(), CACHE.0, &["SET", &format!("key-{n}"), "value"]));
    }
    assert_eq!(run(&mut redis_cli(client.namespace(), CACHE.0, &["GET", "key-1"])).trim(), "value");
    let refused = redis_cli(client.namespace(), CACHE.0, &["NONSENSE"]).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stdout).contains("ERR"));
    let counted = |name: &str| client.statistic(&format!("redis.outbound|6379||{}.{name}", CACHE.0));
    assert_eq!((counted("command.set.total"), counted("command.get.total")), (3, 1));
    assert_eq!((counted("command.set.success"), counted("splitter.unsupported_command")), (3, 1));
    assert_eq!(run(&mut server_id(client.namespace(), USERS.0)).trim(), "22");
    assert_eq!(client.statistic("listener_manager.lds.update_rejected"), 0);
}
